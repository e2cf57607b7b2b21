"""Why a step takes as long as it does, in words, and what to try: each tied to a measured number.

Pure functions of a step's split and its context. A suggestion is made only where all that
it rests on was measured and holds; knows nothing of screens.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from tuitrain.analysis.step_time import StepContext, StepTime
from tuitrain.metric_names import REST
from tuitrain.units import share_text, short_time, size

INPUT_SHARE = 0.2
COPY_SHARE = 0.2
"""From a fifth of a step on, waiting is what to look at first: removing it gains as much."""
HEAVY_SHARE = 0.35
"""More than a third in an optimizer, or outside of all stages, is more than they usually take."""
DRY_SHARE = 0.5
"""In more than half of the steps the device was through before the host was."""
_ROOM_SHARE = 0.45
"""Of a GPU less full than this, twice the batch still fits."""
_LEAST_IDLE_CORES = 1.0


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """What holds a run's steps up."""

    kind: str
    """A word or two, e.g. input-bound; `not known yet`."""
    text: str
    """The same with the numbers that it rests on."""
    suggestions: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """Kind and text in one line."""
        return f"{self.kind}: {self.text}"


def diagnose(time: StepTime | None, context: StepContext) -> Bottleneck:
    """Return what holds a run's steps up, and what to try."""
    if time is None:
        return _unknown(context)
    for applies, describe, advice in _RULES:
        if applies(time, context):
            kind, text = describe(time, context)
            found = (suggest(time, context) for suggest in advice)
            return Bottleneck(kind, text, tuple(item for item in found if item))
    raise AssertionError("the last rule always applies")


def _unknown(context: StepContext) -> Bottleneck:
    if context.device.startswith("mps"):
        return Bottleneck("not known", "steps are split on CPUs and CUDA devices only")
    if context.is_script:
        return Bottleneck(
            "not known yet",
            "no part of a step is seen: only torch's loaders, backward passes and optimizers are",
        )
    return Bottleneck("not known yet", "no step has been timed yet")


# --- what it is -----------------------------------------------------------------------------------


def _is_input_bound(time: StepTime, context: StepContext) -> bool:
    del context
    return time.share("data") >= INPUT_SHARE


def _input_bound(time: StepTime, context: StepContext) -> tuple[str, str]:
    share = share_text(time.share("data"))
    if context.held:
        return "input-bound", f"gathering and preparing batches takes {share} of each step"
    who = (
        f"the GPU waits {share} of each step for data"
        if context.on_gpu
        else f"{share} of each step goes into waiting for data"
    )
    return "input-bound", f"{who}{_loaders(context)}"


def _loaders(context: StepContext) -> str:
    cores = f" on {context.cores} cores" if context.cores else ""
    if context.workers is None:
        return ""
    if not context.workers:
        return f"; no loader workers{cores}"
    return f"; {context.workers} loader worker{'s' if context.workers > 1 else ''}{cores}"


def _is_copy_bound(time: StepTime, context: StepContext) -> bool:
    del context
    return time.share("copy") >= COPY_SHARE


def _copy_bound(time: StepTime, context: StepContext) -> tuple[str, str]:
    del context
    return "copy-bound", f"copying batches to the device takes {share_text(time.share('copy'))}"


def _is_host_bound(time: StepTime, context: StepContext) -> bool:
    del context
    return time.host_bound is not None and time.host_bound > DRY_SHARE


def _host_bound(time: StepTime, context: StepContext) -> tuple[str, str]:
    del context
    dry = share_text(time.host_bound or 0.0)
    return "host-bound", f"in {dry} of the steps the GPU ran dry before the host had asked for all"


def _is_optimizer_heavy(time: StepTime, context: StepContext) -> bool:
    del context
    return time.share("optimizer") >= HEAVY_SHARE


def _optimizer_heavy(time: StepTime, context: StepContext) -> tuple[str, str]:
    del context
    if "forward" not in time.measured:
        share = share_text(time.share("optimizer"))
        return "optimizer-heavy", f"the update takes {share} of each step"
    return (
        "optimizer-heavy",
        f"the update takes {share_text(time.share('optimizer'))} of each step, "
        f"forward and backward {share_text(time.share('forward', 'backward'))}",
    )


def _is_overhead_bound(time: StepTime, context: StepContext) -> bool:
    del context
    return time.share("other") >= HEAVY_SHARE


def _overhead_bound(time: StepTime, context: StepContext) -> tuple[str, str]:
    del context
    return (
        "overhead-bound",
        f"the loop itself takes {share_text(time.share('other'))} of steps of "
        f"{short_time(time.wall_s)}",
    )


def _is_partly_known(time: StepTime, context: StepContext) -> bool:
    del context
    return time.share(REST) >= HEAVY_SHARE


def _partly_known(time: StepTime, context: StepContext) -> tuple[str, str]:
    del context
    rest = share_text(time.share(REST))
    if "data" not in time.measured:
        return (
            "partly known",
            f"{rest} of each step is data, forward pass and the loop: they are not told apart, as "
            "no DataLoader is used",
        )
    return (
        "partly known",
        f"{rest} of each step is not told apart: its updates are not seen, or derive the loss "
        "themselves",
    )


def _always(time: StepTime, context: StepContext) -> bool:
    del time, context
    return True


def _compute_bound(time: StepTime, context: StepContext) -> tuple[str, str]:
    del context
    forward, backward = share_text(time.share("forward")), share_text(time.share("backward"))
    if "forward" not in time.measured:
        rest = share_text(time.share(REST))
        return (
            "compute-bound",
            f"backward takes {backward} of each step, and {rest} of it is not told apart",
        )
    return "compute-bound", f"forward takes {forward} and backward {backward} of each step"


