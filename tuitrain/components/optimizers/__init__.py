"""Optimizers: each takes parameters, learning rate and weight decay.

Parameters are a list of them or, where the preset has `optimizer.groups`, of groups as torch's
optimizers take them. One with a positional argument `model` gets the model.
"""
