"""The bottom line: the keys that work now, most used first, as many as fit."""

from textual.screen import Screen

from tuitrain.ui.widgets.lines import Lines
from tuitrain.view.spans import Span, line_width

_HELP = (Span("?", "key"), Span(" help", "quiet"))


class KeyLine(Lines):
    """Shows the bindings of its screen that ask to be shown."""

    def on_mount(self) -> None:
        """Follow the screen: other keys work when the focus moves or a run ends."""
        self.screen.bindings_updated_signal.subscribe(self, self._update)
        self._update(self.screen)

    def on_resize(self) -> None:
        """Show as many as fit now."""
        self._update(self.screen)

    def _update(self, screen: Screen[object]) -> None:
        spans: list[Span] = [Span(" ")]
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
            part = (Span(key, "key"), Span(f" {binding.description}  ", "quiet"))
            if line_width((*spans, *part, *_HELP)) > self.size.width:
                break
            spans.extend(part)
        self.show_lines([(*spans, *_HELP)])
