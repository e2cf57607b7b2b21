"""Holds a preset's values against the schema, the catalogue and the cross-checks.

Collects every fault before it raises. Knows nothing of files beyond the source it is given.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from tuitrain.config.catalogue import Catalogue, Kind, TaskInfo, read_catalogue
from tuitrain.config.checking.checks import cross_check, metric_directions
from tuitrain.config.checking.components import (
    OWN_CODE,
    SECTION_KINDS,
    UNKNOWN,
    Resolution,
    resolve,
    wrong_value,
)
from tuitrain.config.checking.keys import field_model, known_keys, suggestion
from tuitrain.config.faults import InvalidPresetError, KeyPath
from tuitrain.config.monitors import with_monitors
from tuitrain.config.overrides import apply_overrides
from tuitrain.config.schema import AugmentSection, HookSection, MetricSection, Preset
from tuitrain.config.source import Source
from tuitrain.config.wording import show, unknown_name

LISTS: tuple[tuple[KeyPath, Kind, type[BaseModel]], ...] = (
    (("data", "augment"), "augmentation", AugmentSection),
    (("hooks",), "hook", HookSection),
    (("metrics",), "metric", MetricSection),
)
"""Where a preset has a list of components, and of which kind."""

Problem = tuple[KeyPath, str]
"""Where, and what is wrong there."""


def validate(source: Source, alerts: Mapping[str, Any]) -> Preset:
    """Return the resolved preset; `alerts` are the user's own defaults for that section.

    Raises:
        PresetError: the source has faults; the error has a line for each.
    """
    values, problems = apply_overrides(source.values(), source.overrides)
    catalogue = read_catalogue()
    task = catalogue.tasks.get(str(values.get("task")))
    values = _with_metric_tables(_with_loss(values, task))
    resolutions = _resolve_components(values, catalogue)
    problems = [*problems, *_schema_problems(values), *_task_problems(values, catalogue)]
    problems = _distinct([*problems, *_option_problems(resolutions)])
    combined = cross_check(values, [path for path, _ in problems], resolutions, task)
    problems = _distinct([*problems, *combined])
    if problems:
        faults = [source.fault(path, _in_full(path, text, resolutions)) for path, text in problems]
        raise InvalidPresetError(sorted(faults, key=lambda fault: fault.line or 0))
    filled = with_monitors(
        _filled(values, resolutions), task, metric_directions(values, resolutions)
    )
    return Preset.model_validate({**filled, "alerts": {**alerts, **filled.get("alerts", {})}})


def _with_loss(values: dict[str, Any], task: TaskInfo | None) -> dict[str, Any]:
    """Let a preset that names no loss have its task's."""
    given = values.get("loss", {})
    if task is None or not task.loss or not isinstance(given, dict) or "name" in given:
        return values
    return {**values, "loss": {"name": task.loss, **given}}


def _with_metric_tables(values: dict[str, Any]) -> dict[str, Any]:
    """Let a metric that is a name alone be the table that it stands for."""
    given = values.get("metrics")
    if not isinstance(given, list):
        return values
    return {
        **values, "metrics": [{"name": item} if isinstance(item, str) else item for item in given]
    }  # fmt: skip


def _task_problems(values: Mapping[str, Any], catalogue: Catalogue) -> list[Problem]:
    name = values.get("task")
    if not isinstance(name, str) or not name:
        return []
    if name in catalogue.tasks or OWN_CODE.fullmatch(name):
        return []
    return [(("task",), unknown_name(name, [*catalogue.tasks, "package.module:Name"], "task"))]


def _resolve_components(
    values: Mapping[str, Any], catalogue: Catalogue
) -> dict[KeyPath, Resolution]:
    resolutions: dict[KeyPath, Resolution] = {}

    def add(path: KeyPath, kind: Kind, model: type[BaseModel], table: Any) -> None:
        if not isinstance(table, dict):
            return
        name = table.get("name", model.model_fields["name"].get_default())
        if isinstance(name, str) and name:
            options = {key: table[key] for key in table if key not in model.model_fields}
            resolutions[path] = resolve(kind, name, options, catalogue)

    for section, kind in SECTION_KINDS.items():
        model = field_model(Preset, section)
        if model is not None:
            add((section,), kind, model, values.get(section, {}))
    for path, item_kind, item_model in LISTS:
        for index, table in enumerate(_list_at(values, path)):
            add((*path, index), item_kind, item_model, table)
    return resolutions


def _list_at(values: Any, path: KeyPath) -> list[Any]:
    for part in path:
        values = values.get(part) if isinstance(values, dict) else None
    return values if isinstance(values, list) else []


def _schema_problems(values: Mapping[str, Any]) -> list[Problem]:
    try:
        Preset.model_validate(values)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        return [_schema_problem(detail["loc"], values) for detail in details]
    return []


def _schema_problem(location: KeyPath, values: Mapping[str, Any]) -> Problem:
    """Put one of pydantic's errors into words, at the key that the user would have to change."""
    model: type[BaseModel] = Preset
    table: Any = values
    for depth, part in enumerate(location):
        here = location[: depth + 1]
        if isinstance(part, int):
            table = table[part]
            if not isinstance(table, dict):
                first = next(iter(model.model_fields))
                wanted = "a name or a table" if "metrics" in location else "a table"
                return here, f"found {show(table)}, must be {wanted} with a {first}"
            continue
        if part not in model.model_fields:
            return here, UNKNOWN
        inner = field_model(model, part)
        if inner is None or depth == len(location) - 1:
            return here, wrong_value(model, part, table)
        model, table = inner, table.get(part, {})
    return location, UNKNOWN


def _option_problems(resolutions: Mapping[KeyPath, Resolution]) -> list[Problem]:
    return [
        ((*table, *path), message)
        for table, resolution in resolutions.items()
        for path, message in resolution.faults
    ]


def _distinct(problems: Iterable[Problem]) -> list[Problem]:
    """Keep the first problem at each key: a list with three bad items is one problem."""
    found: dict[KeyPath, str] = {}
    for path, message in problems:
        found.setdefault(path, message)
    return list(found.items())


def _option_names(resolution: Resolution) -> Mapping[str, Any]:
    return resolution.info.fields if resolution.info is not None else resolution.options


def _in_full(path: KeyPath, message: str, resolutions: Mapping[KeyPath, Resolution]) -> str:
    if message != UNKNOWN:
        return message
    tables = known_keys({table: _option_names(each) for table, each in resolutions.items()})
    resolution = resolutions.get(path[:-1])
    info = resolution.info if resolution is not None else None
    whose = f" with {info.kind} {info.name}" if info is not None else ""
    return f"{UNKNOWN}{whose}, {suggestion(path, tables)}"


def _filled(values: Mapping[str, Any], resolutions: Mapping[KeyPath, Resolution]) -> dict[str, Any]:
    """Put the components' options, with their defaults, into the values of a valid preset."""
    filled = {key: dict(item) if isinstance(item, dict) else item for key, item in values.items()}
    for section in SECTION_KINDS:
        filled[section] = {**filled.get(section, {}), **resolutions[(section,)].options}
    for path, _kind, _model in LISTS:
        items = [
            {**table, **resolutions[(*path, index)].options}
            for index, table in enumerate(_list_at(filled, path))
        ]
        if items:
            _put(filled, path, items)
    return filled


def _put(values: dict[str, Any], path: KeyPath, value: Any) -> None:
    for part in path[:-1]:
        values = values[str(part)]
    values[str(path[-1])] = value
