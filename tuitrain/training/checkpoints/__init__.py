"""Checkpoints: what may be in one, files on disk, and writing them while training goes on."""
