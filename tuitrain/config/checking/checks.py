"""Checks what no single key can tell: settings that do not go together.

Knows values only; each check is left out where a value that it needs is itself at fault.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from tuitrain.config.catalogue import TaskInfo
from tuitrain.config.checking.components import Resolution
from tuitrain.config.checking.keys import owner
from tuitrain.config.faults import KeyPath
from tuitrain.config.schema import metric_label
from tuitrain.config.wording import one_of, show, unknown_name

Found = Iterator[tuple[KeyPath, str]]
ACCURACIES = ("val/accuracy", "train/accuracy")
Getter = Callable[..., Any]
"""Returns the value at a path, its default where it is not set, None where it is unknown."""


def cross_check(
    values: Mapping[str, Any],
    faulty: Collection[KeyPath],
    resolutions: Mapping[KeyPath, Resolution],
    task: TaskInfo | None,
) -> list[tuple[KeyPath, str]]:
    """Return every combination of settings that can't work, as key path and message.

    Args:
        values: of the preset.
        faulty: where a fault is known already.
        resolutions: its components.
        task: as the catalogue has it; None: the user's own, of which nothing is known, or a fault.
    """

    def get(*path: str) -> Any:
        return _value(values, faulty, path)

    return [
        *_tasks(task, resolutions),
        *_metric_labels(task, get),
        *_monitors(task, resolutions, get),
        *_evaluations(get, resolutions.get(("schedule",))),
        *_warmup(get),
        *_fold(get),
        *_hooks(get),
        *_trackers(get),
        *_recomputation(get),
        *_ranks(get),
        *_sharded(get),
        *_parameter_type(get),
        *_target(get),
        *_momentum(resolutions.get(("optimizer",))),
        *_periods(resolutions.get(("schedule",))),
        *_ranges(resolutions),
        *_weights(resolutions.get(("loss",))),
    ]


def _value(values: Mapping[str, Any], faulty: Collection[KeyPath], path: tuple[str, ...]) -> Any:
    if any(path[: len(fault)] == fault for fault in faulty):
        return None
    found: Any = values
    for part in path:
        if part not in found:
            field = owner(path).model_fields.get(path[-1])
            if field is None or field.is_required():
                return None
            return field.get_default(call_default_factory=True)
        found = found[part]
    return found


def _tasks(task: TaskInfo | None, resolutions: Mapping[KeyPath, Resolution]) -> Found:
    for path, resolution in resolutions.items():
        info = resolution.info
        if task is None or info is None:
            continue
        if not info.takes_targets_of(task):
            yield (
                (*path, "name"),
                f"found {show(info.name)}, which needs targets that are {one_of(info.targets)}, "
                f'those of task = "{task.name}" are {", ".join(sorted(task.target_kinds))}',
            )
        if not info.tasks:
            continue
        fits = {task.name, *(task.takes_data_of if info.kind == "dataset" else ())}
        if not fits & {*info.tasks} and (info.kind, info.name) != ("loss", task.loss):
            yield (
                (*path, "name"),
                f"found {show(info.name)}, which fits task {one_of(info.tasks)}, but the preset "
                f'has task = "{task.name}"',
            )


def metric_names(values: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """Yield the place and the full name of each metric that a preset adds; faulty ones are none."""
    listed = values.get("metrics")
    for place, table in enumerate(listed if isinstance(listed, list) else ()):
        name = table.get("name") if isinstance(table, Mapping) else None
        if isinstance(name, str):
            yield place, f"val/{table.get('label') or metric_label(name)}"


def metric_directions(
    values: Mapping[str, Any], resolutions: Mapping[KeyPath, Resolution]
) -> dict[str, bool]:
    """Return whether each metric that a preset adds is better when larger, where that is known."""
    known = ((name, resolutions.get(("metrics", at))) for at, name in metric_names(values))
    return {name: found.info.larger_is_better for name, found in known if found and found.info}


def _metric_labels(task: TaskInfo | None, get: Getter) -> Found:
    taken = dict.fromkeys(task.watched if task is not None else ("val/loss",), "the task gives")
    for place, name in metric_names({"metrics": get("metrics") or []}):
        if name in taken:
            yield (
                ("metrics", place, "label"),
                f"{name} is what {taken[name]} already: leave the metric out, or give it a label "
                "of its own",
            )
        taken[name] = f"metrics[{place}] gives"


def _monitors(
    task: TaskInfo | None, resolutions: Mapping[KeyPath, Resolution], get: Getter
) -> Found:
    if task is None:
        return
    added = [name for _place, name in metric_names({"metrics": get("metrics") or []})]
    known = [*task.watched, *added, *_terms(resolutions.get(("loss",)))]
    # A schedule is told of evaluations, and of nothing that is measured in training.
    evaluated = [metric for metric in known if metric.startswith("val/")]
    watched = {
        "checkpoint": (get("checkpoint", "monitor"), known),
        "stop": (get("stop", "monitor"), known),
        "schedule": (_watched_by(resolutions.get(("schedule",))), evaluated),
    }
    for section, (metric, names) in watched.items():
        # What a model or a hook logs, or a loss of the user's own returns, only the worker learns.
        if metric and metric not in names and not _only_seen(metric, resolutions.get(("loss",))):
            yield (
                (section, "monitor"),
                unknown_name(metric, names, f"metric of a {task.name} run"),
            )


def _watched_by(schedule: Resolution | None) -> str:
    """Return the metric that a schedule of tuitrain's own follows; empty: none."""
    if schedule is None or schedule.info is None or schedule.faults:
        return ""
    return str(schedule.options.get("monitor", ""))


