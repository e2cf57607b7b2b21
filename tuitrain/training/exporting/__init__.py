"""A trained model as a file that others run, and the proof that it predicts the same."""
