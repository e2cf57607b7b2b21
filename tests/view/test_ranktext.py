"""The ranks of a run as lines: as few as two and as many as 64, in any width."""

import pytest

from tests.view.test_timetext import PLAIN, text_of
from tuitrain.analysis.ranks import RankTime
from tuitrain.metric_names import STAGES
from tuitrain.ranks import RankMemory
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.run.ranktext import rank_lines, rank_memory_lines, rank_strip
from tuitrain.view.spans import line_width, plain_text

FANCY = TerminalStyle()
SLOW = 2


def ranks_of(number: int, node: str = "") -> list[RankTime]:
    """Return ranks of 5 ms, of which one takes 4 ms more in data and the others wait for it."""
    found = []
    for rank in range(number):
        seconds = dict.fromkeys(STAGES, 0.001)
        seconds["data" if rank == min(SLOW, number - 1) else "exchange"] += 0.004
        found.append(RankTime(rank, seconds, 2.0**30, 0.001, node and f"{node}{rank // 8}"))
    return found


@pytest.mark.parametrize("width", [16, 24, 58, 78, 198])
@pytest.mark.parametrize("number", [2, 3, 8, 64])
def test_the_slow_rank_stands_out_in_a_strip_of_all(number: int, width: int) -> None:
    ranks = ranks_of(number)
    slow = ranks[min(SLOW, number - 1)]
    lines = rank_strip(ranks, slow, width, FANCY)
    assert all(line_width(line) <= width for line in lines)
    spans = [span for line in lines for span in line[1:] if span.text != " "]
    assert [span.text for span in spans] == ["█" if each is slow else "▅" for each in ranks]
    assert [span.style for span in spans].index("alert") == slow.rank
    if number == 64 and width >= 78:
        assert len(lines) == 1
    digits = "".join(text_of(rank_strip(ranks, slow, width, PLAIN)))
    assert digits.count("8") >= 1


@pytest.mark.parametrize("width", [58, 78, 198])
@pytest.mark.parametrize("number", [2, 3, 8, 64])
def test_each_rank_has_a_bar_that_leaves_free_what_it_waits(number: int, width: int) -> None:
    ranks = ranks_of(number, "node")
    slow = ranks[min(SLOW, number - 1)]
    lines = rank_lines(ranks, slow, width, FANCY)
    assert all(line_width(line) <= width for line in lines)
    rows = {plain_text(line).split(" (")[0]: line for line in lines if "(node" in line[0].text}
    if number <= 8:
        assert list(rows) == [f"rank {rank}" for rank in range(number)]
    else:
        # The slowest ones and the quickest, below all of them in a strip.
        assert len(rows) == 4
        assert next(iter(rows)) == "rank 2"
    said = {name: plain_text(row) for name, row in rows.items()}
    own = f"rank {slow.rank}"
    assert "9.00 ms" in said[own]
    assert "...." not in said[own]
    others = [text for name, text in said.items() if name != own]
    assert all("5.00 ms" in text and "...." in text for text in others)
    assert all(text.endswith("1.00 GiB") for text in said.values())
    if width >= 78:
        assert all("waits 4.00 ms" in text for text in others)
    assert rows[own][0].style == "alert"


def test_what_ranks_hold_is_a_table_of_the_columns_that_any_of_them_told() -> None:
    plain = [RankMemory(host_bytes=2.0**30), RankMemory(host_bytes=2.0**31)]
    assert text_of(rank_memory_lines(plain, 40)) == [
        "ranks       host",
        "rank 0  1.00 GiB",
        "rank 1  2.00 GiB",
    ]
    on_gpu = [
        RankMemory(2.0**32, 2.0**30, 2.0**29, 2.0**33, 2.0**36, temperature)
        for temperature in (61.0, 0.0)
    ]
    head, first, second = text_of(rank_memory_lines(on_gpu, 60))
    assert head.split() == ["ranks", "host", "loaders", "reserved", "GPU", "used", "temp"]
    assert first.split()[-2:] == ["61", "C"]
    assert "8.0/64 GiB" in second
    assert len(first) <= 58
    apart = [RankMemory(host_bytes=2.0**30, node="gpu7")]
    assert text_of(rank_memory_lines(apart, 40))[1] == "rank 0 (gpu7)  1.00 GiB"
    assert rank_memory_lines([], 40) == []
