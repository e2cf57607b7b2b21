"""Augmentations: each maps a batch of inputs to one of the same shape and type.

They work on whole batches on the device. What is random comes from `draw` alone, so it follows
from seed, epoch and sample.
"""
