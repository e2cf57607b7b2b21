"""Presets as rows of a list, grouped by task, and one preset in a few lines of words.

Pure functions from what presets say to spans; knows nothing of screens or files.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tuitrain.lang import said, term, tr
from tuitrain.units import NOTHING, count, duration
from tuitrain.view.format import display_width, sanitise, shorten, wrap
from tuitrain.view.spans import Span, SpanLine, first_lines

if TYPE_CHECKING:
    from tuitrain.config.presets import ListedPreset
    from tuitrain.config.schema import Component, Preset

_GROUPS = ("classification", "binary", "regression")
_BROKEN = term("can't be used")


@dataclass(frozen=True, slots=True)
class Experience:
    """What earlier runs of a preset on this machine showed."""

    parameters: int = 0
    took_s: float | None = None
    """The time a finished run took."""


def preset_groups(
    presets: Iterable["ListedPreset"], text: str = ""
) -> list[tuple[str, list["ListedPreset"]]]:
    """Return presets that have every word of `text`, by task; faulty ones are a group at the end.

    Args:
        presets: all of them.
        text: words that must occur in name, description, data set, model or task.
    """
    groups: dict[str, list[ListedPreset]] = {}
    for listed in presets:
        if all(word in _said(listed) for word in text.lower().split()):
            task = listed.preset.task if listed.preset is not None else _BROKEN
            groups.setdefault(task, []).append(listed)
    order = [*_GROUPS, *sorted(set(groups) - {*_GROUPS, _BROKEN}), _BROKEN]
    return [(task, groups[task]) for task in order if task in groups]


_LEAST_ABOUT = 16
"""Cells of a description, less of which say nothing."""


def _said(listed: "ListedPreset") -> str:
    preset = listed.preset
    words = [listed.found.name]
    if preset is not None:
        words += [
            preset.description,
            said(preset.description),
            tr(preset.task),
            preset.task,
            preset.data.name,
            preset.model.name,
        ]
    return " ".join(words).lower()


def preset_line(listed: "ListedPreset", width: int, name_width: int) -> SpanLine:
    """Return a preset as one line: its name and as much of its description as fits."""
    name = shorten(sanitise(listed.found.name), min(name_width, max(1, width - 2)))
    spans = [Span("  "), Span(name, "title" if listed.preset is not None else "bad")]
    room = width - name_width - 4
    if room >= (_LEAST_ABOUT if listed.preset is not None else 8):
        gap = " " * (name_width - display_width(name) + 2)
        spans.append(Span(gap + shorten(_about(listed), room), "quiet"))
    return tuple(spans)


def _about(listed: "ListedPreset") -> str:
    if listed.preset is None:
        return _fault(listed)
    return said(sanitise(listed.preset.description))


def _fault(listed: "ListedPreset") -> str:
    """Return what is wrong, with the line but without the file, whose name stands before it."""
    file = sanitise(str(listed.found.path))
    said = sanitise(listed.error).removeprefix(f"{file}:")
    return tr("line {said}", said=said) if said[:1].isdigit() else said.strip()


def preset_detail(
    listed: "ListedPreset", past: Experience | None, width: int, lines: int
) -> list[SpanLine]:
    """Return what a preset is in at most `lines` lines."""
    head = (Span(shorten(sanitise(listed.found.name), width), "title"),)
    preset = listed.preset
    if preset is None:
        return first_lines([head, *wrapped([_fault(listed)], width, "bad")], lines, width)
    words = [
        said(sanitise(preset.description)),
        _training_words(preset),
        f"{tr('model')} {_component(preset.model)}{_size(past)}",
        f"{tr('data')} {sanitise(preset.data.name)}, {_download(listed)}",
    ]
    if past is not None and past.took_s is not None:
        words.append(tr("about {time} on this machine", time=duration(past.took_s)))
    if listed.found.shadowing:
        words.append(sanitise(listed.found.shadowing))
    return first_lines([head, *wrapped(words, width)], lines, width)


def _size(past: Experience | None) -> str:
    if past is None or not past.parameters:
        return ""
    return tr(", {n} parameters", n=count(past.parameters))


def _download(listed: "ListedPreset") -> str:
    if not listed.download:
        return tr("nothing to download")
    return tr("downloads {what}", what=sanitise(listed.download))


def _component(component: "Component") -> str:
    """Return a component's name and its options in brackets, but for what is off or left out."""
    given = [(key, v) for key, v in component.options.items() if v is not None and v is not False]
    options = [f"{key} {_plain(value)}" for key, value in given]
    name = sanitise(component.name)
    return f"{name} ({', '.join(options)})" if options else name


def _plain(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "-".join(_plain(item) for item in value) or NOTHING
    if isinstance(value, bool):
        return str(value).lower()
    return sanitise(str(value))


def _training_words(preset: "Preset") -> str:
    train = preset.train
    sizes = tr("{epochs} epochs, batch {batch}", epochs=train.epochs, batch=train.batch_size)
    return (
        f"{sizes}, "
        f"{sanitise(preset.optimizer.name)} {preset.optimizer.lr:g}, "
        f"{sanitise(preset.schedule.name)}, {train.precision}"
    )


def wrapped(texts: Iterable[str], width: int, style: str = "") -> list[SpanLine]:
    """Return each text on as many lines as it needs, all but its first one indented."""
    return [
        (Span(line, style),)
        for text in texts
        for line in wrap(text, max(10, width), indent="  ") or [""]
    ]
