"""Readings of GPU and host, outside the worker; knows nothing of runs or queues."""
