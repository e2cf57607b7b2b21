"""Samples that are not in a data set, read as its own are: for predictions and other test data."""
