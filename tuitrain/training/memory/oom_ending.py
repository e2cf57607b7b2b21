"""How a run ends that memory is not enough for: with what would fit, and how to begin it again.

Everything here may take its time: training stands still.
"""

import shlex
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tuitrain.config.folders import data_directory
from tuitrain.messages import Event, MemoryRanOut, OomAccount, StartTraining, TrainingEnded
from tuitrain.training.build import TrainingComponents
from tuitrain.training.memory.allocator import Allocator
from tuitrain.training.memory.fitting import Fit, Trial, again_settings, fit_batch_size
from tuitrain.training.memory.footprint import optimizer_bytes
from tuitrain.training.memory.oom_report import OomReport


class OomEnding:
    """Says how a run ends, once memory has run out and there is no way on."""

    def __init__(
        self,
        components: TrainingComponents,
        allocator: Allocator,
        send: Callable[[Event], None],
        rerun: tuple[str, ...] = (),
    ) -> None:
        """Stand by a run.

        Args:
            components: what it trains with.
            allocator: of its device.
            send: is given the account of what ran out.
            rerun: the words of the command that begins the run again; empty where nobody knows it.
        """
        self._components = components
        self._allocator = allocator
        self._send = send
        self._rerun = rerun

    def of_step(self, report: OomReport, step: int, saved: str) -> TrainingEnded:
        """Look for a batch size that fits, and return the run's end.

        Args:
            report: of the step that failed.
            step: the last whole one.
            saved: what became of it, in words.
        """
        batch_size = forward_size(self._components)
        account = report.account("step", batch_size)
        if report.in_update:
            advice = "A smaller batch does not help: it ran out in the optimizer's own step."
        else:
            account = self._offered(self._look_for_fit(account, batch_size, step))
            advice = _advice(account) or "No smaller batch was found to fit."
        return self._end(report, step, f"at step {step + 1}", advice, saved, account)

    def of_evaluation(
        self, report: OomReport, step: int, batch_size: int, saved: str
    ) -> TrainingEnded:
        """Return the end of a run that can't evaluate."""
        account = report.account("evaluation", batch_size)
        if self._components.preset.train.oom != "halve":
            account = self._offered(replace(account, again={"train.oom": "halve"}))
        advice = _advice(account) or "A single sample does not fit either."
        where = f"in the evaluation after step {step}"
        return self._end(report, step, where, advice, saved, account)

    def _end(
        self,
        report: OomReport,
        step: int,
        where: str,
        advice: str,
        saved: str,
        account: OomAccount,
    ) -> TrainingEnded:
        self._send(MemoryRanOut(time.time(), step, account))
        reason = f"out of memory {where} ({report.device}): {report.words()}{saved}. {advice}"
        return TrainingEnded(time.time(), step, "failed", reason, report.detail)

    def _look_for_fit(self, account: OomAccount, batch_size: int, step: int) -> OomAccount:
        """Return the account with the size that fits and what follows from it."""
        if self._components.plain is not None:
            return replace(account, fit_error="not tried, as the model is split over ranks")
        measure = Trial(self._components, self._allocator, step)
        try:
            fit = fit_batch_size(batch_size, self._room_bytes(), measure)
        except BaseException as error:
            # A model or data set of the user's own may refuse a size in any way.
            return replace(account, fit_error=f"{type(error).__name__}: {error}")
        return account if fit is None else self._with_fit(account, fit)

    def _room_bytes(self) -> int:
        """Return what a step may take: the state that the optimizer has yet to make is apart."""
        room = self._allocator.holding().room_bytes or 0
        return (
            room if self._components.optimizer.state else room - optimizer_bytes(self._components)
        )

    def _with_fit(self, account: OomAccount, fit: Fit) -> OomAccount:
        if fit.per_sample_bytes is not None and fit.fixed_bytes is not None:
            account = replace(
                account, per_sample_bytes=fit.per_sample_bytes, fixed_bytes=fit.fixed_bytes
            )
        step_samples = self._components.data.plan.step_samples
        again = again_settings(step_samples, fit.batch_size)
        return replace(account, fits_batch_size=fit.batch_size, again=dict(again))

    def _offered(self, account: OomAccount) -> OomAccount:
        """Return the account with the command that runs again with what is offered."""
        if not account.again or not self._rerun:
            return account
        words = [word for change in _changes(account) for word in ("--set", change)]
        return replace(account, command=" ".join([*self._rerun, *map(shlex.quote, words)]))


def _changes(account: OomAccount) -> list[str]:
    return [f"{key}={value}" for key, value in (account.again or {}).items()]


def _advice(account: OomAccount) -> str:
    """Return what to do, in words; empty where nothing is offered."""
    if not account.again:
        return ""
    return f"Run again with: {account.command or ' '.join(_changes(account))}"


def forward_size(components: TrainingComponents) -> int:
    """Return how many samples go through the model at once."""
    plan = components.data.plan
    return min(plan.forward_size, plan.step_samples, plan.samples)


def rerun_words(order: StartTraining) -> tuple[str, ...]:
    """Return the command that begins an order's run anew, its words quoted for a shell."""
    config = str(Path(order.run_directory) / "config.toml")
    words = ["tuitrain", "run", shlex.quote(config)]
    if Path(order.data_directory) != data_directory(None).absolute():
        words += ["--data-dir", shlex.quote(order.data_directory)]
    if order.code_folders:
        # The preset lies in the run's folder now, and no longer beside the code that it names.
        folders = ":".join(dict.fromkeys(order.code_folders))
        words.insert(0, f"PYTHONPATH={shlex.quote(folders)}")
    return tuple(words)


def end_outside_steps(shortage: OomReport, step: int | None) -> tuple[MemoryRanOut, TrainingEnded]:
    """Return account and end of a run whose memory ran out while no step was taken.

    Args:
        shortage: what ran out.
        step: the last step; None before the first one.
    """
    account = shortage.account("building" if step is None else "between steps")
    where = "before the first step" if step is None else f"after step {step}"
    advice = "Take a smaller model, data.mode = loader, or another device."
    reason = f"out of memory {where} ({shortage.device}): {shortage.words()}. {advice}"
    ended = TrainingEnded(time.time(), step or 0, "failed", reason, shortage.detail)
    return MemoryRanOut(time.time(), step or 0, account), ended
