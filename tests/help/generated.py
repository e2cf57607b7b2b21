"""Parts of the help that are made from the code: `python -m tests.help.generated` writes them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tests.catalogue import table as catalogue
from tuitrain import lang
from tuitrain.alerts import reference as alerts
from tuitrain.config import reference as presets
from tuitrain.ui import keys
from tuitrain.view.keys import key_table

FOLDER = Path(__file__).parents[2] / "tuitrain" / "help"


@dataclass(frozen=True, slots=True)
class Generated:
    """One part of one text."""

    topic: str
    begin: str
    """What stands before it."""
    end: str
    make: Callable[[], str]
    language: str = lang.ENGLISH

    @property
    def path(self) -> Path:
        english = self.language == lang.ENGLISH
        return FOLDER / ("" if english else self.language) / f"{self.topic}.md"

    def made(self) -> str:
        """Return what the code says, in the part's language."""
        lang.speak(self.language)
        try:
            return self.make()
        finally:
            lang.speak(lang.ENGLISH)

    def found(self) -> str:
        """Return what stands there now."""
        text = self.path.read_text("utf-8")
        assert text.count(self.begin) == text.count(self.end) == 1, f"{self.path} lacks the marks"
        return text.partition(self.begin)[2].partition(self.end)[0].strip()

    def write(self) -> None:
        """Put what the code says in its place."""
        before, begin, rest = self.path.read_text("utf-8").partition(self.begin)
        _old, end, after = rest.partition(self.end)
        made = f"{before}{begin}\n\n{self.made()}\n\n{end}{after}"
        self.path.write_text(made, encoding="utf-8")


_ENGLISH = (
    Generated(
        "interface", keys.BEGIN_MARK, keys.END_MARK, lambda: key_table(keys.documented_keys())
    ),
    Generated("alerts", alerts.BEGIN_MARK, alerts.END_MARK, alerts.alerts_reference),
    Generated(
        "presets",
        catalogue.BEGIN_MARK,
        catalogue.END_MARK,
        lambda: catalogue.catalogue_table(list(catalogue.read_figures().values())),
    ),
    Generated(
        "reference",
        presets.BEGIN_MARK,
        presets.END_MARK,
        lambda: presets.preset_reference(say=lang.tr),
    ),
)
PARTS = (*_ENGLISH, *(replace(part, language="zh") for part in _ENGLISH))

if __name__ == "__main__":
    for part in PARTS:
        part.write()
