"""What a run does when its memory runs out: the step again in smaller batches, where that helps.

Everything here may take its time: training stands still.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from torch.nn.modules.batchnorm import _BatchNorm

from tuitrain.messages import AlertRaised, BatchSplit, Event, MemoryRanOut
from tuitrain.training.build import TrainingComponents
from tuitrain.training.memory.allocator import Allocator
from tuitrain.training.memory.oom_ending import OomEnding, forward_size
from tuitrain.training.memory.oom_report import OomReport, capture, is_out_of_memory
from tuitrain.training.modules.singles import refuses_singles, singles_in

HALF_MADE = "; the last update may be half made, so the last checkpoint stays the one before"


class OomRecovery:
    """Says how a run goes on once memory has run out.

    The loop does what is said here; nothing here reaches into it.
    """

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
            send: is given accounts and alerts.
            rerun: the words of the command that begins the run again; empty where nobody knows it.
        """
        self.ending = OomEnding(components, allocator, send, rerun)
        """Says how a run ends that has no way on."""
        self._components = components
        self._allocator = allocator
        self._send = send

    @property
    def _halves(self) -> bool:
        return self._components.preset.train.oom == "halve"

    def capture(self, error: BaseException) -> OomReport:
        """Return what ran out, and let go of all that the error holds; any other is raised again.

        Called inside the handler; the memory is free once it is left.
        """
        if not is_out_of_memory(error):
            raise error
        return capture(error, self._components.device, self._allocator)

    def release(self) -> None:
        """Give cached memory back, after the loop has let go of what the attempt left."""
        self._allocator.release()

    def split_step(self, report: OomReport, step: int) -> int | None:
        """Return the samples that are to go through the model at once; None: there is no way on.

        Args:
            report: of the step that failed.
            step: the last whole one.
        """
        plan, old = self._components.data.plan, forward_size(self._components)
        new = -(-old // 2)
        if not self._halves or report.in_update or old == 1 or self._refuses(new):
            return None
        accumulate = -(-plan.step_samples // new)
        text = f"out of memory at step {step + 1}: {report.words()}"
        again = f"the step is taken again in batches of {new} instead of {old}, {accumulate} a step"
        account = replace(report.account("step", old), split_to=new)
        self._send(MemoryRanOut(time.time(), step, account))
        self._alert(step, f"{text}; {again}{self._normalisation(new)}", report.detail)
        self._send(BatchSplit(time.time(), step, old, new, accumulate, "memory ran out"))
        return new

    def _refuses(self, size: int) -> bool:
        """Return whether batches of a size leave single samples that the model refuses."""
        components = self._components
        plan = replace(components.data.plan, at_once=size)
        return any(singles_in(plan, components.total_steps)) and bool(refuses_singles(components))

    def _normalisation(self, size: int) -> str:
        modules = self._components.model.modules()
        if not any(isinstance(module, _BatchNorm) for module in modules):
            return ""
        return f"; batch normalisation sees {size} samples at a time from now on"

    def split_evaluation(self, report: OomReport, step: int, batch_size: int) -> int | None:
        """Return the batch size to evaluate in; None: there is no way on."""
        if not self._halves or batch_size <= 1:
            return None
        new = -(-batch_size // 2)
        account = replace(report.account("evaluation", batch_size), split_to=new)
        self._send(MemoryRanOut(time.time(), step, account))
        text = f"out of memory in the evaluation after step {step}: {report.words()}"
        again = f"it evaluates in batches of {new} instead of {batch_size}"
        self._alert(step, f"{text}; {again}", report.detail)
        return new

    def _alert(self, step: int, text: str, detail: str) -> None:
        self._send(AlertRaised(time.time(), step, "oom", text, detail))
