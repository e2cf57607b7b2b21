"""Runs that wait for a GPU or a slot of the box: places, who has them, and whose turn it is.

What decides is a lock on a file, which the kernel gives back when its holder dies.
"""
