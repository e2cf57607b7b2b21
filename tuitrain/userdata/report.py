"""A survey in lines of words: counts, faults, leaks.

Pure text; knows nothing of where it is shown.
"""

from rich.cells import cell_len

from tuitrain.userdata.survey_images import ImageSurvey
from tuitrain.userdata.survey_table import TableSurvey
from tuitrain.userdata.words import counted, shown

_NAMED = 5
"""Files that are named of each kind of fault; `tuitrain new --json` has all."""


def survey_lines(found: ImageSurvey | TableSurvey, retarget: str) -> list[str]:
    """Return what was found, the most important first; `retarget` names another column."""
    if isinstance(found, ImageSurvey):
        return _image_lines(found)
    return _table_lines(found, retarget)


def _image_lines(found: ImageSurvey) -> list[str]:
    parts = "in train and validation folders" if found.split else "a fifth is held out"
    endings = ", ".join(f"{ending} {number:,}" for ending, number in found.endings.items())
    modes = ", ".join(f"{mode} {number:,}" for mode, number in found.modes.items())
    lines = [
        f"{shown(found.path)}: {counted(found.images, 'image')} of {len(found.classes)} classes, "
        f"{parts}",
        f"  files   {endings}",
        f"  pixels  {modes}; width {_span(found.widths)}, height {_span(found.heights)}",
    ]
    names = _aligned(list(found.classes))
    lines += [
        f"  {name}  {train:,} to train on, {held:,} to validate on"
        for name, (train, held) in zip(names, found.classes.values(), strict=True)
    ]
    lines += _listed("broken", [f"{name} {why}" for name, why in found.broken.items()])
    if found.decoded < found.images:
        lines.append(f"  only {found.decoded:,} of them were decoded to look for broken ones")
    lines += _listed("leak: the same in both parts", [" = ".join(p) for p in found.leaks])
    lines += _listed("the same in two classes", [" = ".join(p) for p in found.conflicts])
    if found.copies:
        lines.append(f"  {counted(found.copies, 'file')} with the content of another one")
    return [*lines, *(f"  note: {note}" for note in found.notes)]


def _aligned(names: list[str]) -> list[str]:
    """Return names with blanks, so that all take as many cells of a terminal."""
    width = max(map(cell_len, names))
    return [name + " " * (width - cell_len(name)) for name in names]


def _span(values: tuple[int, int, int]) -> str:
    least, middle, most = values
    return f"{middle}" if least == most else f"{least} to {most}, half below {middle}"


def _listed(what: str, items: list[str]) -> list[str]:
    lines = [f"  {what}: {item}" for item in items[:_NAMED]]
    if len(items) > _NAMED:
        lines.append(f"  {what}: {len(items) - _NAMED:,} more")
    return lines


def _table_lines(found: TableSurvey, retarget: str) -> list[str]:
    goal = f"{found.task} of {shown(found.target)}"
    lines = [
        f"{shown(found.path)}: {counted(found.rows, 'row')}, "
        f"{counted(len(found.columns), 'column')}; {goal} ({retarget} names another column)"
    ]
    names = _aligned([shown(column.name) for column in found.columns])
    for name, column in zip(names, found.columns, strict=True):
        missing = f"; {column.missing:,} missing" if column.missing else ""
        leak = "; suspected leak: it tells the target exactly" if column.tells_target else ""
        lines.append(
            f"  {name}  {column.kind}, {column.distinct:,} different: "
            f"{column.summary}{missing}{leak}"
        )
    if found.copies:
        lines.append(f"  {counted(found.copies, 'row')} equal to another one")
    if found.leaks:
        both = counted(found.leaks, "row")
        lines.append(f"  leak: {both} of {found.validation} in the training file too")
    return lines
