import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuitrain.runs.log import MOST_LINE_BYTES, LogFile

CONTENT = st.lists(st.sampled_from([b"a", b"\n", b"\r", b"\r\n", b"bc", b"d" * 9]), max_size=60)


def never() -> bool:
    return False


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "worker.log"


def all_lines(content: bytes) -> list[tuple[int, bytes]]:
    lines, place = [], 0
    for line in content.splitlines(keepends=True):
        lines.append((place, line.rstrip(b"\r\n")))
        place += len(line)
    return lines


def longest(content: bytes) -> int:
    return max((len(line) for line in content.splitlines(keepends=True)), default=0)


@given(CONTENT, st.integers(2, 40))
def test_reading_backwards_gives_every_line_once(
    path: Path, parts: list[bytes], more_bytes: int
) -> None:
    content = b"\n".join([b"".join(parts), b"end"])
    path.write_bytes(content)
    log, most_bytes = LogFile(path), longest(content) + more_bytes
    part = log.tail(most_bytes)
    found = list(part.lines)
    while part.start > 0:
        part = log.before(part.start, most_bytes)
        found = [*part.lines, *found]
    assert found == all_lines(content)


@given(CONTENT, st.integers(2, 40))
def test_reading_forwards_gives_every_line_once(
    path: Path, parts: list[bytes], more_bytes: int
) -> None:
    content = b"".join(parts)
    path.write_bytes(content)
    log, most_bytes = LogFile(path), longest(content) + more_bytes
    part = log.after(0, most_bytes)
    found = list(part.lines)
    while part.seen < part.size:
        kept = [line for line in found if line[0] < part.end]
        part = log.after(part.end, most_bytes)
        found = [*kept, *part.lines]
    assert found == all_lines(content)


def test_a_line_that_is_not_whole_yet_is_read_again_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "worker.log"
    path.write_bytes(b"one\ntw")
    part = LogFile(path).tail(100)
    assert [line for _, line in part.lines] == [b"one", b"tw"]
    with path.open("ab") as file:
        file.write(b"o\nthree\n")
    again = LogFile(path).after(part.end, 100)
    assert [line for _, line in again.lines] == [b"two", b"three"]


def test_a_log_without_line_ends_is_handed_on_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "worker.log"
    path.write_bytes(b"x" * 100_000)
    part = LogFile(path).tail(50_000)
    assert sum(len(line) for _, line in part.lines) in (50_000, 50_001)
    assert max(len(line) for _, line in part.lines) == MOST_LINE_BYTES


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "none.log")
    assert log.tail(100).lines == ()
    assert log.find(re.compile(b"x"), 0, forward=True, stop=never) is None


def test_searching_finds_the_nearest_line_in_either_direction(tmp_path: Path) -> None:
    path = tmp_path / "worker.log"
    path.write_bytes(b"".join(b"%08d.\n" % number for number in range(300_000)))
    log, seven = LogFile(path), re.compile(rb"7777\.")
    assert log.find(seven, 0, forward=True, stop=never) == 77_770
    assert log.find(seven, 77_780, forward=True, stop=never) == 177_770
    assert log.find(seven, 3_000_000, forward=False, stop=never) == 2_977_770
    assert log.find(seven, 2_977_770, forward=False, stop=never) == 2_877_770
    assert log.find(re.compile(b"none"), 0, forward=True, stop=never) is None
