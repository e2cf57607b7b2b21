"""Optimizers: each takes parameters, learning rate and weight decay."""
