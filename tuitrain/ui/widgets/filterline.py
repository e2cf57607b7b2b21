"""The line in which a list's filter is typed; there only while it is wanted.

Knows nothing of the list.
"""

from collections.abc import Callable, Sequence

from textual.binding import Binding
from textual.message import Message
from textual.widgets import Input


class FilterLine(Input):
    """Says what is typed at every key; Enter takes the row, Escape gives the filter up."""

    DEFAULT_CSS = """
    FilterLine { border: none; height: 1; padding: 0 1; display: none; background: $panel; }
    FilterLine.open { display: block; }
    """
    BINDINGS = [
        Binding("escape", "give_up", "show all", id="filter.clear", tooltip="Show all rows again"),
        Binding(
            "tab",
            "complete",
            "complete",
            id="filter.complete",
            tooltip="Complete the key or value, in the list of runs; again: the next one",
        ),
        Binding(
            "down",
            "leave",
            "to the list",
            show=False,
            id="filter.leave",
            tooltip="Go to the rows that the filter found",
        ),
    ]

    class Left(Message):
        """The list gets the focus back, and the row under its cursor is opened if `take`."""

        def __init__(self, line: "FilterLine", take: bool) -> None:
            super().__init__()
            self.line = line
            self.take = take

        @property
        def control(self) -> "FilterLine":
            """The line."""
            return self.line

    def __init__(
        self,
        *,
        id: str,
        placeholder: str = "filter",
        completions: Callable[[str], Sequence[str]] | None = None,
    ) -> None:
        """Take a filter.

        Args:
            id: of the widget.
            placeholder: what stands in an empty line.
            completions: what a text may become; none are offered where it is left out.
        """
        super().__init__(id=id, placeholder=placeholder, compact=True, select_on_focus=False)
        self._completions = completions
        self._offered: Sequence[str] = ()
        self._taken = 0

    @property
    def completes(self) -> bool:
        """Whether what is typed can be completed."""
        return self._completions is not None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to complete where that can be done."""
        del parameters
        return action != "complete" or self.completes

    def open(self) -> None:
        """Show the line and type into it."""
        self.add_class("open")
        self.screen.set_focus(self)

    def clear_away(self) -> None:
        """Show all rows again."""
        self.value = ""
        self.remove_class("open")

    def action_complete(self) -> None:
        """Complete the word at the end; asked again, offer the next way to."""
        if self._completions is None:
            return
        if self._offered and self.value == self._offered[self._taken]:
            self._taken = (self._taken + 1) % len(self._offered)
        else:
            self._offered, self._taken = self._completions(self.value), 0
        if self._offered:
            self.value = self._offered[self._taken]
            self.cursor_position = len(self.value)

    async def action_submit(self) -> None:
        """Open the row that the filter found."""
        self._leave(take=True)

    def action_leave(self) -> None:
        """Go to the list; the filter stays."""
        self._leave(take=False)

    def action_give_up(self) -> None:
        """Drop the filter."""
        self.clear_away()
        self._leave(take=False)

    def _leave(self, *, take: bool) -> None:
        if not self.value:
            self.remove_class("open")
        self.post_message(self.Left(self, take))
