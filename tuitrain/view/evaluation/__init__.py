"""Evaluations as text."""
