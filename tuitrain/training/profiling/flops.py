"""Counts the floating-point operations of a step, and knows what devices can do a second.

Counts on a copy of the model without any numbers; leaves weights, buffers and generators as they
are, and knows nothing of how long anything takes.
"""

import copy
import re
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from tuitrain.messages import Event, WorkCounted
from tuitrain.training.build import TrainingComponents
from tuitrain.training.instruments import Instrument
from tuitrain.training.memory.footprint import plain_tensors, untaken_sizes
from tuitrain.training.modules.recompute import keep_all
from tuitrain.training.runtime.environment import device_name
from tuitrain.training.runtime.randomness import generator_states, restore_generators

_LIMIT_S = 5.0
"""ResNet-18 takes 0.1 s, ViT-B/16 0.25 s and ResNet-152 0.7 s; the second step waits for it. Where
torch has just been installed, its first count of anything takes more than a second (a machine with
an H100)."""

_PRECISIONS = ("fp32", "tf32", "fp16", "bf16")
_T = 1e12
_PEAKS: tuple[tuple[str, tuple[float, float | None, float, float | None]], ...] = (
    (r"B200\b", (75, 1125, 2250, 2250)),
    (r"H200 NVL", (60, 417.5, 835.5, 835.5)),
    (r"GH200|H200\b", (67, 494.5, 989.5, 989.5)),
    (r"H100 NVL", (60, 417.5, 835.5, 835.5)),
    (r"H[18]00 PCIe", (51, 378, 756, 756)),
    (r"H[18]00\b", (67, 494.5, 989.5, 989.5)),
    (r"H20\b", (44, 74, 148, 148)),
    (r"A[18]00\b", (19.5, 156, 312, 312)),
    (r"A30\b", (10.3, 82, 165, 165)),
    (r"A40\b", (37.4, 74.8, 149.7, 149.7)),
    (r"A10\b", (31.2, 62.5, 125, 125)),
    (r"L40S\b", (91.6, 183, 362, 362)),
    (r"L40\b", (90.5, 90.5, 181, 181)),
    (r"L4\b", (30.3, 60, 121, 121)),
    (r"RTX 6000 Ada", (91.1, 182.1, 364.2, 364.2)),
    (r"RTX A6000", (38.7, 77.4, 154.8, 154.8)),
    (r"Tesla T4\b", (8.1, None, 65, None)),
    (r"V100S", (16.4, None, 130, None)),
    (r"V100-PCIE", (14, None, 112, None)),
    (r"V100", (15.7, None, 125, None)),
    (r"RTX 5090(?! D)", (104.8, 104.8, 209.5, 209.5)),
    (r"RTX 5080", (56.3, 56.3, 112.6, 112.6)),
    (r"RTX 5070 Ti", (43.9, 43.9, 87.9, 87.9)),
    (r"RTX 5070", (30.9, 30.9, 61.7, 61.7)),
    (r"RTX 4090(?! D)", (82.6, 82.6, 165.2, 165.2)),
    (r"RTX 4080 SUPER", (52.2, 52.2, 104.4, 104.4)),
    (r"RTX 4080", (48.7, 48.7, 97.5, 97.5)),
    (r"RTX 4070 Ti(?! SUPER)", (40.1, 40.1, 80.2, 80.2)),
    (r"RTX 4070(?! (SUPER|Ti))", (29.1, 29.1, 58.3, 58.3)),
    (r"RTX 4060 Ti", (22.1, 22.1, 44.1, 44.1)),
    (r"RTX 4060", (15.1, 15.1, 30.2, 30.2)),
    (r"RTX 3090 Ti", (40, 40, 80, 80)),
    (r"RTX 3090", (35.6, 35.6, 71.2, 71.2)),
    (r"RTX 3080(?! Ti)", (29.8, 29.8, 59.5, 59.5)),
    (r"RTX 3070(?! Ti)", (20.3, 20.3, 40.6, 40.6)),
    (r"RTX 3060(?! Ti)", (12.7, 12.7, 25.5, 25.5)),
    (r"RTX 2080 Ti", (13.4, None, 53.8, None)),
)
"""Peak in 10^12 operations a second for fp32, tf32, fp16 and bf16, by what the product is called.

Dense, without sparsity; 16-bit products summed in fp32, as torch does. From NVIDIA's data sheets
and, for GeForce, the white papers of each architecture; where a card is not here, or a laptop's
name says nothing of its clock, the peak is not known.
"""


class WorkCount:
    """Tells once of a step's arithmetic."""

    def __init__(self, components: TrainingComponents, send: Callable[[Event], None]) -> None:
        self._components = components
        self._send = send
        self._told = False

    def tell_after(self, steps: int) -> bool:
        """Tell, after the first steps of a process: tables that a model keeps are there by then.

        Returns:
            Whether it was counted now.
        """
        if self._told or not steps:
            return False
        self._told = True
        work = count_work(self._components)
        if work is not None:
            self._send(work)
        return True


def count_work(parts: TrainingComponents) -> WorkCounted | None:
    """Return a step's arithmetic; None, with a line in the log, where that can't be counted."""
    states = generator_states()
    # A model of the user's own may do anything when it meets tensors without numbers.
    work = Instrument("the count of floating-point operations", _tell).look(
        lambda: _count(parts), None
    )
    restore_generators(states)
    return work


