"""Hooks: each returns one technique beside the loop, built from what it may know of the run."""
