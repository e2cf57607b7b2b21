"""A profile in a few words: what costs most, by names that people use.

Knows rows of the table of operators; nothing of traces.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

_MOST_COSTS = 5
_FAMILIES = (
    (r"scaled_dot_product|attention", "attention"),
    (r"convolution|conv\d?d|conv_transpose|thnn_conv", "convolution"),
    (r"addmm|baddbmm|\bmm\b|\bbmm\b|matmul|\blinear\b|mkldnn_linear|gemm", "matrix product"),
    (r"batch_norm|native_batch_norm", "batch norm"),
    (r"layer_norm|rms_norm|group_norm|instance_norm", "norm"),
    (r"adamw?_?\b|sgd|rmsprop|_foreach_|_fused_", "optimizer"),
    (r"max_pool|avg_pool", "pooling"),
    (r"log_softmax|nll_loss|cross_entropy|mse_loss|smooth_l1|huber|l1_loss", "loss"),
    (r"softmax", "softmax"),
    (r"threshold|relu|gelu|silu|sigmoid|tanh|clamp_min", "activation"),
    (r"dropout|bernoulli", "dropout"),
    (r"embedding", "embedding"),
    (r"synchronize|_local_scalar_dense|\bitem\b", "waiting for the device"),
    (r"copy_|_to_copy|memcpy|clone|contiguous|reorder|to_dense|to_mkldnn", "copying"),
    (r"index|gather|scatter|take", "indexing"),
    (r"empty|zeros|zero_|fill_|resize|memset", "allocating and filling"),
    (r"launchkernel|cudagraphlaunch", "starting kernels"),
)
_KNOWN = tuple((re.compile(pattern), family) for pattern, family in _FAMILIES)
_AUTOGRAD = re.compile(r"^autograd::engine::evaluate_function: |Backward\d*$")


def family_of(name: str) -> str:
    """Return what an operator does in a word or two; its own name where no word is known."""
    short = _AUTOGRAD.sub("", name).rpartition("::")[2]
    lower = short.lower()
    return next((family for pattern, family in _KNOWN if pattern.search(lower)), short)


def largest_costs(
    rows: Iterable[Mapping[str, Any]], step_us: float, *, on_device: bool
) -> list[dict[str, Any]]:
    """Return the five costs that are most of a step, each with its share of the step.

    Args:
        rows: of the table of operators.
        step_us: what a step takes.
        on_device: count the device's time, else the host's.
    """
    key = "self_device_us" if on_device else "self_us"
    times: dict[str, float] = {}
    for row in rows:
        family, back = family_of(row["name"]), row["backward_share"]
        # What has one direction only: nobody says "optimizer forward".
        for words, share in ((family, 1 - back), (f"{family} backward", back)):
            if share > 0:
                times[words] = times.get(words, 0.0) + row[key] * share
    costly = sorted(times.items(), key=lambda item: -item[1])[:_MOST_COSTS]
    return [
        {"what": words, "us": time_us, "share": time_us / step_us if step_us else 0.0}
        for words, time_us in costly
        if time_us > 0
    ]
