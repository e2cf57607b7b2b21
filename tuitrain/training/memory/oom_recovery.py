"""What a run does when its memory runs out: the step again in smaller batches, or a told end.

Everything here may take its time: training stands still.
"""

import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from torch.nn.modules.batchnorm import _BatchNorm

from tuitrain.config.folders import data_directory
from tuitrain.messages import AlertRaised, BatchSplit, MemoryRanOut, StartOrder, TrainingEnded
from tuitrain.training.memory.allocator import Allocator
from tuitrain.training.memory.fitting import Fit, Trial, again_settings, fit_batch_size
from tuitrain.training.memory.footprint import optimizer_bytes
from tuitrain.training.memory.oom_report import OomReport, OutOfMemory, capture, is_out_of_memory
from tuitrain.training.samples import count

if TYPE_CHECKING:
    from tuitrain.training.loop import Trainer

_Done = TypeVar("_Done")
_ANEW = (
    "The step was begun anew: dropout and other draws of the attempt that failed are not drawn "
    "again, and running statistics of batch normalisation have counted its samples twice.\n\n"
)


class MemoryEndedError(Exception):
    """The run ended for lack of memory; `ended` says how."""

    def __init__(self, ended: TrainingEnded) -> None:
        super().__init__(ended.reason)
        self.ended = ended


