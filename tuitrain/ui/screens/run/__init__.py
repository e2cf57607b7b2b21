"""One run, live or ended, a part a file; `screen` puts them together."""

from tuitrain.ui.screens.run.screen import RunScreen

__all__ = ["RunScreen"]
