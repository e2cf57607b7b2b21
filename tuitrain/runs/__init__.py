"""The run directory and its database: create, write, read, reduce, list.

Knows nothing of terminals, of torch, or of how events and commands travel.
"""
