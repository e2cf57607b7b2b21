"""Texts on topics, in Markdown, that come with the package: over SSH that is where the reader is.

Each is a file beside this one; its first line is the title, the sentence below says what it is on.
A folder has those of another language; what is not there is shown in English.
"""

import difflib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tuitrain.errors import UsageError
from tuitrain.lang import ENGLISH, spoken, tr

_FOLDER = Path(__file__).parent
_BLOCK = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_BREAK_IN_CHINESE = re.compile(
    r"(?<=[\u3000-\u9fff\uff00-\uffef])\n {0,3}(?=[\u3000-\u9fff\uff00-\uffef])"
    r"|(?<=[\u3001-\u3002\uff08-\uff1f])\n {0,3}(?=[\w`$])"
)
"""A line's end that Markdown would show as a blank, where the language has none: between two of its
characters, and after its punctuation. The next line of a list's item is indented."""
_ORDER = (
    "session", "interface", "commands", "presets", "own-data", "own-code", "own-script",
    "after-training", "sweeps", "queue", "alerts", "diagnoses", "exact-resume", "several-gpus",
    "several-machines", "time", "memory", "machine", "layers", "profiles", "record", "logs",
    "trackers", "other-machines", "how-it-works", "trouble", "reference",
)  # fmt: skip
"""As a reader may want them; others come after these."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One text."""

    name: str
    title: str
    summary: str
    """What it is on, in a sentence."""
    text: str
    """All of it, in Markdown."""


def topics() -> tuple[Topic, ...]:
    """Return all topics, in the order in which they are listed, in the language that is spoken."""
    return _read(spoken())


@cache
def _read(language: str) -> tuple[Topic, ...]:
    found = [_topic(path, language) for path in _FOLDER.glob("*.md")]
    return tuple(sorted(found, key=_place))


def _place(topic: Topic) -> tuple[int, str]:
    known = topic.name in _ORDER
    return (_ORDER.index(topic.name) if known else len(_ORDER), topic.name)


def _topic(path: Path, language: str) -> Topic:
    own = path.parent / language / path.name
    text = (own if own.exists() else path).read_text(encoding="utf-8")
    text = _unbroken(text)
    title, _, rest = text.partition("\n")
    summary = " ".join(rest.strip().partition("\n\n")[0].split())
    if language != ENGLISH and not own.exists():
        text = f"{title}\n\n{tr('This topic is there in English only.')}\n{rest}"
    return Topic(path.stem, title.removeprefix("# "), summary, text)


def _unbroken(text: str) -> str:
    """Return a text without the line ends that would be blanks in Chinese; code stays."""
    parts = _BLOCK.split(text)
    parts[::2] = [_BREAK_IN_CHINESE.sub("", part) for part in parts[::2]]
    return "".join(parts)


def find_topic(name: str) -> Topic:
    """Return the topic that a name, or a unique beginning of it, means.

    Raises:
        UsageError: none, or several; the text says which there are.
    """
    names = [topic.name for topic in topics()]
    matches = [name] if name in names else [each for each in names if each.startswith(name)]
    if len(matches) == 1:
        return topics()[names.index(matches[0])]
    near = matches or difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"; near it: {', '.join(near)}" if near else ""
    raise UsageError(f"there is no topic {name!r}{hint}; `tuitrain help` lists them")
