"""Each topic has its counterpart in Chinese: as many headings and rows, the same code and names."""

import re
from collections import Counter
from typing import NamedTuple

import pytest

from tests.help.generated import FOLDER

NAMES = sorted(path.stem for path in FOLDER.glob("*.md"))
_MADE = re.compile(r"<!-- (?P<what>.+): begin -->.*<!-- (?P=what): end -->", re.DOTALL)
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(^|\s)#.*")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
SHOWN = {"4-6 of 9", "[100-200, 0: all]", "validating", "saving"}
"""Words of the screen, which are Chinese there."""


class Parts(NamedTuple):
    """What a text and its counterpart have in common."""

    headings: list[int]
    """The level of each."""
    blocks: list[tuple[str, list[str]]]
    """Language and lines of each, without comments; of a drawing no lines."""
    rows: list[int]
    """The bars in each row of the tables that are not made from the code."""
    items: int
    """Of lists."""
    links: Counter[str]
    names: set[str]
    """Commands, options, keys, files: all that is set as code."""


def parts_of(text: str) -> Parts:
    written = _MADE.sub("", text)
    prose = _BLOCK.sub("", written)
    return Parts(
        [len(found) for found in re.findall(r"^(#+) ", prose, re.MULTILINE)],
        [(kind, _code(kind, body)) for kind, body in _BLOCK.findall(written)],
        [line.count("|") for line in prose.splitlines() if line.startswith("|")],
        len(re.findall(r"^[-*] ", prose, re.MULTILINE)),
        Counter(re.findall(r"\]\((?:\.\./)*([^)]+)\)", prose)),
        {" ".join(found.split()) for found in re.findall(r"`([^`]+)`", prose)},
    )


def _code(kind: str, body: str) -> list[str]:
    return [_COMMENT.sub("", line).strip() for line in body.splitlines()] if kind else []


def test_each_topic_is_there_in_chinese() -> None:
    assert sorted(path.stem for path in (FOLDER / "zh").glob("*.md")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_topic_and_its_counterpart_say_the_same(name: str) -> None:
    english, chinese = (
        (folder / f"{name}.md").read_text("utf-8") for folder in (FOLDER, FOLDER / "zh")
    )
    there, here = parts_of(english), parts_of(chinese)
    missing = there.names - here.names - SHOWN
    more = {each for each in here.names - there.names if not _CHINESE.search(each)}
    assert there._replace(names=missing) == here._replace(names=set())
    if name == "interface":
        more -= {"4-6/9"}
    # The reference explains in Chinese what words stand in its columns.
    assert not more or name == "reference"
    for target in re.findall(r"\]\(([^)#]+)", chinese):
        assert target.startswith("http") or (FOLDER / "zh" / target).exists(), target


@pytest.mark.parametrize("name", NAMES)
def test_no_heading_and_no_paragraph_is_left_in_english(name: str) -> None:
    text = _BLOCK.sub("", (FOLDER / "zh" / f"{name}.md").read_text("utf-8"))
    parts = (part.strip() for part in text.split("\n\n"))
    told = [part for part in parts if part and not part.startswith(("|", "<!--"))]
    names = re.compile(r"#+ (Prometheus|`.*`)")
    assert [x for x in told if not _CHINESE.search(x) and not names.fullmatch(x)] == []
