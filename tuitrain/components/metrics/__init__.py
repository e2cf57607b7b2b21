"""Metrics: each returns what counts one over an evaluation, built anew for each."""
