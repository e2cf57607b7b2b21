"""The bottom line: the keys that work now, most used first, as many as fit; they can be clicked."""

from typing import NamedTuple

from textual.dom import DOMNode
from textual.events import Click
from textual.screen import Screen

from tuitrain.lang import key_word
from tuitrain.ui.widgets.lines import Lines
from tuitrain.view.spans import Span, line_width


class _Place(NamedTuple):
    """Where a key stands on the line, and what it does."""

    first: int
    end: int
    action: str
    node: DOMNode


class KeyLine(Lines):
    """Shows the bindings of its screen that ask to be shown."""

    def on_mount(self) -> None:
        """Follow the screen: other keys work when the focus moves or a run ends."""
        self._places: list[_Place] = []
        self.screen.bindings_updated_signal.subscribe(self, self._update)
        self._update(self.screen)

    def on_resize(self) -> None:
        """Show as many as fit now."""
        self._update(self.screen)

    async def on_click(self, event: Click) -> None:
        """Do what the key does that is clicked."""
        offset = event.get_content_offset(self)
        for place in self._places:
            if offset is not None and place.first <= offset.x < place.end:
                await self.app.run_action(place.action, place.node)
                return

    def _update(self, screen: Screen[object]) -> None:
        spans: list[Span] = [Span(" ")]
        places: list[_Place] = []
        last = (Span("?", "key"), Span(f" {key_word('help')}", "quiet"))
        shown: set[str] = set()
        for active in screen.active_bindings.values():
            binding = active.binding
            if not binding.show or not active.enabled or binding.action == "app.help":
                continue
            # A binding of several keys is there once for each; the first one is shown.
            if binding.id == "app.help" or binding.action in shown:
                continue
            shown.add(binding.action)
            key = self.app.get_key_display(binding)
            part = (Span(key, "key"), Span(f" {key_word(binding.description)}  ", "quiet"))
            first = line_width(tuple(spans))
            if first + line_width((*part, *last)) > self.size.width:
                break
            spans.extend(part)
            # The blanks behind it belong to no key.
            end = first + line_width(part) - 2
            places.append(_Place(first, end, binding.action, active.node))
        first = line_width(tuple(spans))
        places.append(_Place(first, first + line_width(last), "help", self.app))
        self._places = places
        self.show_lines([(*spans, *last)])