class OomRecovery:
    """Stands by one trainer."""

    def __init__(self, trainer: "Trainer", allocator: Allocator) -> None:
        self._trainer = trainer
        self._allocator = allocator
        self.rerun: tuple[str, ...] = ()
        """The words of the command that begins the run anew; empty where nobody knows it."""

    @property
    def _halves(self) -> bool:
        return self._trainer.parts.preset.train.oom == "halve"

    def step(self, take: Callable[[], None]) -> None:
        """Take a step, in smaller batches where memory runs out and the preset says so.

        Raises:
            MemoryEndedError: there is no way on.
        """
        while True:
            try:
                return take()
            except OutOfMemory as error:
                shortage = self._take_down(error)
            # Outside the handler: the error is gone, and with it what its frames held.
            self._make_room()
            self._relieve_step(shortage)

    def evaluation(self, evaluate: Callable[[], _Done]) -> _Done:
        """Evaluate, in smaller batches where memory runs out and the preset says so.

        Raises:
            MemoryEndedError: there is no way on.
        """
        while True:
            try:
                return evaluate()
            except OutOfMemory as error:
                shortage = self._take_down(error)
            self._make_room()
            self._relieve_evaluation(shortage)

    def _take_down(self, error: BaseException) -> OomReport:
        if not is_out_of_memory(error):
            raise error
        return capture(error, self._trainer.parts.device, self._allocator)

    def _make_room(self) -> None:
        self._trainer.break_off()
        self._allocator.release()

    # --- again in smaller batches ---------------------------------------------------------------

    def _relieve_step(self, shortage: OomReport) -> None:
        plan = self._trainer.parts.data.plan
        old = min(plan.forward_size, plan.step_samples, plan.samples)
        if not self._halves or shortage.in_update or old == 1:
            self._end_in_step(shortage, old)
        new = -(-old // 2)
        accumulate = -(-plan.step_samples // new)
        self._trainer.split_batches(new)
        step = self._trainer.step
        text = f"out of memory at step {step + 1}: {shortage.words()}"
        again = f"the step is taken again in batches of {new} instead of {old}, {accumulate} a step"
        self._tell(shortage, step, {"phase": "step", "batch_size": old, "split_to": new})
        self._alert(f"{text}; {again}{self._normalisation(new)}", _ANEW + shortage.detail)
        self._trainer.link.send(
            BatchSplit(time.time(), step, old, new, accumulate, "memory ran out")
        )

    def _normalisation(self, size: int) -> str:
        modules = self._trainer.parts.model.modules()
        if not any(isinstance(module, _BatchNorm) for module in modules):
            return ""
        return f"; batch normalisation sees {size} samples at a time from now on"

    def _relieve_evaluation(self, shortage: OomReport) -> None:
        trainer = self._trainer
        old = min(trainer.evaluator.batch_size, count(trainer.evaluator.source))
        if not self._halves or old <= 1:
            self._end_in_evaluation(shortage, old)
        new = -(-old // 2)
        trainer.evaluator.batch_size = new
        facts = {"phase": "evaluation", "batch_size": old, "split_to": new}
        self._tell(shortage, trainer.step, facts)
        text = f"out of memory in the evaluation after step {trainer.step}: {shortage.words()}"
        again = f"it evaluates in batches of {new} instead of {old}"
        self._alert(f"{text}; {again}", shortage.detail)

    def _alert(self, text: str, detail: str) -> None:
        self._trainer.link.send(AlertRaised(time.time(), self._trainer.step, "oom", text, detail))

    def _tell(self, shortage: OomReport, step: int, facts: dict[str, Any]) -> None:
        account = {**shortage.account(), **facts}
        self._trainer.link.send(MemoryRanOut(time.time(), step, account))

    # --- the end --------------------------------------------------------------------------------

    def _end_in_step(self, shortage: OomReport, batch_size: int) -> NoReturn:
        """Save the last whole step, look for a size that fits, and end the run.

        Raises:
            MemoryEndedError: always.
        """
        saved = self._save(shortage)
        facts: dict[str, Any] = {"phase": "step", "batch_size": batch_size}
        if shortage.in_update:
            advice = "A smaller batch does not help: it ran out in the optimizer's own step."
        else:
            facts |= self._look_for_fit(batch_size)
            advice = self._offer(facts) or "No smaller batch was found to fit."
        where = f"at step {self._trainer.step + 1}"
        self._end(shortage, where, advice, saved, facts)

    def _end_in_evaluation(self, shortage: OomReport, batch_size: int) -> NoReturn:
        saved = self._save(shortage)
        facts: dict[str, Any] = {"phase": "evaluation", "batch_size": batch_size}
        if not self._halves:
            facts["again"] = {"train.oom": "halve"}
        advice = self._offer(facts) or "A single sample does not fit either."
        where = f"in the evaluation after step {self._trainer.step}"
        self._end(shortage, where, advice, saved, facts)

    def _end(
        self, shortage: OomReport, where: str, advice: str, saved: str, facts: dict[str, Any]
    ) -> NoReturn:
        step = self._trainer.step
        self._tell(shortage, step, facts)
        reason = f"out of memory {where} ({shortage.device}): {shortage.words()}{saved}. {advice}"
        ended = TrainingEnded(time.time(), step, "failed", reason, shortage.detail)
        raise MemoryEndedError(ended)

    def _save(self, shortage: OomReport) -> str:
        """Save the last whole step where there is one; return what became of it, in words."""
        if shortage.in_update:
            return "; the last update may be half made, so the last checkpoint stays the one before"
        try:
            self._trainer.keep_last_step()
        except OutOfMemory as error:
            if not is_out_of_memory(error):
                raise
            return "; there was no memory left to save this step, the last checkpoint stays"
        return f"; step {self._trainer.step} is saved" if self._trainer.step else ""

    def _look_for_fit(self, batch_size: int) -> dict[str, Any]:
        """Return the size that fits and what follows from it, as JSON data."""
        trainer = self._trainer
        measure = Trial(trainer.parts, self._allocator, trainer.step)
        try:
            fit = fit_batch_size(batch_size, self._room_bytes(), measure)
        except Exception as error:
            # A model or data set of the user's own may refuse a size in any way.
            return {"fit_error": f"{type(error).__name__}: {error}"}
        return {} if fit is None else self._fit_facts(fit)

    def _room_bytes(self) -> int:
        """Return what a step may take: the state that the optimizer has yet to make is apart."""
        room = self._allocator.holding().room_bytes or 0
        return (
            room
            if self._trainer.parts.optimizer.state
            else (room - optimizer_bytes(self._trainer.parts))
        )

    def _fit_facts(self, fit: Fit) -> dict[str, Any]:
        facts: dict[str, Any] = {"fits_batch_size": fit.batch_size}
        if fit.per_sample_bytes is not None and fit.fixed_bytes is not None:
            facts["per_sample_bytes"] = fit.per_sample_bytes
            facts["fixed_bytes"] = fit.fixed_bytes
        step_samples = self._trainer.parts.data.plan.step_samples
        return {**facts, "again": again_settings(step_samples, fit.batch_size)}

    def _offer(self, facts: dict[str, Any]) -> str:
        settings = facts.get("again")
        if not settings:
            return ""
        changes = [f"{key}={value}" for key, value in settings.items()]
        if not self.rerun:
            return f"Run again with: {' '.join(changes)}"
        words = [word for change in changes for word in ("--set", change)]
        facts["command"] = " ".join([*self.rerun, *map(shlex.quote, words)])
        return f"Run again with: {facts['command']}"


def rerun_words(order: StartOrder) -> tuple[str, ...]:
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
    phase = "building" if step is None else "between steps"
    where = "before the first step" if step is None else f"after step {step}"
    account = {**shortage.account(), "phase": phase}
    advice = "Take a smaller model, data.mode = loader, or another device."
    reason = f"out of memory {where} ({shortage.device}): {shortage.words()}. {advice}"
    ended = TrainingEnded(time.time(), step or 0, "failed", reason, shortage.detail)
    return MemoryRanOut(time.time(), step or 0, account), ended
