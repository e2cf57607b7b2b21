"""Runs of several machines, and the jobs of SLURM that have them."""
