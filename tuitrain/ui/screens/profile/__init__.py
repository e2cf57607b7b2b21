"""The profiles of a run, a part a file; `screen` puts them together."""

from tuitrain.ui.screens.profile.screen import ProfileScreen

__all__ = ["ProfileScreen"]