def _terms(loss: Resolution | None) -> list[str]:
    return [f"val/loss_{term}" for term in loss.info.terms] if loss and loss.info else []


def _only_seen(metric: str, loss: Resolution | None) -> bool:
    own = loss is not None and loss.info is None and not loss.faults
    return metric.startswith(("val/aux/", "ema/")) or (own and metric.startswith("val/loss_"))


def _evaluations(get: Getter, schedule: Resolution | None) -> Found:
    if get("train", "evaluate_every_epochs") != 0 or get("train", "evaluate_every_steps") != 0:
        return
    never = "needs evaluations, but train.evaluate_every_epochs and _steps are both 0"
    if get("stop", "patience"):
        yield ("stop", "patience"), f"found {get('stop', 'patience')}, {never}"
    if get("stop", "target") is not None:
        yield ("stop", "target"), f"found {show(get('stop', 'target'))}, {never}"
    if metric := _watched_by(schedule):
        name = schedule.info.name if schedule and schedule.info else ""
        yield ("schedule", "name"), f"found {show(name)}, which follows {metric}: it {never}"


def _warmup(get: Getter) -> Found:
    warmup, limit = get("schedule", "warmup_steps"), get("train", "max_steps")
    if warmup and limit and warmup >= limit:
        yield (
            ("schedule", "warmup_steps"),
            f"found {warmup}, must be less than train.max_steps = {limit}, or the learning rate "
            "is never reached",
        )


def _fold(get: Getter) -> Found:
    fold = get("data", "fold")
    if not fold:
        return
    number, folds = (int(part) for part in fold.split("/"))
    if not (1 <= number <= folds and folds >= 2):
        yield (
            ("data", "fold"),
            f"found {show(fold)}, must be K/N with N of at least 2 and K from 1 to N",
        )


_ONCE = ("ema", "gradient_statistics", "samples")
"""Hooks whose values or files have a fixed name."""


def _hooks(get: Getter) -> Found:
    """Refuse a second hook that would measure the same under the same names."""
    seen: dict[str, int] = {}
    listed = get("hooks")
    for place, table in enumerate(listed if isinstance(listed, list) else ()):
        name = table.get("name") if isinstance(table, Mapping) else None
        if name in _ONCE and name in seen:
            yield (
                ("hooks", place, "name"),
                f"found {show(name)}, which hooks[{seen[name]}] is already: leave one out",
            )
        seen.setdefault(str(name), place)


def _recomputation(get: Getter) -> Found:
    wanted = get("train", "gradient_checkpointing")
    if wanted and get("train", "compile"):
        yield (
            ("train", "gradient_checkpointing"),
            f"found {show(wanted)}, needs train.compile = false: torch.compile chooses by itself "
            "what the backward pass computes again",
        )


_ONE_RANK_ONLY: tuple[tuple[str, Any, str], ...] = (
    ("compile", True, "a compiled model is not trained on several ranks yet"),
    ("compile", "auto", "a compiled model is not trained on several ranks yet"),
    ("oom", "halve", "one rank can't halve its batches alone"),
    ("memory_history", True, "the account of memory that ran out is that of one rank"),
)
"""Keys of `train`, values that need one rank, and why."""
_MOVES_PARAMETERS = ("unfreeze",)
"""Hooks that change which parameters are trained: gradients are exchanged for a fixed set."""


def _ranks(get: Getter) -> Found:
    """Refuse what several ranks can't do, or not exactly."""
    ranks = get("train", "ranks")
    if ranks in (1, None):
        return
    several = f"needs train.ranks = 1, found {show(ranks)}"
    for key, value, why in _ONE_RANK_ONLY:
        if get("train", key) == value:
            yield ("train", key), f"found {show(value)}, {several}: {why}"
    device = get("train", "device") or "auto"
    if device == "mps" or ":" in device:
        yield (
            ("train", "device"),
            f'found {show(device)}, which is one device; with several ranks take "auto", "cuda" '
            'or "cpu": each rank has a device of its own',
        )
    if get("train", "sync_batchnorm") and device == "cpu":
        yield (
            ("train", "sync_batchnorm"),
            'found true, needs CUDA devices, but the preset has train.device = "cpu"',
        )
    listed = get("hooks")
    for place, table in enumerate(listed if isinstance(listed, list) else ()):
        name = table.get("name") if isinstance(table, Mapping) else None
        if name in _MOVES_PARAMETERS:
            yield (
                ("hooks", place, "name"),
                f"found {show(name)}, {several}: it changes which parameters are trained",
            )


