"""A training script that somebody else wrote, as the worker of a run."""
