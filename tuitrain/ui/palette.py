"""What the command palette offers of a screen: each action that has a key there."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from textual.app import SystemCommand
from textual.binding import Binding
from textual.screen import Screen

from tuitrain.lang import key_word, tr

_TEXTUALS = frozenset(
    {"app.focus_next", "app.focus_previous", "command_palette", "screen.copy_text"}
)
"""Actions of Textual's own: what they do is done by keys and the mouse, and in English words."""


def screen_commands(
    screen: Screen[Any], run: Callable[[str, Any], Any], called: Callable[[Binding], str]
) -> Iterable[SystemCommand]:
    """Yield the actions of a screen that work now, each once.

    Args:
        screen: the one in front.
        run: does an action of a part of the screen.
        called: returns what a key is called.
    """
    seen = set(_TEXTUALS)
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.description and active.enabled and binding.action not in seen:
            seen.add(binding.action)
            yield SystemCommand(
                key_word(binding.description).capitalize(),
                tr(binding.tooltip) or f"{tr('key')} {called(binding)}",
                partial(run, binding.action, active.node),
            )
