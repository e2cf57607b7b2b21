"""The panels of a run that show words: where it stands, what needs attention, what happened.

Each draws its part of a snapshot; knows nothing of keys.
"""

import time

from tuitrain.alerts.catalogue import count_serious
from tuitrain.lang import said, tr
from tuitrain.messages import GOES_ON_BY_ITSELF
from tuitrain.ui.charting import cursor_words
from tuitrain.ui.curve_choices import Choices
from tuitrain.ui.feeds.snapshot import RunSnapshot
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.panel import TextPanel
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.view.jobtext import is_short, job_words
from tuitrain.view.run import runtext
from tuitrain.view.run.diagnosis import diagnosis_note
from tuitrain.view.run.failure import failure_note
from tuitrain.view.run.ranktext import standing_line
from tuitrain.view.spans import SpanLine, plain_line


class RunTop(TopLine):
    """Which run it is, how far it is, and when it will be done."""

    def show_run(self, run: RunSnapshot) -> None:
        """Show what was read of a run."""
        if run.summary is None:
            self.show_parts(plain_line(f" {run.id}", "strong"))
            return
        train = run.config.get("train")
        left, right = runtext.top_parts(
            run.summary,
            live=run.live,
            epochs=int(train.get("epochs", 0)) if isinstance(train, dict) else 0,
            left_s=run.left_s,
            alerts=count_serious(row.kind for row in run.alerts),
            waiting=runtext.waiting_for(run.commands) or tr(run.activity),
            script=run.facts.script,
            job=run.facts.job,
            width=self.size.width,
            ends=None if run.left_s is None else time.time() + run.left_s,
        )
        self.show_parts(left, right)


class RunNote(Lines):
    """What needs attention above the curves: an error, a reason, what is waited for."""

    DEFAULT_CSS = "RunNote { height: auto; }"

    def show_run(self, run: RunSnapshot, choices: Choices, cells: int, width: int) -> None:
        """Show what was read of a run.

        Args:
            run: what was read.
            choices: how its charts are seen.
            cells: across a chart.
            width: of the note.
        """
        lines = [*_state_lines(run, width), *standing_line(run.ranks, run.ranks_gone, width)]
        waiting = runtext.waiting_for(run.commands)
        if waiting and run.live:
            lines.append(plain_line(f" {tr(waiting)}", "alert"))
        lines += _job_lines(run, width)
        lines += diagnosis_note(run.diagnoses, width)
        if choices.pattern:
            words = tr("filter: {pattern}  (/ changes it)", pattern=choices.pattern)
            lines.append(plain_line(f" {words}", "mark"))
        if choices.cursor is not None:
            words = cursor_words(run, choices, cells)
            lines.append(plain_line(f" {tr('cursor:')} {words}", "mark"))
        self.show_lines(lines)


def _state_lines(run: RunSnapshot, width: int) -> list[SpanLine]:
    """Say why a run does not go on, and what would let it."""
    if run.error:
        return runtext.note_lines(said(run.error), width, "bad")
    if run.state is None or run.state.state not in ("failed", "lost", "paused"):
        return []
    words = f"{tr(run.state.state)}: {said(run.state.reason)}"
    waits = run.live and GOES_ON_BY_ITSELF in run.state.reason
    if not waits and (run.live or run.facts.script is None):
        words += f"  {tr('(space resumes)' if run.live else '(R resumes)')}"
    lines = runtext.note_lines(words, width, runtext.STATE_STYLES[run.state.state])
    return [*lines, *failure_note(run.failures, width)]


def _job_lines(run: RunSnapshot, width: int) -> list[SpanLine]:
    """Say so where the job ends before the run in it finishes."""
    left_s, job, now = run.left_s, run.facts.job, time.time()
    if left_s is None or job is None or not is_short(job, now + left_s):
        return []
    return runtext.note_lines(job_words(job, now + left_s, now), width, "alert")


class Happened(TextPanel):
    """What happened to a run, the newest in sight."""

    def __init__(self) -> None:
        super().__init__(tr("what happened"), id="happened", newest=True)

    def show_run(self, run: RunSnapshot) -> None:
        """Show what was read of a run."""
        states = list(run.states)
        if run.state is not None and run.state.state == "lost":
            # Nobody was left to record it.
            states.append(run.state)
        found = runtext.happenings(states, run.marks, run.alerts, run.checkpoints)
        self.show_panel(tr("what happened"), (), [runtext.happening_line(item) for item in found])