_SHARDED_HOOKS = ("samples",)
"""Hooks that show something of the model in evaluations, on rank 0 alone."""
_WHOLE_OPTIMIZERS = ("muon", "torch.Muon", "torch.Adafactor", "torch.Rprop", "torch.SparseAdam")
"""What these do to a weight depends on all of it, or torch can't do it to a part."""


def _sharded(get: Getter) -> Found:
    """Refuse what can't be done to a part of each weight."""
    if get("train", "strategy") != "fsdp" or get("train", "ranks") in (1, None):
        return
    needs = 'needs train.strategy = "ddp", found "fsdp"'
    name = get("optimizer", "name")
    if name in _WHOLE_OPTIMIZERS:
        yield (
            ("optimizer", "name"),
            f"found {show(name)}, {needs}: its update of a weight needs all of it, and a rank has "
            "a part",
        )
    if get("train", "channels_last"):
        yield ("train", "channels_last"), f"found true, {needs}: torch splits plain memory only"
    if get("train", "compress_gradients"):
        yield (
            ("train", "compress_gradients"),
            f'found true, {needs}; with "fsdp" weights travel in bf16 where train.precision = '
            '"bf16", and gradients are summed in fp32',
        )
    listed = get("hooks")
    for place, table in enumerate(listed if isinstance(listed, list) else ()):
        hook = table.get("name") if isinstance(table, Mapping) else None
        if hook in _SHARDED_HOOKS:
            yield (
                ("hooks", place, "name"),
                f"found {show(hook)}, {needs}: it asks the model on rank 0 alone, which has a part "
                "of the weights",
            )


def _parameter_type(get: Getter) -> Found:
    if get("train", "parameter_type") == "bf16" and get("train", "precision") != "bf16":
        yield (
            ("train", "parameter_type"),
            'found "bf16", needs train.precision = "bf16": what must be exact, as losses, is then '
            "computed in fp32",
        )


def _target(get: Getter) -> Found:
    target, metric = get("stop", "target"), get("stop", "monitor")
    if target is not None and metric in ACCURACIES and not 0 <= target <= 1:
        yield ("stop", "target"), f"found {show(target)}, must be within 0 and 1 for {metric}"


def _momentum(resolution: Resolution | None) -> Found:
    if resolution is None or resolution.info is None or resolution.info.name != "sgd":
        return
    if resolution.options.get("nesterov") and not resolution.options["momentum"]:
        yield ("optimizer", "nesterov"), "found true, needs optimizer.momentum greater than 0"


_PERIODS = {"step": ("every_steps", "every_epochs"), "multistep": ("at_steps", "at_epochs")}
"""Of schedules that count in steps or in epochs: the keys of which one is to be set."""


def _periods(resolution: Resolution | None) -> Found:
    if resolution is None or resolution.info is None or not resolution.options:
        return
    keys = _PERIODS.get(resolution.info.name, ())
    given = [key for key in keys if resolution.options[key]]
    if not keys or len(given) == 1:
        return
    said = f"found {' and '.join(f'schedule.{key}' for key in given)}" if given else "missing"
    whole = "a number of at least 1" if keys[0].startswith("every") else "a list of numbers"
    yield (
        ("schedule", given[-1] if given else keys[0]),
        f"{said}, set one of " + (f"{keys[0]} and {keys[1]} to {whole}"),
    )


def _ranges(resolutions: Mapping[KeyPath, Resolution]) -> Found:
    """Refuse a range of an augmentation whose ends are the wrong way round."""
    for path, resolution in resolutions.items():
        if resolution.info is None or resolution.info.kind != "augmentation":
            continue
        for key, value in resolution.options.items():
            if key in ("scale", "ratio") and value[0] > value[1]:
                yield (*path, key), f"found {show(list(value))}, must be [lowest, highest]"


def _weights(loss: Resolution | None) -> Found:
    if loss is None or loss.info is None:
        return
    for key in ("class_weights", "alpha"):
        value = loss.options.get(key)
        if isinstance(value, list | tuple) and value and not any(value):
            yield (
                ("loss", key),
                f"found {show(list(value))}, at least one must be greater than 0, or nothing is "
                "learned",
            )


def _trackers(get: Getter) -> Found:
    kinds = [str(each).partition(":")[0] for each in get("log", "to") or ()]
    twice = sorted({kind for kind in kinds if kinds.count(kind) > 1})
    if twice:
        yield ("log", "to"), f"{twice[0]} is named twice, and a run goes to each tracker once"
