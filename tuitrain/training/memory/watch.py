"""Watches a run's memory: torch's allocator at each flush, and what one whole step is made of.

Never waits for the device and changes no result. Knows nothing of memory that runs out.
"""

import re
import time
from collections.abc import Callable
from dataclasses import replace

from tuitrain.messages import (
    Event,
    MemoryAccount,
    MemoryAccounted,
    MemoryParts,
    NoEstimate,
    WorkerMeasured,
)
from tuitrain.training.build import TrainingComponents
from tuitrain.training.instruments import Instrument, nothing, spared
from tuitrain.training.memory.allocator import Allocator
from tuitrain.training.memory.footprint import (
    Footprint,
    estimate_footprint,
    held_tensors,
    measure_held,
    recomputed_bytes,
)
from tuitrain.training.memory.saved_tensors import SavedTensorTracker

READ_S = 1.0
"""The allocator's statistics are some hundred numbers: once a second costs nothing."""
_FORBIDS_HOOKS = re.compile(r"saved[ _]tensors?[ _]hooks")
_FIRST_STEPS = 2
"""Steps that go before the one that is measured: the optimizer has its state by then."""


class MemoryWatch:
    """One run's memory, while it trains."""

    def __init__(
        self,
        parts: TrainingComponents,
        allocator: Allocator,
        send: Callable[[Event], None],
        instrument: Instrument | None = None,
    ) -> None:
        """Watch `parts` through the allocator of their device."""
        self.instrument = instrument or Instrument("the account of memory")
        self._parts = parts
        self._allocator = allocator
        self._send = send
        self._wanted: int | None = None
        self._open: SavedTensorTracker | None = None
        self._is_open = False
        self._measured: tuple[Footprint, str, int] | None = None
        self._read_at = 0.0

    @spared(nothing)
    def begin(self, step: int) -> None:
        """Measure a step soon: training begins here, or its batches changed."""
        self.abandon()
        self._wanted = step + _FIRST_STEPS

    @spared(nothing)
    def read(self, step: int) -> None:
        """Send the allocator's readings, where some are due."""
        now = time.monotonic()
        if now < self._read_at:
            return
        self._read_at = now + READ_S
        readings = self._allocator.readings()
        if readings:
            self._send(WorkerMeasured(time.time(), step, readings))

    # --- one measured step ----------------------------------------------------------------------

    @spared(lambda _self, _step, otherwise: otherwise)
    def due_step(self, step: int, otherwise: int) -> int:
        """Return the step at which the next boundary is due, and begin to measure where it is time.

        Called last at a boundary: what happens from here to the next one is training alone.
        """
        if self._wanted is None:
            return otherwise
        if step < self._wanted:
            return min(otherwise, self._wanted)
        self._wanted = None
        self._is_open = True
        if self._allocator.measures_peak:
            self._allocator.begin_peak()
        elif not (self._parts.compiled or self._parts.plain is not None):
            self._begin_count()
        return step + 1

    def _begin_count(self) -> None:
        kept = SavedTensorTracker(held_tensors(self._parts))
        kept.__enter__()
        self._open = kept

    def abandon(self) -> None:
        """Give up a measurement that is under way."""
        if self._open is not None:
            self._open.__exit__(None, None, None)
        self._open, self._is_open = None, False

    def undo(self, error: Exception) -> bool:
        """Return whether a step failed only as it was measured; then give the measurement up.

        torch.func, and whatever else forbids hooks on saved tensors, refuses them in the model.
        """
        if self._open is None or not _FORBIDS_HOOKS.search(str(error)):
            return False
        self.abandon()
        self.instrument.fail(error)
        return True

    @spared(nothing)
    def look(self, step: int) -> None:
        """Take down what the step that was measured took; called first at a boundary."""
        if not self._is_open:
            return
        kept = self._open
        self.abandon()
        held = measure_held(self._parts)
        activations, source = self._activations(held, kept, step)
        self._measured = replace(held, activations_bytes=activations), source, step

    @spared(lambda _self: False)
    def account(self) -> bool:
        """Tell what was measured, if anything was, beside what was to be expected."""
        measured, self._measured = self._measured, None
        if measured is not None:
            self._send_account(*measured)
        return measured is not None

    def _activations(
        self, held: Footprint, kept: SavedTensorTracker | None, step: int
    ) -> tuple[int | None, str]:
        peak_bytes = self._allocator.peak_bytes() if self._allocator.measures_peak else None
        if peak_bytes is not None:
            source = f"peak of the allocator in step {step}, less the rest; with workspaces"
            return max(0, peak_bytes - held.held_bytes), source
        if kept is not None:
            source = f"what autograd kept for the backward pass of step {step}"
            return self._with_recomputed(kept.peak_bytes, source)
        why = "is compiled" if self._parts.preset.train.compile else "is split over ranks"
        return None, f"not measured: there is no allocator to ask, and the model {why}"

    def _with_recomputed(self, kept_bytes: int, source: str) -> tuple[int, str]:
        """Add what blocks take while they are computed again: autograd keeps that out of sight."""
        try:
            again = recomputed_bytes(self._parts, self._parts.data.plan.rank_size)
        except Exception:
            # A user's model may refuse a batch without numbers in any way; the account says so.
            return kept_bytes, f"{source}; temporary values and blocks computed again apart"
        if again:
            source += ", and blocks computed again, by their shapes"
        return kept_bytes + again, f"{source}; temporary values apart"

    def _send_account(self, measured: Footprint, source: str, step: int) -> None:
        batch_size = self._parts.data.plan.rank_size
        account = MemoryAccount(
            device=str(self._parts.device),
            batch_size=batch_size,
            activations_source=source,
            measured=measured.parts(),
            estimated=self._estimate(batch_size),
        )
        self._send(MemoryAccounted(time.time(), step, account))

    def _estimate(self, batch_size: int) -> MemoryParts | NoEstimate:
        try:
            return estimate_footprint(self._parts, batch_size).parts()
        except Exception as error:
            # A user's model may refuse a batch without numbers in any way; the account says so.
            return NoEstimate(str(error).strip().partition("\n")[0] or type(error).__name__)
