"""A figure as one page that needs nothing from anywhere else."""
