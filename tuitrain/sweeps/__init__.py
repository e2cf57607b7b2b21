"""Sweeps: many runs of one preset over a space of settings, asked of Optuna and told to it.

A trial is an ordinary run. One driver process owns a sweep as a supervisor owns a run.
"""
