"""The benchmarks must not rot: the cheapest topic is run for real."""

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def run_benchmarks(*arguments: str) -> "subprocess.CompletedProcess[str]":
    search_path = os.pathsep.join([str(CHECKOUT), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, str(CHECKOUT / "tests" / "benchmarks"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": search_path.rstrip(os.pathsep)},
    )


def test_one_command_prints_the_machine_and_a_markdown_table_with_budgets() -> None:
    done = run_benchmarks("--quick", "--only", "startup")
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Machine: ")
    assert [cell.strip() for cell in lines[4].split("|")[1:-1]] == ["what", "measured", "budget"]
    assert "tuitrain --help / import torch" in done.stdout
    assert "to its first step on record" in done.stdout
    assert lines[-1].partition(";")[0].endswith("budgets not met")


def test_a_topic_that_does_not_exist_is_refused_with_those_that_do() -> None:
    done = run_benchmarks("--only", "nonsense")
    assert done.returncode == 2
    assert "speed" in done.stderr
    assert "checkpoint" in done.stderr
