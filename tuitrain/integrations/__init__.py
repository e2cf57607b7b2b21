"""Callbacks of a few lines for common frameworks, for loops that are not run by `tuitrain exec`.

Each file is of one framework and imports it; `tuitrain.init` comes first, and says what the run is.
"""
