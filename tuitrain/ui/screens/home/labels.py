"""Tags and a note for all runs that are chosen in home's table."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message

from tuitrain.lang import tr
from tuitrain.runs.directory import RunDirectory, check_run_name
from tuitrain.runs.labels import check_tag, load_labels, save_labels
from tuitrain.runs.summary import RunSummary
from tuitrain.runs.upkeep.rename import rename_run
from tuitrain.runs.watched import refuse_remote
from tuitrain.ui.screens.dialogs import Ask
from tuitrain.ui.screens.home.keys import RunKeys
from tuitrain.ui.shell import app_of
from tuitrain.view.format import sanitise
from tuitrain.view.runlist.chosen import tag_changes


class RunLabels(Vertical):
    """Around the table: keys that write on runs."""

    BINDINGS = [
        Binding("t", "tag", "tag", id="home.tag",
                tooltip="Tag the chosen runs: words to add, and with - before them to remove"),
        Binding("m", "rename", "rename", show=False, id="home.rename",
                tooltip="Call the run under the cursor something else; its id and folder stay"),
        Binding("N", "note", "note", id="home.note",
                tooltip="Write a note on the chosen runs"),
    ]  # fmt: skip

    class Changed(Message):
        """Runs came, went or are labelled otherwise: the list is to be read again at once."""

    def __init__(self, keys: RunKeys) -> None:
        """Write on the runs that are chosen in the table of `keys`."""
        super().__init__(id="run-labels")
        self._keys = keys
        self.table = keys.table

    def compose(self) -> ComposeResult:
        """Show the table."""
        yield self._keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Ask nothing of no run, nor while another screen is about to cover the table."""
        del action, parameters
        return not app_of(self).opener.is_opening and self.table.has_chosen

    def action_tag(self) -> None:
        """Ask for tags to add and to remove."""
        runs = self.table.chosen
        if runs:
            values = self.table.listed.known.values
            have = sorted({tag for run in runs for tag in values[run.path].labels.tags})
            hint = tr(
                "words to add, -word takes one away; now: {tags}",
                tags=" ".join(have) or tr("none"),
            )
            asked = Ask(tr("Tags of {runs}", runs=_names(runs)), hint=hint, check=_check_tags)
            self.app.push_screen(asked, partial(self._tag, runs))

    def _tag(self, runs: Sequence[RunSummary], text: str | None) -> None:
        if text:
            self._begin(runs, *tag_changes(text), None)

    def action_note(self) -> None:
        """Ask for a note."""
        runs = self.table.chosen
        if runs:
            now = self.table.listed.known.values[runs[0].path].labels.note
            asked = Ask(tr("Note on {runs}", runs=_names(runs)), value=now, hint=tr("empty: none"))
            self.app.push_screen(asked, partial(self._note, runs))

    def _note(self, runs: Sequence[RunSummary], text: str | None) -> None:
        if text is not None:
            self._begin(runs, (), (), text)

    def action_rename(self) -> None:
        """Ask for another name of the run under the cursor."""
        run = self.table.rows.at_cursor
        if run is not None:
            asked = Ask(
                tr("Name of {run}", run=sanitise(run.id)), value=run.name, check=check_run_name
            )
            self.app.push_screen(asked, partial(self._rename, run))

    def _rename(self, run: RunSummary, name: str | None) -> None:
        def write(name: str) -> None:
            try:
                rename_run(RunDirectory(Path(run.path)), name)
            finally:
                self.post_message(self.Changed())

        if name and name != run.name:
            app_of(self).work.do(partial(write, name))

    def _begin(
        self,
        runs: Sequence[RunSummary],
        add: Sequence[str],
        remove: Sequence[str],
        note: str | None,
    ) -> None:
        app_of(self).work.do(partial(self._write, runs, add, remove, note))

    def _write(
        self,
        runs: Sequence[RunSummary],
        add: Sequence[str],
        remove: Sequence[str],
        note: str | None,
    ) -> None:
        try:
            for run in runs:
                directory = RunDirectory(Path(run.path))
                refuse_remote(directory)
                labels = load_labels(directory).tagged(add, remove)
                save_labels(directory, labels if note is None else replace(labels, note=note))
        finally:
            self.post_message(self.Changed())


def _names(runs: Sequence[RunSummary]) -> str:
    return sanitise(runs[0].id) if len(runs) == 1 else tr("{n} runs", n=len(runs))


def _check_tags(text: str) -> None:
    add, remove = tag_changes(text)
    for tag in (*add, *remove):
        check_tag(tag)
