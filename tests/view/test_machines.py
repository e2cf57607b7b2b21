"""Several machines in one list: what is free where, and what is only known of old."""

from pathlib import Path

from tests.ui.machines import gpu_facts, gpu_samples, row, still_feed, with_gpus
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.machine.machines import HostSeen, machines_sheet
from tuitrain.view.machine.sheet import machine_sheet

LOOK = TerminalStyle()


def test_each_machine_has_a_header_and_one_that_is_away_is_grey_with_its_age(
    tmp_path: Path,
) -> None:
    two = [gpu_facts(0, row(2**22 + 1, "alice", "python serve.py", 4.0)), gpu_facts(1)]
    reading = with_gpus(two, gpu_samples(0, 5.0, 90.0), gpu_samples(1, 0.3, 0.0))
    here, there = still_feed(tmp_path).latest, still_feed(tmp_path, reading).latest
    away = HostSeen("gpu2", there, "gpu2: ssh: connection closed", 70.0)
    never = HostSeen("gpu3", fault="gpu3: ssh: no route to host")
    lines = machines_sheet(here, [HostSeen("gpu1", there), away, never], 80, 24, LOOK)
    heads = ["".join(span.text for span in line) for line in lines if "━" in line[0].text]
    assert [head.replace("━", "").split() for head in heads] == [
        ["gpu-box-7", "no", "GPU"], ["gpu1", "2", "GPUs,", "1", "free"],
        ["gpu2", "no", "answer", "for", "1m", "10s"], ["gpu3", "no", "answer"],
    ]  # fmt: skip
    plain = ["".join(span.text for span in line) for line in lines]
    begin, end = plain.index(heads[2]), plain.index(heads[3])
    assert plain[begin + 1] == away.fault
    assert {span.style for line in lines[begin + 2 : end] for span in line} == {"quiet"}
    assert any("alice" in line for line in plain[begin:end])
    assert machines_sheet(here, [], 80, 24, LOOK) == machine_sheet(here, 80, 24, LOOK)
