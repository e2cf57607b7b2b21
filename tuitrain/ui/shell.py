"""The app by its own type, for what it shows: Textual knows it as any app."""

from typing import TYPE_CHECKING, cast

from textual.message_pump import MessagePump

if TYPE_CHECKING:
    from tuitrain.ui.app import TuitrainApp


def app_of(shown: MessagePump) -> "TuitrainApp":
    """Return the app that shows a screen or a widget."""
    return cast("TuitrainApp", shown.app)
