"""A trained model's results, and what can be done with it."""
