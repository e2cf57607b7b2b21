"""A profile that was ordered, until something has become of it."""

from functools import partial

from textual.dom import DOMNode

from tuitrain.errors import TuitrainError
from tuitrain.lang import tr
from tuitrain.messages import Profile
from tuitrain.ranks import order_of_profile
from tuitrain.runs.directory import RunDirectory
from tuitrain.supervisor.client import RunClient
from tuitrain.traces.store import profile_name
from tuitrain.ui.feeds.delivery import Bring
from tuitrain.ui.feeds.snapshot import RunSnapshot
from tuitrain.ui.shell import app_of

_TO_GET_READY = 7
"""Steps taken before recording: one waited for, one to measure, four of warm-up, one to write."""


class ProfileOrder:
    """The last order, and how far it is."""

    def __init__(self, directory: RunDirectory, shown_by: DOMNode, bring: Bring) -> None:
        """Order nothing yet; what comes of writing an order down, `bring` has taken in."""
        self._directory = directory
        self._shown_by = shown_by
        self._bring = bring
        self._command = 0
        self._step_before: int | None = None
        self.steps = 0
        """Of the profile that is waited for; 0: none is."""
        self.fault = ""
        """Why there is no profile that was asked for."""

    def give(self, wanted: Profile) -> None:
        """Order a profile."""
        self.steps, self._step_before = wanted.steps, None
        self._command, self.fault = 0, ""
        app = app_of(self._shown_by)
        app.work.do(partial(self._write, app.client, wanted))

    def _write(self, client: RunClient, wanted: Profile) -> None:
        number, fault = 0, ""
        try:
            number = client.send(self._directory, wanted)
        except TuitrainError as error:
            fault = str(error)
        self._bring(partial(self._written, number, fault))

    def _written(self, number: int, fault: str) -> None:
        self._command, self.fault = number, fault
        if fault:
            self.steps = 0

    def take(self, snapshot: RunSnapshot) -> str:
        """Return the profile that has come of the order since; empty: nothing has yet."""
        if self._step_before is None and snapshot.summary is not None:
            self._step_before = snapshot.summary.step
        answer = next((row for row in snapshot.commands if row.id == self._command), None)
        if not self.steps or answer is None or answer.outcome is None:
            return ""
        self.steps = 0
        if answer.outcome != "done":
            self.fault = answer.text
            return ""
        # Of several ranks the first: the others are beside it.
        name = profile_name(answer.id)
        names = [row.name for row in snapshot.profiles if order_of_profile(row.name) == name]
        return min(names, key=lambda each: (len(each), each), default=name)

    def progress(self, snapshot: RunSnapshot) -> str:
        """Say how far it is."""
        taken = snapshot.summary.step - (self._step_before or 0) if snapshot.summary else 0
        return tr(
            "profiling {steps} steps: {taken} steps since it was asked for, of about {all}",
            steps=self.steps,
            taken=taken,
            all=self.steps + _TO_GET_READY,
        )
