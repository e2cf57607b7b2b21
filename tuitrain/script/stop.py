"""What is raised in a loop of a script's own to end it, as Ctrl-C would."""

from __future__ import annotations


class Stop(KeyboardInterrupt):
    """Somebody asked the run to stop; a script that saves on Ctrl-C saves on this."""
