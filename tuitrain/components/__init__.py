"""Tasks, models, data sets, losses, optimizers, schedules, augmentations, hooks and metrics.

A component is one function and one name: keyword-only parameters with their annotations are the
options that a preset may set; the docstring's first line is their description. Nothing here knows
the loop. Code of your own imports the names below from here; importing them imports torch.
"""

from tuitrain.components.data import (
    DataContext,
    DataSpec,
    LossContext,
    Samples,
    Splits,
    TokenTexts,
)
from tuitrain.components.draw import Draw, derive
from tuitrain.components.hooks import Hook, HookContext
from tuitrain.components.logged import log
from tuitrain.components.metric import Metric, MetricContext
from tuitrain.components.samples import Sample, SampleBatch
from tuitrain.components.task import Counts, MetricAccumulator, Task

__all__ = [
    "Counts", "DataContext", "DataSpec", "Draw", "Hook", "HookContext", "LossContext", "Metric",
    "MetricAccumulator", "MetricContext", "Sample", "SampleBatch", "Samples", "Splits", "Task",
    "TokenTexts", "derive", "log",
]  # fmt: skip