# --- what to try ----------------------------------------------------------------------------------


def _more_workers(time: StepTime, context: StepContext) -> str | None:
    idle, workers = context.idle_cores, context.workers
    if context.held is not False or workers is None or idle is None or idle < _LEAST_IDLE_CORES:
        return None
    rest_s = max(time.wall_s - time.seconds["data"], 1e-9)
    # Workers that keep up make a batch in the time that the rest of a step takes; one more, as
    # batches do not come at even distances. Without workers the loading itself is the wait.
    load_s = time.wall_s * workers if workers else time.seconds["data"]
    wanted = min(math.ceil(load_s / rest_s) + 1, workers + int(idle))
    if wanted <= workers:
        return None
    return (
        f"data.workers {workers} -> {wanted}: {idle:.0f} of {context.cores} cores are idle, and "
        f"beside the wait of {short_time(time.seconds['data'])} a step takes {short_time(rest_s)}"
    )


def _loader_of_script(time: StepTime, context: StepContext) -> str | None:
    if not context.is_script:
        return None
    return (
        f"num_workers of its DataLoader: beside the wait of {short_time(time.seconds['data'])} a "
        f"step takes {short_time(max(0.0, time.wall_s - time.seconds['data']))}"
    )


def _hold_set(time: StepTime, context: StepContext) -> str | None:
    del time
    needed_bytes, free_bytes = context.set_bytes, context.free_bytes
    if context.held is not False or needed_bytes is None or free_bytes is None:
        return None
    if needed_bytes > free_bytes / 2:
        return None
    return (
        f"data.mode = tensor: the set of {size(needed_bytes)} fits into the {size(free_bytes)} "
        "that are free"
    )


def _larger_batch(time: StepTime, context: StepContext) -> str | None:
    used_bytes, total_bytes = context.gpu_used_bytes, context.gpu_total_bytes
    if not context.batch_size or used_bytes is None or not total_bytes:
        return None
    if used_bytes > total_bytes * _ROOM_SHARE:
        return None
    return (
        f"train.batch_size {context.batch_size} -> {2 * context.batch_size}: a step takes "
        f"{short_time(time.wall_s)}, and GPU memory is {share_text(used_bytes / total_bytes)} full"
    )


def _larger_batch_on_cpu(time: StepTime, context: StepContext) -> str | None:
    if context.on_gpu or not context.batch_size:
        return None
    return (
        f"train.batch_size {context.batch_size} -> {2 * context.batch_size}: "
        f"{short_time(time.seconds['other'] + time.seconds['optimizer'])} of each step does not "
        "grow with the batch"
    )


def _compile(time: StepTime, context: StepContext) -> str | None:
    if not context.on_gpu or context.compiles is not False or time.host_bound is None:
        return None
    return (
        "train.compile = true: fewer and larger kernels; the GPU ran dry in "
        f"{share_text(time.host_bound)} of the steps"
    )


def _half_precision(time: StepTime, context: StepContext) -> str | None:
    if not context.has_bf16 or context.precision not in ("fp32", "tf32"):
        return None
    return (
        f"train.precision = bf16: {share_text(time.share('forward', 'backward'))} of each step is "
        f"computed in {context.precision}, and this device has bf16"
    )


def _more_threads(time: StepTime, context: StepContext) -> str | None:
    del time
    threads, idle = context.threads, context.idle_cores
    if context.on_gpu or not threads or idle is None or idle < _LEAST_IDLE_CORES:
        return None
    return (
        f"train.threads {threads} -> {threads + int(idle)}: {idle:.0f} of {context.cores} cores "
        "are idle (other threads, other last digits)"
    )


def _update_less_often(time: StepTime, context: StepContext) -> str | None:
    if not context.accumulate:
        return None
    return (
        f"train.batch_size or train.accumulate: an update takes "
        f"{short_time(time.seconds['optimizer'])} however many samples it is for"
    )


def _profile_rest(time: StepTime, context: StepContext) -> str | None:
    del context
    return (
        "profile some steps: that tells apart what "
        f"{short_time(time.seconds[REST])} of each go into"
    )


def _profile(time: StepTime, context: StepContext) -> str | None:
    del context
    forward_s, backward_s = time.seconds["forward"], time.seconds["backward"]
    if forward_s <= backward_s or not backward_s:
        return None
    return (
        f"profile some steps: forward takes {short_time(forward_s)} and backward "
        f"{short_time(backward_s)}, usually backward takes longer"
    )


_Rule = tuple[
    Callable[[StepTime, StepContext], bool],
    Callable[[StepTime, StepContext], tuple[str, str]],
    tuple[Callable[[StepTime, StepContext], str | None], ...],
]
_RULES: tuple[_Rule, ...] = (
    (_is_input_bound, _input_bound, (_more_workers, _loader_of_script, _hold_set)),
    (_is_copy_bound, _copy_bound, (_hold_set,)),
    (_is_host_bound, _host_bound, (_larger_batch, _compile)),
    (_is_optimizer_heavy, _optimizer_heavy, (_update_less_often,)),
    (_is_overhead_bound, _overhead_bound, (_larger_batch, _larger_batch_on_cpu)),
    (_is_partly_known, _partly_known, (_profile_rest,)),
    (_always, _compute_bound, (_half_precision, _more_threads, _profile)),
)
"""In this order: a device that waits for data runs dry too, and that is not the host's fault."""
