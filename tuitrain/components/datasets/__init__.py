"""Data sets: each returns training and validation samples; none knows batches or devices."""
