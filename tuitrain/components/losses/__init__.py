"""Losses: each returns a function of (outputs, targets) to the mean over the batch.

One with a positional argument gets a `LossContext`, by which it may count the training targets.
"""
