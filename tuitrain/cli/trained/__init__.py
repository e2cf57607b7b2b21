"""What is done with a trained model, from its run's directory alone."""
