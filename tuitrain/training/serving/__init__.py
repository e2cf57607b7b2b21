"""A trained model behind HTTP: requests are read, batched and answered in one process."""
