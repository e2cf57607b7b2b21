"""A run's trained model, asked from the run's directory alone; for commands and screens alike."""
