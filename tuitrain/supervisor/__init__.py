"""Owns one run: starts the worker, records, samples, obeys. Imports no torch and no textual."""