def _tell(text: str, _trace: str) -> None:
    sys.stderr.write(f"{text}\n")


def _count(parts: TrainingComponents) -> WorkCounted:
    flops = _flops_per_sample(parts)
    name, number_format = device_name(parts.device), _number_format(parts)
    peak = peak_flops(name, number_format) if parts.device.type == "cuda" else None
    source = f"{number_format} of {name}, NVIDIA's data sheet" if peak else ""
    return WorkCounted(time.time(), flops, peak, source)


class _Deadline(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Ends a count that takes too long."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._end = time.perf_counter() + _LIMIT_S

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Let an operation pass while there is time."""
        if time.perf_counter() > self._end:
            raise TimeoutError(f"it takes longer than {_LIMIT_S:g} s")
        return func(*args, **(kwargs or {}))


def _flops_per_sample(parts: TrainingComponents) -> float:
    # Imported here: it brings triton with it, which the first step need not wait for.
    from torch.utils.flop_counter import FlopCounterMode

    # What gradient checkpointing computes twice is work once: utilisation is of the model's own.
    model = keep_all(without_numbers(parts.plain or parts.model))
    for module in model.modules():
        if isinstance(module, nn.RNNBase):
            module.forward = partial(_all_steps, module)
    kind = parts.data.preparation.input_type
    # One would do, but batch normalisation refuses a single value a channel.
    samples, _other = untaken_sizes(parts)
    inputs = torch.empty(samples, *parts.data.spec.input_shape, dtype=kind, device="meta")
    counter = FlopCounterMode(display=False)
    with _Deadline(), counter:
        outputs = model(inputs)
        # What follows the outputs, the loss, is no product of matrices: it does not count.
        torch.autograd.backward(outputs.sum())
    return float(counter.get_total_flops()) / samples


def _all_steps(layer: nn.RNNBase, inputs: Any, _state: Any = None) -> tuple[Any, Any]:
    """Do the products of a recurrent layer for all steps at once.

    They are as many operations; step by step a long sequence takes longer than a count may.

    Returns:
        What the layer does: [..., width] of each step, and the states after the last one.
    """
    if not isinstance(inputs, Tensor):
        # Packed sequences: their steps can't be told without numbers.
        found: tuple[Any, Any] = type(layer).forward(layer, inputs, _state)
        return found
    directions = 2 if layer.bidirectional else 1
    width, out = layer.hidden_size, layer.proj_size or layer.hidden_size
    states = inputs
    for number in range(layer.num_layers):
        both = []
        for suffix in ("", "_reverse")[:directions]:
            weight = partial(getattr, layer)
            gates = states @ weight(f"weight_ih_l{number}{suffix}").T
            gates = gates + gates[..., :out] @ weight(f"weight_hh_l{number}{suffix}").T
            made = gates[..., :width]
            if layer.proj_size:
                made = made @ weight(f"weight_hr_l{number}{suffix}").T
            both.append(made)
        states = torch.cat(both, -1)
    last = states.select(1 if layer.batch_first and states.ndim == 3 else 0, 0)
    hidden = last[..., :out].expand(layer.num_layers * directions, *last.shape[:-1], out)
    cell = hidden[..., :1].expand(*hidden.shape[:-1], width)
    return states, (hidden, cell) if isinstance(layer, nn.LSTM) else hidden


def without_numbers(model: nn.Module) -> nn.Module:
    """Return a copy of the model whose tensors have shapes and types and nothing else."""
    memo: dict[int, Any] = {}
    for parameter in model.parameters():
        empty = torch.empty_like(parameter, device="meta")
        memo[id(parameter)] = nn.Parameter(empty, requires_grad=parameter.requires_grad)
    for held in (*model.buffers(), *plain_tensors(model)):
        memo.setdefault(id(held), torch.empty_like(held, device="meta").detach())
    return copy.deepcopy(model, memo)


def _number_format(parts: TrainingComponents) -> str:
    """Return the format that the matrix products are really done in.

    cuDNN takes TF32 for the convolutions of an fp32 run unless it is told not to.
    """
    precision = parts.precision.name
    convolves = any(isinstance(m, nn.modules.conv._ConvNd) for m in parts.model.modules())
    if precision == "fp32" and convolves and torch.backends.cudnn.allow_tf32:
        return "tf32"
    return precision


def peak_flops(name: str, number_format: str) -> float | None:
    """Return what a GPU can do a second at best; None where that is not known.

    Args:
        name: as the driver calls it, e.g. NVIDIA H100 80GB HBM3.
        number_format: fp32, tf32, fp16 or bf16.
    """
    if "MIG" in name or "Laptop" in name or "Max-Q" in name:
        return None
    for pattern, peaks in _PEAKS:
        if re.search(rf"\b({pattern})", name):
            fp32, tf32, *sixteen_bits = peaks
            # A card without TF32 takes plain fp32 for what is asked of it in TF32.
            peak = (fp32, tf32 or fp32, *sixteen_bits)[_PRECISIONS.index(number_format)]
            return None if peak is None else peak * _T
    return None
