"""Writes the reference of presets as Markdown: every key, every component, every option.

`python -m tuitrain.config.reference` prints it for `tuitrain help reference`. Knows the schema and
the catalogue.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, get_origin

from pydantic import BaseModel

from tuitrain.config.catalogue import KINDS, Catalogue, ComponentInfo, Kind, read_catalogue
from tuitrain.config.checking.keys import field_model
from tuitrain.config.schema import AugmentSection, GroupSection, Preset
from tuitrain.config.wording import show, words_for
from tuitrain.errors import UsageError

BEGIN_MARK = "<!-- preset reference: begin -->"
END_MARK = "<!-- preset reference: end -->"

_Say = Callable[[str], str]
"""How headings, and the sentences below them, are said: in another language, or as they are."""
_TITLES: dict[Kind, str] = {
    "dataset": "Data sets",
    "model": "Models",
    "loss": "Losses",
    "optimizer": "Optimizers",
    "schedule": "Schedules",
    "augmentation": "Augmentations",
    "hook": "Hooks",
    "metric": "Metrics",
}


def preset_reference(catalogue: Catalogue | None = None, say: _Say = str) -> str:
    """Return the tables of all sections and all components, without the marks around them.

    Args:
        catalogue: of the components; None: those there are.
        say: gives the headings, and the sentences below them, in the reader's language.
    """
    found = catalogue or read_catalogue()
    parts = [_section(say, "Top level", "", Preset, skip_tables=True), *_sections(say)]
    parts += [_tasks(found, say), *(_components(found, kind, say) for kind in KINDS)]
    return "\n\n".join(parts)


def reference_section(name: str) -> str:
    """Return a part of the reference by a name as `train`, `hooks`, `models` or `data.augment`.

    Raises:
        UsageError: there is no such part; the text says which there are.
    """
    known: dict[str, list[str]] = {}
    for part in preset_reference().split("#### ")[1:]:
        known.setdefault(_short(part.partition("\n")[0]), []).append(f"#### {part}".strip())
    if name not in known:
        raise UsageError(f"no part {name!r}: the reference has {', '.join(known)}")
    return "\n\n".join(known[name])


def _short(heading: str) -> str:
    """Return what a part is called on a command line."""
    return heading.partition(",")[0].strip("`[]").lower().replace(" ", "-")


def _sections(say: _Say) -> Iterator[str]:
    for name in Preset.model_fields:
        model = field_model(Preset, name)
        if model is not None:
            is_list = get_origin(Preset.model_fields[name].annotation) is list
            title = f"`[[{name}]]`" if is_list else f"`[{name}]`"
            yield _section(say, title, model.__doc__ or "", model)
    yield _section(say, "`data.augment`, each item", AugmentSection.__doc__ or "", AugmentSection)
    yield _section(say, "`[[optimizer.groups]]`", GroupSection.__doc__ or "", GroupSection)


def _section(
    say: _Say, title: str, text: str, model: type[BaseModel], *, skip_tables: bool = False
) -> str:
    properties = model.model_json_schema()["properties"]
    rows = [
        [f"`{key}`", words_for(properties[key]), _default(field), field.description or ""]
        for key, field in model.model_fields.items()
        if not (skip_tables and field_model(model, key) is field.annotation)
    ]
    table = _table(map(say, ("key", "takes", "default", "meaning")), rows)
    first = " ".join(text.partition("\n\n")[0].split())
    return "\n\n".join(filter(None, [f"#### {say(title)}", say(first), table]))


def _default(field: Any) -> str:
    if field.is_required():
        return str((field.json_schema_extra or {}).get("default_words", "required"))
    value = field.get_default(call_default_factory=True)
    return "left out" if value is None else f"`{show(value)}`"


def _components(catalogue: Catalogue, kind: Kind, say: _Say) -> str:
    rows = [
        [f"`{info.name}`", _meaning(info), _fitting(info, catalogue), _options(info)]
        for info in catalogue.of_kind(kind)
    ]
    headings = ("name", "meaning", "tasks", "options")
    return f"#### {say(_TITLES[kind])}\n\n" + _table(map(say, headings), rows)


def _tasks(catalogue: Catalogue, say: _Say) -> str:
    rows = [
        [f"`{info.name}`", info.description, info.loss, ", ".join(info.watched), info.monitor]
        for info in catalogue.tasks.values()
    ]
    headings = ("name", "meaning", "default loss", "metrics that can be watched", "best by")
    return f"#### {say('Tasks')}\n\n" + _table(map(say, headings), rows)


def _fitting(info: ComponentInfo, catalogue: Catalogue) -> str:
    if not info.targets:
        return ", ".join(info.tasks) or "all"
    return ", ".join(task.name for task in catalogue.tasks.values() if info.fits(task))


def _meaning(info: ComponentInfo) -> str:
    return info.description + (f" Downloads {info.download}." if info.download else "")


def _options(info: ComponentInfo) -> str:
    if not info.fields:
        return "none"
    properties = info.options.model_json_schema()["properties"]
    return "<br>".join(
        f"`{key}`: {words_for(properties[key])}, {_option_default(default)}"
        for key, (_, default) in info.fields.items()
    )


def _option_default(default: Any) -> str:
    if default is ...:
        return "required"
    return "may be left out" if default is None else f"default `{show(default)}`"


def _table(headings: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    first = list(headings)
    lines = [first, ["---"] * len(first), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(preset_reference() + "\n")
