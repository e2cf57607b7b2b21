"""Presets: their schema, where they are found, how they are read, overridden and reported on.

Knows nothing of torch: what models, data sets, losses, optimizers and schedules exist is read
from the source of `tuitrain.components` without importing it.
"""
