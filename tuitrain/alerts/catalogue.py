"""The one list of alerts: every kind, how grave it is, what it means, and what its limits are.

Plain data; the rules themselves are in the modules beside this one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["info", "warning", "critical"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of alert."""

    name: str
    severity: Severity
    meaning: str
    settings: tuple[str, ...] = ()
    """Keys of `[alerts]` that decide when it is raised."""


KINDS: tuple[Kind, ...] = (
    Kind("nonfinite", "critical", "The loss is NaN or infinite, and `train.nonfinite` decides what "
         "happens; or a value that an evaluation is watched for is."),
    Kind("divergence", "warning", "The loss, as the median of every 20 steps, stays far above its "
         "best value, and by more than a tenth of all it had come down.",
         ("divergence_factor", "divergence_steps")),
    Kind("plateau", "info", "The metric of `stop.monitor` gets no better, told again only after "
         "it did by more than it wobbles; off where `stop.patience` ends the run as soon.",
         ("plateau_evaluations", "plateau_min_delta")),
    Kind("oom", "critical", "The device's memory ran out."),
    Kind("creep", "critical", "Memory of the worker (host or device) rises steadily and would be "
         "full before long, or has taken much already; files mapped into memory count too.",
         ("creep_hours", "creep_share", "creep_warmup_s", "creep_window_s")),
    Kind("slowdown", "warning", "Steps take longer than the run's own median; evaluations and "
         "checkpoints apart.", ("slowdown_factor", "slowdown_s")),
    Kind("throttled", "warning", "A GPU's clock is reduced because of heat or power.",
         ("throttled_s",)),
    Kind("hot", "warning", "A GPU is too hot.", ("hot_c",)),
    Kind("disk", "critical", "The run's disk is full, or nearly: less than the limit or than two "
         "checkpoints is free.", ("disk_free_gib", "disk_free_share")),
    Kind("shm", "warning", "/dev/shm, through which loader workers hand over batches, is nearly "
         "full.", ("shm_share",)),
    Kind("loaders", "critical", "A loader worker died."),
    Kind("rank", "critical", "A rank of a script is gone before its time: which one, in which "
         "step, and where the others are."),
    Kind("hang", "critical", "No step, or no evaluation, for much longer than usual; with the "
         "stacks of every thread of the worker and its loaders. The run is not touched.",
         ("hang_factor", "hang_s", "hang_first_step_s", "hang_evaluation_s")),
    Kind("checkpoint", "warning", "A checkpoint was damaged, or a run continues from another state "
         "than its last."),
    Kind("data", "warning", "The data set leaves something out, as images that can't be read, or "
         "can't be kept as the preset says."),
    Kind("record", "warning", "Something that was told or measured could not be recorded, or what "
         "watches the run failed: it is left out, and the run goes on."),
    Kind("webhook", "warning", "The webhook does not take what is posted."),
    Kind("tracker", "warning", "A tracker of `log.to` takes nothing, or not all; the run goes on."),
    Kind("stacks", "info", "Somebody asked for the stacks."),
    Kind("ended", "info", "The run is finished, was stopped, failed, or was lost."),
)  # fmt: skip

_SEVERITIES: Mapping[str, Severity] = {kind.name: kind.severity for kind in KINDS}


OFF_THE_CURVE = frozenset({"stacks", "webhook", "tracker", "ended", "record", "data"})
"""Kinds that say nothing of the step at which they were raised."""


def severity(kind: str) -> Severity:
    """Return how grave a kind of alert is; one that another version raised is a warning."""
    return _SEVERITIES.get(kind, "warning")


def count_serious(kinds: Iterable[str]) -> int:
    """Return how many of these alerts are more than information."""
    return sum(severity(kind) != "info" for kind in kinds)
