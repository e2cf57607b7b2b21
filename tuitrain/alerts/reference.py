"""Writes the table of alerts and that of `[notify]` as Markdown.

`python -m tuitrain.alerts.reference` prints them for `tuitrain help alerts`.
"""

import sys
from collections.abc import Iterable, Sequence

from tuitrain.alerts.catalogue import KINDS, Kind
from tuitrain.config.schema import AlertsSection
from tuitrain.config.user import NotifySection
from tuitrain.config.wording import show, words_for
from tuitrain.lang import tr

BEGIN_MARK = "<!-- alerts: begin -->"
END_MARK = "<!-- alerts: end -->"


def alerts_reference() -> str:
    """Return both tables, without the marks around them."""
    alerts = _table(
        (tr("alert"), tr("severity"), tr("raised when"), tr("limits")),
        [[f"`{kind.name}`", tr(kind.severity), tr(kind.meaning), _limits(kind)] for kind in KINDS],
    )
    return f"{alerts}\n\n{tr('The keys of `[notify]`:')}\n\n{_notify()}"


def _limits(kind: Kind) -> str:
    fields = AlertsSection.model_fields
    return "<br>".join(f"`{key}` {show(fields[key].get_default())}" for key in kind.settings)


def _notify() -> str:
    properties = NotifySection.model_json_schema()["properties"]
    rows = [
        [
            f"`{key}`",
            words_for(properties[key]),
            f"`{_shown(field.get_default(call_default_factory=True))}`",
            tr(field.description or ""),
        ]
        for key, field in NotifySection.model_fields.items()
    ]
    return _table((tr("key"), tr("takes"), tr("default"), tr("meaning")), rows)


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(show(item) for item in value) + "]"
    return show(value)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |"
                     for line in lines)  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(alerts_reference() + "\n")
