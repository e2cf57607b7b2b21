"""MLflow: numbers given to its fluent functions are seen."""

from __future__ import annotations

import functools
from typing import Any

from tuitrain.script.agent import agent, guarded


def patch(module: Any) -> None:
    """See what is logged.

    Args:
        module: mlflow.tracking.fluent, just imported; `mlflow` itself takes its names after that.
    """
    one, many = module.log_metric, module.log_metrics

    @functools.wraps(one)
    def log_metric(key: Any, value: Any, step: Any = None, *args: Any, **kwargs: Any) -> Any:
        _see({key: value}, step)
        return one(key, value, step, *args, **kwargs)

    @functools.wraps(many)
    def log_metrics(metrics: Any, step: Any = None, *args: Any, **kwargs: Any) -> Any:
        _see(metrics, step)
        return many(metrics, step, *args, **kwargs)

    module.log_metric, module.log_metrics = log_metric, log_metrics


@guarded("MLflow")
def _see(metrics: Any, step: Any) -> None:
    watcher = agent()
    watcher.notes.hear("mlflow", "MLflow")
    watcher.log(dict(metrics), None if step is None else int(step))
