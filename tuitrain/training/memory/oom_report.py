"""Memory that ran out: recognised, taken down before it is cleared away, and put into words.

Knows errors and allocators; nothing of what is done about it.
"""

import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TypeVar

import torch

from tuitrain.messages import MemoryBlock, OomAccount, OomPhase
from tuitrain.training.instruments import Instrument, Tell
from tuitrain.training.memory.allocator import Allocator, Holding
from tuitrain.units import size_words

_Answer = TypeVar("_Answer")

OutOfMemory = (RuntimeError, MemoryError)
"""What such errors are instances of; `is_out_of_memory` tells them from others."""
_SIGNS = (
    "can't allocate memory",  # c10's DefaultCPUAllocator
    "not enough memory: you tried to allocate",  # the same on Windows
    "MPS backend out of memory",
    "CUDA out of memory",  # reported by another process, as a loader's
    "CUDA error: out of memory",  # cudaMalloc outside the caching allocator
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
_ASKED = re.compile(r"(?:tried|Tried|Unable) to allocate ([\d.]+) ?(bytes?|[KMGTPE]i?B)\b")
_POWERS = {"b": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}


@dataclass(frozen=True, slots=True)
class OomReport:
    """One allocation that failed; plain data, so that nothing keeps the failed step's tensors."""

    device: str
    text: str
    """The error's first line."""
    asked_bytes: int | None
    holding: Holding
    blocks: list[MemoryBlock]
    detail: str
    """The traceback, and the allocator's own summary."""
    in_update: bool
    """The optimizer's own code failed: its update may be half made."""

    @property
    def fragments_matter(self) -> bool:
        """Whether what was asked for is free, but in pieces."""
        return (self.holding.fragmented_bytes or 0) >= (self.asked_bytes or 0) > 0

    def account(self, phase: OomPhase, batch_size: int | None = None) -> OomAccount:
        """Return it as it is told, before anybody has looked for a way on."""
        holding = self.holding
        return OomAccount(
            device=self.device,
            asked_bytes=self.asked_bytes,
            free_bytes=holding.free_bytes,
            total_bytes=holding.total_bytes,
            allocated_bytes=holding.allocated_bytes,
            reserved_bytes=holding.reserved_bytes,
            fragmented_bytes=holding.fragmented_bytes,
            others_bytes=holding.others_bytes,
            blocks=tuple(self.blocks),
            phase=phase,
            batch_size=batch_size,
        )

    def words(self) -> str:
        """Return what was asked, what was free, and who has the rest."""
        holding, said = self.holding, self.text
        if self.asked_bytes is not None:
            said = f"asked for {size_words(self.asked_bytes)}"
            if holding.free_bytes is not None and holding.total_bytes is not None:
                free, total = size_words(holding.free_bytes), size_words(holding.total_bytes)
                said += f", {free} of {total} free"
        if holding.others_bytes:
            others = size_words(holding.others_bytes)
            said += f"; other processes and this one's CUDA context hold {others}"
        if self.fragments_matter:
            said += (
                f"; {size_words(holding.fragmented_bytes or 0)} are free in fragments: set "
                "PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True"
            )
        return said


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an allocation failed; many such errors have no class of their own."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


def asked_bytes(text: str) -> int | None:
    """Return what an error's text says was asked for; None where it does not say."""
    found = _ASKED.search(text)
    if found is None:
        return None
    # Metal's allocator writes MB and means MiB.
    return int(float(found[1]) * 1024 ** _POWERS[found[2][0].lower()])


def capture(error: BaseException, device: torch.device, allocator: Allocator) -> OomReport:
    """Return the facts of a shortage, and let go of all that the error's frames hold.

    The facts are read first, while what filled the memory is still there. Called inside the
    handler; the memory is free once it is left.
    """
    details = ["".join(traceback.format_exception(error))]
    ask = partial(_ask, tell=lambda text, _trace: details.append(text))
    details.append(ask("The allocator's table", allocator.summary, ""))
    # CUDA's own asynchronous allocator keeps no list.
    blocks: list[MemoryBlock] = ask("The allocator's list of blocks", allocator.blocks, [])
    holding = ask("The account of the device's memory", allocator.holding, Holding(None, None))
    shortage = OomReport(
        device=str(device),
        text=(str(error).strip().splitlines() or ["out of memory"])[0],
        asked_bytes=asked_bytes(str(error)),
        holding=holding,
        blocks=blocks,
        detail="\n".join(filter(None, details)).rstrip() + "\n",
        in_update=is_in_update(error),
    )
    _clear_frames(error)
    return shortage


def _ask(what: str, question: Callable[[], _Answer], otherwise: _Answer, tell: Tell) -> _Answer:
    return Instrument(what, tell).look(question, otherwise)


def is_in_update(error: BaseException) -> bool:
    """Say whether an optimizer's own code raised this: its update may be half made."""
    frames = (frame for frame, _line in traceback.walk_tb(error.__traceback__))
    return any(
        frame.f_code.co_name == "step"
        and isinstance(frame.f_locals.get("self"), torch.optim.Optimizer)
        for frame in frames
    )


def _clear_frames(error: BaseException) -> None:
    """Clear the frames of an error and of those behind it: they hold the step's tensors."""
    behind: BaseException | None = error
    seen: set[int] = set()
    while behind is not None and id(behind) not in seen:
        seen.add(id(behind))
        traceback.clear_frames(behind.__traceback__)
        behind = next(filter(None, chain([behind.__cause__, behind.__context__])), None)
