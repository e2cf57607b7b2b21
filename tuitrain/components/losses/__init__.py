"""Losses: each returns a function of (outputs, targets) to the mean over the batch."""
