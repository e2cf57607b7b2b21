"""Augmentations: each maps a batch of inputs to another of the same type, and as a rule shape.

They work on whole batches on the device. What is random comes from `draw` alone, so it follows
from seed, epoch and sample. One that takes no draw, as a resize, is made at evaluations too.
Images are uint8, or floating point from 0 to 1.
"""
