"""Checks a component's name and options against the catalogue and fills in its defaults.

Knows which section of a preset picks which kind; nothing of files or lines.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from tuitrain.config.catalogue import Catalogue, ComponentInfo, Kind
from tuitrain.config.faults import KeyPath
from tuitrain.config.torch_names import (
    find_torch,
    find_torchvision,
    torch_optimizers,
    torchvision_model_names,
)
from tuitrain.config.wording import MOST, nearest, one_of, show, unknown_name, words_for

SECTION_KINDS: Mapping[str, Kind] = {
    "data": "dataset",
    "model": "model",
    "loss": "loss",
    "optimizer": "optimizer",
    "schedule": "schedule",
}
"""The kind of component that each section picks; `data.augment` picks augmentations."""

KIND_WORDS: Mapping[Kind, str] = {"dataset": "data set"}

TORCHVISION = "torchvision."
TORCH = "torch."
_BY_NAME: Mapping[Kind, str] = {"optimizer": f"{TORCH}NAME"}
"""Kinds of which a library's own are taken by their names."""
OWN_CODE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
"""`package.module:Name`."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What became of one component: all its options, or what is wrong with it."""

    options: dict[str, Any] = field(default_factory=dict)
    faults: list[tuple[KeyPath, str]] = field(default_factory=list)
    """Paths relative to the component's table."""
    info: ComponentInfo | None = None
    """Absent for own code, whose options only the worker can check, and for unknown names."""


def resolve(kind: Kind, name: str, options: Mapping[str, Any], catalogue: Catalogue) -> Resolution:
    """Look a component up and validate its options."""
    if OWN_CODE.fullmatch(name):
        return Resolution(dict(options))
    any_of_torchvision = catalogue.find(kind, f"{TORCHVISION}NAME")
    if any_of_torchvision is not None and name.startswith(TORCHVISION):
        return _resolve_torchvision(replace(any_of_torchvision, name=name), options)
    info = catalogue.find(kind, name)
    if info is None and kind == "optimizer" and name.startswith(TORCH):
        return _resolve_torch(name, options)
    if info is None:
        known = sorted(
            (component.name for component in catalogue.of_kind(kind)),
            key=lambda name: name.startswith(TORCHVISION),
        )
        known += [_BY_NAME[kind]] if kind in _BY_NAME else []
        what = KIND_WORDS.get(kind, kind)
        return Resolution(
            faults=[(("name",), unknown_name(name, [*known, "package.module:Name"], what))]
        )
    return _validated(info, options)


def _resolve_torchvision(info: ComponentInfo, options: Mapping[str, Any]) -> Resolution:
    name = info.name
    folder = find_torchvision()
    if folder is None:
        message = f"found {show(name)}, but torchvision is not installed: pip install torchvision"
        return Resolution(faults=[(("name",), message)])
    known = torchvision_model_names(folder)
    if name.removeprefix(TORCHVISION) not in known:
        return _lacking(name, TORCHVISION, known)
    return _validated(info, options)


def _resolve_torch(name: str, options: Mapping[str, Any]) -> Resolution:
    folder = find_torch()
    if folder is None:
        message = f"found {show(name)}, but torch is not installed: pip install torch"
        return Resolution(faults=[(("name",), message)])
    known = torch_optimizers(folder)
    fields = known.get(name.removeprefix(TORCH))
    if fields is None:
        return _lacking(name, TORCH, list(known))
    return _validated(ComponentInfo("optimizer", name, "An optimizer of torch.", fields), options)


def _lacking(name: str, library: str, known: Sequence[str]) -> Resolution:
    near = [library + item for item in nearest(name.removeprefix(library), known)]
    hint = f"did you mean {one_of(near)}?" if near else f"it has {', '.join(known)}"
    message = f"found {show(name)}, which the installed {library[:-1]} lacks; {hint}"
    return Resolution(faults=[(("name",), message)])


def _validated(info: ComponentInfo, options: Mapping[str, Any]) -> Resolution:
    try:
        values = info.options.model_validate(dict(options)).model_dump()
    except ValidationError as error:
        return Resolution(faults=_faults(info, options, error), info=info)
    # What is left out stays so: TOML has no word for it.
    given = {key: value for key, value in values.items() if value is not None}
    plain = {key: list(v) if isinstance(v, tuple) else v for key, v in given.items()}
    return Resolution(plain, info=info)


def _faults(
    info: ComponentInfo, options: Mapping[str, Any], error: ValidationError
) -> list[tuple[KeyPath, str]]:
    found: dict[KeyPath, str] = {}
    for detail in error.errors(include_url=False, include_context=False):
        key = str(detail["loc"][0])
        if key in info.fields:
            found.setdefault((key,), wrong_value(info.options, key, options))
        else:
            found.setdefault((key,), UNKNOWN)
    return list(found.items())


UNKNOWN = "unknown key"
_HUGE = sys.float_info.max


def wrong_value(model: type[BaseModel], key: str, values: Mapping[str, Any]) -> str:
    """Say what stands at `key`, or that it is missing, and what a pydantic model allows there."""
    schema = model.model_json_schema()["properties"][key]
    allowed = words_for(schema)
    if key not in values:
        description = model.model_fields[key].description
        meaning = f" ({description.rstrip('.')})" if description else ""
        return f"missing, must be {allowed}{meaning}"
    value = values[key]
    if isinstance(value, int | float) and "a number" in allowed and not -_HUGE <= value <= _HUGE:
        allowed = allowed.replace("a number", "a finite number")
    elif isinstance(value, int | float) and value > MOST == schema.get("maximum"):
        allowed += f" and at most {MOST:,}"
    return f"found {show(value)}, must be {allowed}"
