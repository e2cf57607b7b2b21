"""What lies at a path of somebody's own, in a reader, and a preset that trains it on Enter.

A process of its own looks, and ends with the screen. Knows nothing of how data are looked at.
"""

import asyncio
import os
import re
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.suggester import Suggester

from tuitrain.config.editing.shortest import toml_value
from tuitrain.config.folders import config_directory
from tuitrain.config.new_preset import save_preset
from tuitrain.config.presets import preset_names
from tuitrain.errors import TuitrainError, UsageError
from tuitrain.lang import said, tr
from tuitrain.supervisor.inspection import survey_data
from tuitrain.ui.feeds.child import AskedChild, Child
from tuitrain.ui.screens.dialogs import Ask
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.reader import Reader
from tuitrain.view.format import sanitise
from tuitrain.view.spans import Span, SpanLine, wrap_plain

Survey = Callable[[Path, Callable[[str], None], Callable[[Child], None]], dict[str, Any]]
"""Returns what lies at a path; tells what it is at, and which process it has begun."""
_FAULTS = ("broken:", "leak:", "the same in two classes:")
"""What lines of `tuitrain.userdata` begin with that somebody should see to."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class PathSuggester(Suggester):
    """Completes the path that is being typed."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """Return the path with the rest of a name in its folder; None: there is none."""
        return await asyncio.to_thread(complete_path, value)


def complete_path(text: str) -> str | None:
    """Return a path with the first name that begins so, a folder with a slash behind it."""
    folder, _, begun = text.rpartition("/")
    if not begun:
        return None
    whole = Path(f"{folder}/" if "/" in text else "").expanduser()
    try:
        names = sorted(entry.name + "/" * entry.is_dir() for entry in os.scandir(whole))
    except OSError:
        return None
    found = next((name for name in names if name.startswith(begun)), None)
    return None if found is None else text + found[len(begun) :]


def whole_path(text: str) -> Path:
    """Return the whole path of what was typed.

    Raises:
        UsageError: nothing is there.
    """
    path = Path(os.path.abspath(Path(text.strip()).expanduser()))  # noqa: PTH100 - links stay
    if not text.strip() or not path.exists():
        raise UsageError(tr("there is no such file or folder"))
    return path


def ask_path() -> Ask:
    """Return the question for the path."""
    return Ask(
        tr("Train on your own data: a folder of images or a CSV file"),
        hint=tr("Tab completes a name"),
        check=whole_path,
        suggester=PathSuggester(),
    )


class OwnDataScreen(Whole, ModalScreen[str]):
    """What was found at a path; closes with the name of the preset that was written."""

    DEFAULT_CSS = """
    OwnDataScreen #own { width: 100%; height: 100%; border: round $accent; background: $surface; padding: 0 1; }
    OwnDataScreen #own Lines { dock: bottom; height: 1; }
    """  # noqa: E501
    BINDINGS = [
        Binding("enter", "make", "make a preset", id="own.make",
                tooltip="Write a preset that trains this, and open its form."),
        Binding("q,escape", "back", "close", id="own.back",
                tooltip="Go back; what is still being looked at is left."),
    ]  # fmt: skip

    def __init__(
        self, path: Path, survey: Survey = survey_data, folder: Path | None = None
    ) -> None:
        """Look at a path.

        Args:
            path: the whole path.
            survey: looks.
            folder: for the preset; the user's own where it is left out.
        """
        super().__init__()
        self._path = path
        self._survey = survey
        self._folder = folder or config_directory() / "presets"
        self._answer: dict[str, Any] | None = None
        self._status = tr("starting")
        self._trouble = ""
        self._child = AskedChild()

    def compose(self) -> ComposeResult:
        """Show what is known so far."""
        with Vertical(id="own") as panel:
            panel.border_title = tr("your data")
            yield Reader()
            yield Lines()

    def on_mount(self) -> None:
        """Begin to look."""
        self.query_one(Reader).focus()
        self.run_worker(self._look, thread=True, group="own data", exit_on_error=False)

    def on_unmount(self) -> None:
        """End the process that nobody waits for any more."""
        self._child.close()

    def on_resize(self) -> None:
        """Lay the lines out again."""
        self.call_after_refresh(self._show)

    # --- in the thread ----------------------------------------------------------------------------

    def _look(self) -> None:
        try:
            answer = self._survey(self._path, self._tell, self._child.begun)
        except (TuitrainError, OSError) as error:
            self.call_later(self._refuse, str(error))
            return
        self.call_later(self._take, answer)

    def _tell(self, text: str) -> None:
        self.call_later(self._say, text)

    # --- what is shown ----------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        self._status = said(text)
        self._show()

    def _refuse(self, reason: str) -> None:
        self._trouble, self._status = said(reason), ""
        self._show()

    def _take(self, answer: dict[str, Any]) -> None:
        self._answer, self._status = answer, ""
        self._show()

    def _show(self) -> None:
        reader = self.query_one(Reader)
        reader.show_lines(self._lines(max(20, reader.size.width)))
        keys = [Span("enter", "key"), Span(tr(" make a preset  "), "quiet")] if self._answer else []
        waiting = f"  {sanitise(self._status)} ..." if self._status else ""
        line = (*keys, Span("q", "key"), Span(tr(" close"), "quiet"), Span(waiting, "live"))
        self.query_one(Lines).show_lines([line])

    def _lines(self, width: int) -> list[SpanLine]:
        found = self._answer["lines"] if self._answer is not None else []
        lines = [line for text in found for line in wrap_plain(said(text), width, _style_of(text))]
        return [*lines, *wrap_plain(self._trouble, width, "bad")] if self._trouble else lines

    # --- keys -------------------------------------------------------------------------------------

    def action_back(self) -> None:
        """Close."""
        self.dismiss()

    def action_make(self) -> None:
        """Ask for a name, then write the preset."""
        if self._answer is None:
            return
        taken = preset_names(user_dir=self._folder.parent)
        question = Ask(
            tr("Name of the preset"),
            value=str(self._answer["name"]),
            hint=tr("is written to {folder}", folder=sanitise(str(self._folder))),
            check=partial(check_name, taken),
        )
        self.app.push_screen(question, self._make)

    def _make(self, name: str | None) -> None:
        if name is None or self._answer is None:
            return
        rest = str(self._answer["preset"]).partition("\n")[2]
        text = f"name = {toml_value(name)}\n{rest}"
        try:
            save_preset(self._folder / f"{name}.toml", text, name)
        except TuitrainError as error:
            self._refuse(str(error))
            return
        self.dismiss(name)


def _style_of(text: str) -> str:
    """Return how a line of what was found is shown: faults and leaks stand out."""
    found = text.strip()
    return "alert" if found.startswith(_FAULTS) or "suspected leak" in found else ""


def check_name(taken: Collection[str], name: str) -> None:
    """Hold a preset's name against what may be, and against those there are.

    Raises:
        UsageError: it will not do.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            tr(
                "must be up to 64 lower-case letters, digits, dots, dashes and "
                "underscores, and begin with a letter or a digit"
            )
        )
    if name in taken:
        raise UsageError(tr("there is a preset {name} already; take another name", name=name))
