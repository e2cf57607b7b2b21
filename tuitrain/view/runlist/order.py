"""What the table of runs is sorted by after a key or a click."""

from tuitrain.view.runlist.columns import TableLayout, fitting_columns

_RISING = frozenset({"name", "state", "device", "preset", "age", "note", "tag"})
"""Keys that begin with the least; of the others one wants to see the most."""


def next_sort(layout: TableLayout, by: int) -> str:
    """Return what comes after what the table is sorted by: a column in sight, or attention."""
    keys = [column.sort_key for column, _size in fitting_columns(layout) if column.sort_key]
    choices = ["", *dict.fromkeys(keys)]
    now = layout.sort.removeprefix("-")
    place = choices.index(now) if now in choices else 0
    return _begun(choices[(place + by) % len(choices)])


def sort_of_click(sort: str, key: str) -> str:
    """Return what a click on a column's heading sorts by: a second one turns the order round."""
    if sort.removeprefix("-") != key:
        return _begun(key)
    return key if sort.startswith("-") else f"-{key}"


def _begun(key: str) -> str:
    return key if not key or key in _RISING else f"-{key}"
