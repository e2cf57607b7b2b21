from typing import Any

from tuitrain.runs.rows import CheckpointRow
from tuitrain.view.run.checkpoints import checkpoint_details, checkpoint_table, newest_first
from tuitrain.view.spans import SpanLine


def row(step: int, **changes: Any) -> CheckpointRow:
    values: dict[str, Any] = {
        "path": f"checkpoints/step-{step:08}.pt",
        "step": step,
        "time": 1000.0 + step,
        "names": (),
        "digest": "abcdef0123456789",
        "size_bytes": 2048,
        "held_up_s": 0.1,
        "write_s": 0.2,
        "metrics": {"val/loss": 0.25},
        "removed": None,
        "removed_reason": "",
        "superseded": False,
    }
    return CheckpointRow(**(values | changes))


def text(lines: list[SpanLine]) -> str:
    return "\n".join("".join(span.text for span in line) for line in lines)


def test_the_newest_is_first_and_what_was_given_up_is_last() -> None:
    rows = [row(10), row(30, superseded=True), row(20)]
    assert [each.step for each in newest_first(rows)] == [20, 10, 30]


def test_a_table_has_a_heading_and_aligned_columns() -> None:
    rows = [row(1000, names=("best", "last")), row(5, digest="", metrics={}, superseded=True)]
    lines = text(checkpoint_table(rows, "val/loss", 2000.0)).splitlines()
    assert [line.rstrip() for line in lines] == [
        " step  val/loss      size  digest         saved  names",
        " 1000    0.2500  2.00 KiB  abcdef01         now  best, last",
        "    5         -  2.00 KiB  -         16 min ago  superseded",
    ]


def test_names_from_a_foreign_record_can_not_act_on_the_terminal() -> None:
    foreign = row(1, names=("\x1b]0;x\x07",), digest="\x1b[2J", path="checkpoints/\x1b.pt")
    shown = text([*checkpoint_table([foreign], "\x1b", 0.0), *checkpoint_details(foreign, 0.0)])
    assert "\x1b" not in shown and "\x07" not in shown


def test_details_tell_all_of_it() -> None:
    shown = text(checkpoint_details(row(20, names=("last",), superseded=True), 1080.0))
    for words in ("step-00000020.pt", "1 min ago", "abcdef0123456789", "superseded", "0.2500"):
        assert words in shown
