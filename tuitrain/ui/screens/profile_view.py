"""What the profile screen shows: the words above, a table, a flame view, a difference of two.

A follower reads the record, threads read digests; what stands on the screen is made by the view.
It knows no key.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from textual.app import ComposeResult
from textual.message import Message
from textual.screen import Screen

from tuitrain.analysis.ranks import profiled_ranks
from tuitrain.errors import TuitrainError
from tuitrain.lang import tr
from tuitrain.messages import Profile
from tuitrain.ranks import order_of_profile
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.rows import CommandRow, ProfileRow
from tuitrain.traces.compare import compare_digests
from tuitrain.traces.store import load_digest, profile_name
from tuitrain.ui.feeds.run import RunFollower
from tuitrain.ui.feeds.snapshot import Request, RunSnapshot
from tuitrain.ui.screens.profile_parts import RowList
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.filterline import FilterLine
from tuitrain.ui.widgets.flameview import FlameView
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.picklist import Row
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.view import profiletext as text
from tuitrain.view.format import sanitise
from tuitrain.view.ranktext import profiled_lines
from tuitrain.view.spans import Span, SpanLine, plain_line, wrap_plain

if TYPE_CHECKING:
    from tuitrain.ui.app import TuitrainApp

_TO_GET_READY = 7
"""Steps taken before recording: one waited for, one to measure, four of warm-up, one to write."""

Digest = Mapping[str, Any]


class ProfileView(Whole, Screen[None]):
    """Shows one profile of a run at a time."""

    DEFAULT_CSS = """
    ProfileView #words { height: auto; }
    ProfileView #head { height: 1; }
    ProfileView RowList { height: 1fr; }
    ProfileView FlameView { display: none; }
    ProfileView.flame #head, ProfileView.flame RowList { display: none; }
    ProfileView.flame FlameView { display: block; }
    """

    class Read(Message):
        """The follower has read the run."""

        def __init__(self, snapshot: RunSnapshot) -> None:
            super().__init__()
            self.snapshot = snapshot

    class Loaded(Message):
        """A thread has read a digest, or says why not."""

        def __init__(self, name: str, digest: Digest | None, error: str) -> None:
            super().__init__()
            self.name = name
            self.digest = digest
            self.error = error

    class Ordered(Message):
        """A thread has written down the order for a profile, or says why not."""

        def __init__(self, command: int, fault: str) -> None:
            super().__init__()
            self.command = command
            self.fault = fault

    def __init__(self, directory: RunDirectory, wanted: Profile | None = None) -> None:
        """Show the newest profile of the run in `directory`.

        Args:
            directory: the run.
            wanted: order this profile first, and show it.
        """
        super().__init__()
        self._directory = directory
        self._snapshot = RunSnapshot(directory.id)
        self._wanted = wanted
        self._steps = 0
        """Of the profile that is waited for; 0: none is."""
        self._command = 0
        self._fault = ""
        """Why there is no profile that was asked for."""
        self._step_before: int | None = None
        self._shown = ""
        self._other = ""
        self._digests: dict[str, Digest] = {}
        self._faults: dict[str, str] = {}
        self._loading: set[str] = set()
        self._group = "operator"
        self._sort: text.Sort | None = None
        self._pattern = ""
        self._follower = RunFollower(directory, self._deliver, Request(metrics=(), times=False))

    def _deliver(self, snapshot: RunSnapshot) -> None:
        self.post_message(self.Read(snapshot))

    def compose(self) -> ComposeResult:
        """Show the words above the table."""
        yield TopLine()
        yield Lines(id="words")
        yield Lines(id="head")
        yield RowList()
        yield FlameView()
        yield FilterLine(id="filter")
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin to read."""
        self.query_one(RowList).focus()
        self._follower.start()
        if self._wanted is not None:
            self._order(self._wanted)

    def on_unmount(self) -> None:
        """End the thread."""
        self._follower.close()

    # --- what is read -----------------------------------------------------------------------------

    def on_profile_view_read(self, message: Read) -> None:
        """Take in what was read of the run."""
        self._snapshot = snapshot = message.snapshot
        if self._step_before is None and snapshot.summary is not None:
            self._step_before = snapshot.summary.step
        names = self._names()
        answer = self._answer()
        if self._steps and answer is not None:
            self._take_answer(answer)
        if not self._steps and self._shown not in names and names:
            self._shown = names[-1]
        self._show_if_seen()

    def _names(self) -> list[str]:
        return [row.name for row in self._snapshot.profiles]

    def _order(self, wanted: Profile) -> None:
        """Order a profile."""
        self._steps, self._step_before = wanted.steps, None
        self._command, self._fault = 0, ""
        self.run_worker(lambda: self._give(wanted), thread=True, group="order")

    def _give(self, wanted: Profile) -> None:
        number, fault = 0, ""
        try:
            client = cast("TuitrainApp", self.app).client
            number = client.send(self._directory, wanted)
        except TuitrainError as error:
            fault = str(error)
        self.post_message(self.Ordered(number, fault))

    def on_profile_view_ordered(self, message: Ordered) -> None:
        """Wait for what becomes of the order."""
        self._command, self._fault = message.command, message.fault
        if message.fault:
            self._steps = 0
        self._follower.wake()
        self._show_if_seen()

    def _answer(self) -> CommandRow | None:
        """Return the order that is waited for, once something became of it."""
        orders = (row for row in self._snapshot.commands if row.id == self._command)
        return next((row for row in orders if row.outcome is not None), None)

    def _take_answer(self, answer: CommandRow) -> None:
        self._steps = 0
        if answer.outcome == "done":
            # Of several ranks the first: the others are beside it.
            name = profile_name(answer.id)
            names = [each for each in self._names() if order_of_profile(each) == name]
            self._shown = min(names, key=lambda each: (len(each), each), default=name)
            self._other = ""
        else:
            self._fault = answer.text

    def _load(self, name: str) -> Digest | None:
        """Return a digest, or None and have it read."""
        row = self._row(name)
        if name in self._digests or row is None or name in self._faults:
            return self._digests.get(name)
        if row.state == "failed":
            self._faults[name] = f"it can't be read: {row.summary.get('error', '')}"
        elif name not in self._loading and (row.state == "done" or not self._snapshot.live):
            self._loading.add(name)
            self.run_worker(lambda: self._read(name), thread=True, group="digests")
        return None

    def _read(self, name: str) -> None:
        try:
            digest, error = load_digest(self._directory.path, name), ""
        except TuitrainError as fault:
            digest, error = None, str(fault)
        self.post_message(self.Loaded(name, digest, error))

    def on_profile_view_loaded(self, message: Loaded) -> None:
        """Show what a digest says."""
        if message.digest is None:
            self._faults[message.name] = message.error
        else:
            self._digests[message.name] = message.digest
        self._show_if_seen()

    def _row(self, name: str) -> ProfileRow | None:
        return next((row for row in self._snapshot.profiles if row.name == name), None)

    # --- what is shown ----------------------------------------------------------------------------

    def _show_if_seen(self) -> None:
        # A screen below another one that changes makes Textual paint all of the upper one.
        if self.is_current:
            self._show()
            self.refresh_bindings()

    def on_screen_resume(self) -> None:
        """Show what was read meanwhile."""
        self._show()

    def on_resize(self) -> None:
        """Arrange anew."""
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        width = self.size.width
        if not width:
            return
        digest = None if self._steps else self._load(self._shown)
        other = self._load(self._other) if self._other else None
        self._show_top(digest)
        if digest is None:
            self._show_words(self._waiting_lines(width))
            self._show_table((), [], "")
        elif self._other and other is not None:
            self._show_difference(other, digest, width)
        else:
            self._show_profile(digest, width)

    def _show_top(self, digest: Digest | None) -> None:
        left: list[Span] = [Span(f" {sanitise(self._directory.id)}", "title")]
        row, names = self._row(self._shown), self._names()
        if row is not None and digest is not None:
            place = tr("{n} of {all}", n=names.index(self._shown) + 1, all=len(names))
            left.append(Span(f"  {tr('profile')} {sanitise(self._shown)}, {place}"))
            steps = tr(
                "  steps {first_step:,}-{last_step:,}",
                first_step=row.first_step,
                last_step=row.last_step,
            )
            left.append(Span(steps, "quiet"))
        right = self._pattern and f"/{sanitise(self._pattern)} "
        self.query_one(TopLine).show_parts(tuple(left), (Span(right, "mark"),) if right else ())

    def _waiting_lines(self, width: int) -> list[SpanLine]:
        """Say what is waited for, or why there is nothing to show."""
        snapshot = self._snapshot
        if snapshot.error:
            return wrap_plain(snapshot.error, width, "bad")
        if self._steps:
            return [plain_line(f" {self._progress()}", "live")]
        if self._shown in self._faults:
            return wrap_plain(f"profile {self._shown}: {self._faults[self._shown]}", width, "bad")
        if self._shown:
            return [
                plain_line(
                    tr(" reading the trace of profile {shown} ...", shown=self._shown), "live"
                )
            ]
        if snapshot.summary is None:
            return [plain_line(tr(" reading the run ..."), "quiet")]
        if self._fault:
            return wrap_plain(self._fault, width, "bad")
        hint = tr(": p takes one") if snapshot.live else ""
        return [plain_line(tr(" the run has no profiles{hint}", hint=hint), "quiet")]

    def _progress(self) -> str:
        summary = self._snapshot.summary
        taken = summary.step - (self._step_before or 0) if summary else 0
        return tr(
            "profiling {steps} steps: {taken} steps since it was asked for, of about {all}",
            steps=self._steps,
            taken=taken,
            all=self._steps + _TO_GET_READY,
        )

    def _show_words(self, lines: list[SpanLine]) -> None:
        self.query_one("#words", Lines).show_lines(lines)

    def _show_table(self, head: SpanLine, rows: list[Row], empty: str) -> None:
        self.query_one("#head", Lines).show_lines([head])
        self.query_one(RowList).show_rows(rows, empty=empty)

    def _show_profile(self, digest: Digest, width: int) -> None:
        row = self._row(self._shown)
        note = row.facts.note if row is not None else ""
        fault = wrap_plain(self._fault, width, "bad") if self._fault else []
        ranks = profiled_ranks(self._snapshot.profiles, self._shown)
        side = profiled_lines(ranks, self._shown, width)
        self._show_words([*fault, *text.summary_lines(digest, note, width), *side])
        if self.has_class("flame"):
            self.query_one(FlameView).show_tree(digest["flame"])
        head, rows = self._table(digest, width)
        self._show_table(head, rows, f" {text.no_rows(self._group, self._pattern)}")

    def _table(self, digest: Digest, width: int) -> tuple[SpanLine, list[Row]]:
        if self._group == "kernel":
            kernels = [row for row in text.kernel_rows(digest) if self._matches(row["name"])]
            lines = [text.kernel_line(row, digest, width) for row in kernels]
            return text.kernel_head(width), _numbered(lines)
        if self._group == "gap":
            head = plain_line(tr(" longest idle times of the device, and what the host did"))
            return head, _numbered(text.gap_lines(digest, width))
        sort, columns = self._sort or text.first_sort(digest), text.columns_for(digest, width)
        picked = text.pick_rows(digest, self._group, sort, self._pattern)
        lines = [text.row_line(row, digest, columns, width) for row in picked]
        rows = [Row(row["name"], line) for row, line in zip(picked, lines, strict=True)]
        return text.head_line(columns, tr(self._group), sort, width), rows

    def _matches(self, name: str) -> bool:
        return self._pattern.lower() in name.lower()

    def _show_difference(self, other: Digest, digest: Digest, width: int) -> None:
        before, after = sorted((other, digest), key=lambda each: self._names().index(each["name"]))
        compared = compare_digests(before, after)
        words = [
            (Span(" "), *line)
            for each in text.difference_words(compared)
            for line in wrap_plain(each, width - 1)
        ]
        self._show_words(words)
        picked = [row for row in compared["rows"] if self._matches(row["name"])]
        rows = [Row(row["name"], text.difference_line(row, width)) for row in picked]
        self._show_table(text.difference_head(width), rows, tr(" no operator differs"))


def _numbered(lines: list[SpanLine]) -> list[Row]:
    return [Row(str(number), line) for number, line in enumerate(lines, 1)]
