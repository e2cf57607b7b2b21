"""A run's record carried on to other programs' trackers, while it grows or afterwards.

Reads records; each tracker's library is imported in the module that is named for it.
"""
