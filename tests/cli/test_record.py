"""show, logs, rm, export and report of a run as a user runs them."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.records import EVIL, Tuitrain, finished_run
from tuitrain import messages as m
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.lock import FileLock
from tuitrain.runs.writer import RunWriter
from tuitrain.supervisor.scripts.launch import begin_script


def test_show_json_is_one_object_with_everything(run: RunDirectory, tuitrain: Tuitrain) -> None:
    shown = json.loads(tuitrain("show", "base", "--json").stdout)
    assert (shown["id"], shown["name"], shown["preset"]) == (run.id, "base", "demo")
    assert (shown["state"], shown["step"], shown["total_steps"]) == ("finished", 4, 8)
    assert shown["epoch"] == 1.0
    metrics = {row["name"]: row for row in shown["metrics"]}
    loss = {"name": "train/loss", "last": 0.125, "best": 0.125, "best_step": 4, "last_step": 4}
    assert metrics["train/loss"] == loss
    names = {entry["name"]: entry for entry in shown["checkpoints"]}
    assert set(names) == {"step-00000004", "last", "mine"}
    assert names["mine"]["path"] == "checkpoints/step-00000004.pt"
    assert (names["mine"]["digest"], names["mine"]["bytes"]) == ("abcd", 2048)
    assert shown["config"]["checkpoint"]["monitor"] == "val/accuracy"
    assert shown["environment"]["torch"] == "2.11"
    assert shown["environment"]["command_line"] == ["tuitrain", "run", "demo"]
    assert shown["commands"] == []
    assert shown["alerts"][0]["kind"] == "nonfinite"


def test_show_for_people_is_harmless_to_the_terminal(run: RunDirectory, tuitrain: Tuitrain) -> None:
    result = tuitrain("show", "last")
    assert result.returncode == 0
    assert run.id in result.stdout
    assert "val/accuracy" in result.stdout
    assert "last, mine" in result.stdout
    assert "\x1b" not in result.stdout


def test_show_tells_the_memory_of_each_device_and_what_is_known_of_it(
    run: RunDirectory, tuitrain: Tuitrain
) -> None:
    gpu = {"index": 0, "name": f"NVIDIA X{EVIL}", "uuid": "GPU-1", "pci": None, "mig": None,
           "throttle": ["power limit"], "errors": ["permission refused: clocks"],
           "processes": []}  # fmt: skip
    readings = {
        "gpu0/memory_used_bytes": 2.0**31, "gpu0/memory_total_bytes": 2.0**33,
        "gpu0/worker_bytes": 2.0**30, "host/memory_used_bytes": 2.0**32,
        "host/memory_total_bytes": 2.0**34, "host/main_rss_bytes": 2.0**29,
    }  # fmt: skip
    with RunWriter(run) as writer:
        writer.set_devices(2.0, {"driver": "580", "trouble": "", "gpus": [gpu]})
        writer.add_samples(2.0, readings)
    shown = tuitrain("show", run.id).stdout
    assert "2.0/8 GiB used: worker 1.00 GiB, unknown 1.00 GiB" in shown
    assert "host  4.0/16 GiB used: worker 512 MiB, others 3.50 GiB" in shown
    assert "GPU 0: power limit" in shown
    assert "GPU 0: permission refused: clocks" in shown
    assert "\x1b" not in shown
    told = json.loads(tuitrain("show", run.id, "--json").stdout)
    assert told["devices"]["gpus"] == [gpu]
    assert told["readings"] == readings


def test_of_a_script_only_what_can_be_known_is_shown(root: Path, tuitrain: Tuitrain) -> None:
    script = begin_script(root, ["sh", "train.sh"], name="script").directory
    points = (m.MetricPoints("train/loss", 1, (0.5,)),)
    with RunWriter(script) as writer:
        writer.begin_attempt(1.0)
        writer.record([m.Numbered(1, 1, m.StepsTaken(2.0, 1, 1, 0.0, 0.5, points))])
        writer.record([m.Numbered(1, 2, m.TrainingEnded(5.0, 1, "finished", "done"))])
    shown = tuitrain("show", "script").stdout
    assert "script    watched: sh train.sh" in shown
    assert not re.search("^(preset|epoch|device|model|TIME)", shown, re.MULTILINE)
    again = tuitrain("reproduce", "script")
    assert again.returncode == 2
    assert again.stderr.splitlines()[-1].startswith(f"tuitrain: {script.id}: what a script does is")


@pytest.mark.usefixtures("run")
def test_an_unknown_run_is_a_usage_error(tuitrain: Tuitrain) -> None:
    for command in (("show",), ("logs",), ("rm", "--yes"), ("export", "--format", "csv")):
        result = tuitrain(*command, "nonsense")
        assert result.returncode == 2
        assert result.stderr.startswith("tuitrain: no run 'nonsense'")


def test_export_writes_every_point_in_both_formats(
    run: RunDirectory, tuitrain: Tuitrain, tmp_path: Path
) -> None:
    lines = tuitrain("export", run.id, "--format", "csv").stdout.splitlines()
    assert lines[:5] == [
        "metric,step,value",
        "train/loss,1,0.5",
        "train/loss,2,nan",
        "train/loss,3,inf",
        "train/loss,4,0.125",
    ]
    assert len(lines) == 9
    target = tmp_path / "points.jsonl"
    result = tuitrain("export", run.id, "--format", "jsonl", "-o", str(target))
    assert result.stdout == ""
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert rows[0] == {"metric": "train/loss", "step": 1, "value": 0.5}
    assert [row["value"] for row in rows[1:3]] == ["NaN", "Infinity"]
    assert len(rows) == 8
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_export_leaves_links_and_pipes_what_they_are(
    run: RunDirectory, tuitrain: Tuitrain, tmp_path: Path
) -> None:
    link, pipe = tmp_path / "link.csv", tmp_path / "pipe"
    link.symlink_to(tmp_path / "points.csv")
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        for path in (link, pipe):
            assert not tuitrain("export", run.id, "--format", "csv", "-o", str(path)).returncode
        assert os.read(reading, 1 << 16) == (tmp_path / "points.csv").read_bytes()
    finally:
        os.close(reading)
    assert link.is_symlink()
    assert pipe.is_fifo()


def test_export_to_an_impossible_place_is_a_usage_error(
    run: RunDirectory, tuitrain: Tuitrain, tmp_path: Path
) -> None:
    target = tmp_path / "none" / "x.csv"
    result = tuitrain("export", run.id, "--format", "csv", "-o", str(target))
    assert result.returncode == 2
    assert "can't be written" in result.stderr


def test_report_gives_figures_per_class_of_the_latest_and_the_best_evaluation(
    run: RunDirectory, tuitrain: Tuitrain
) -> None:
    evaluations = json.loads(tuitrain("report", run.id, "--json").stdout)["evaluations"]
    assert (evaluations["latest"]["step"], evaluations["best"]["step"]) == (4, 2)
    first = evaluations["latest"]["classes"][0]
    assert (first["precision"], first["recall"], first["support"]) == (8 / 9, 0.8, 10)
    assert evaluations["best"]["confusion"] == [[8, 2], [1, 3]]
    shown = tuitrain("report", run.id).stdout
    assert "PRECISION" in shown
    assert "weighted avg" in shown


def test_logs_off_a_terminal_are_the_bytes_as_they_came(
    run: RunDirectory, tuitrain: Tuitrain
) -> None:
    run.log_path.write_text("one\n\x1b[31mtwo\x1b[0m\nthree\nhalf")
    assert tuitrain("logs", run.id).stdout == "one\n\x1b[31mtwo\x1b[0m\nthree\nhalf"
    assert tuitrain("logs", run.id, "-n", "2").stdout == "three\nhalf"
    assert tuitrain("logs", run.id, "-n", "0").stdout == ""
    assert tuitrain("logs", run.id, "-n", "99").stdout.startswith("one\n")
    assert tuitrain("logs", "-f", run.id).stdout.endswith("half")


def test_the_last_lines_of_a_long_log_are_found_from_its_end(
    run: RunDirectory, tuitrain: Tuitrain
) -> None:
    lines = [f"line {i} " + "x" * (i % 300) for i in range(3000)]
    run.log_path.write_text("\n".join(lines) + "\n")
    for number in (1, 7, 2000):
        assert tuitrain("logs", run.id, "-n", str(number)).stdout.splitlines() == lines[-number:]


def test_logs_on_a_terminal_can_not_act_on_it(run: RunDirectory, root: Path) -> None:
    run.log_path.write_bytes(b"\x1b]0;evil\x07 10%\r20%\xff\n")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "tuitrain", "logs", "--runs-dir", str(root), run.id]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as child:
        os.close(theirs)
        seen = read_all(ours)
        child.wait()
    os.close(ours)
    assert seen == "\\x1b]0;evil\\x07 10%\r\n20%\N{REPLACEMENT CHARACTER}\r\n"


def read_all(terminal: int) -> str:
    seen = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            # Linux reports the end of a terminal as an input/output error.
            part = b""
        if not part:
            return seen.decode()
        seen += part


def test_following_prints_what_is_added_and_ends_with_the_run(
    run: RunDirectory, root: Path
) -> None:
    run.log_path.write_text("before\n")
    lock = FileLock(run.lock_path)
    lock.acquire()
    command = [sys.executable, "-m", "tuitrain", "logs", "-f", "--runs-dir", str(root), run.id]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "before\n"
        with run.log_path.open("a") as log:
            log.write("after\n")
        assert child.stdout.readline() == "after\n"
        with run.log_path.open("a") as log:
            log.write("end\n")
        lock.release()
        assert child.stdout.read() == "end\n"
    assert child.returncode == 0


def test_rm_removes_runs_only_when_it_may(root: Path, tuitrain: Tuitrain) -> None:
    first, second = finished_run(root, "one"), finished_run(root, "two")
    unasked = tuitrain("rm", "one")
    assert unasked.returncode == 2
    assert "--yes" in unasked.stderr
    with FileLock(second.lock_path):
        busy = tuitrain("rm", "--yes", "one", "two")
    assert busy.returncode == 1
    assert f"{second.id} is live" in busy.stderr
    assert first.path.exists()
    assert tuitrain("rm", "--yes", "one", "two").returncode == 0
    assert [path.name for path in root.iterdir()] == [".trash"]


def test_a_removed_run_is_listed_restored_and_thrown_away(root: Path, tuitrain: Tuitrain) -> None:
    run = finished_run(root, "one")
    assert "trash restore RUN" in tuitrain("rm", "--yes", "one").stderr
    assert run.id in tuitrain("trash", "list").stdout
    assert tuitrain("trash", "restore", run.id[:9]).returncode == 0
    assert run.database_path.exists()
    tuitrain("rm", "--yes", "one")
    assert "--yes" in tuitrain("trash", "empty").stderr
    assert "removed 1 runs" in tuitrain("trash", "empty", "--yes").stderr
    assert json.loads(tuitrain("trash", "list", "--json").stdout) == []
    assert "no run 'one'" in tuitrain("trash", "restore", "one").stderr


def test_rm_now_leaves_nothing(root: Path, tuitrain: Tuitrain) -> None:
    finished_run(root, "one")
    assert tuitrain("rm", "--yes", "--now", "one").returncode == 0
    assert list(root.iterdir()) == []


def test_rm_asks_on_a_terminal_and_takes_no_for_an_answer(run: RunDirectory, root: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "tuitrain", "rm", "--runs-dir", str(root), run.id]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as child:
        os.close(theirs)
        os.write(ours, b"n\n")
        seen = read_all(ours)
        child.wait()
    os.close(ours)
    assert "Move to the trash?" in seen
    assert child.returncode == 1
    assert run.path.exists()


def test_a_damaged_run_is_named_without_a_traceback(run: RunDirectory, tuitrain: Tuitrain) -> None:
    run.database_path.write_bytes(b"damaged" * 1000)
    result = tuitrain("show", run.id)
    assert result.returncode == 1
    assert result.stderr.startswith("tuitrain: ")
    assert "repeats the run" in result.stderr
    assert "Traceback" not in result.stderr


MORTAL = ("setpriv", "--bounding-set=-all") if os.geteuid() == 0 else ()
"""Goes before a command that is to heed permissions, as root's own do not."""


@pytest.mark.skipif(MORTAL and not shutil.which("setpriv"), reason="to root no folder is closed")
@pytest.mark.parametrize(
    "command",
    [
        ("ls",),
        ("show", "last"),
        ("logs", "base"),
        ("rm", "base", "--yes"),
        ("attach", "base"),
        ("export", "base", "--format", "csv"),
        ("resume", "base"),
        ("run", "linear-regression"),
    ],
    ids=" ".join,
)
def test_a_folder_of_runs_that_is_closed_is_told_in_one_sentence(
    root: Path, run: RunDirectory, command: tuple[str, ...]
) -> None:
    root.chmod(0)
    try:
        result = subprocess.run(
            [*MORTAL, sys.executable, "-m", "tuitrain", *command, "--runs-dir", str(root)],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        root.chmod(0o700)
    assert (result.returncode, result.stdout) == (1, "")
    [line] = result.stderr.splitlines()
    assert "permission denied" in line
    assert run.database_path.exists()


@pytest.mark.skipif(MORTAL and not shutil.which("setpriv"), reason="to root no folder is closed")
def test_a_run_of_somebody_else_is_listed_as_such_and_is_not_last(
    root: Path, run: RunDirectory
) -> None:
    other = finished_run(root, "other")
    other.path.chmod(0)
    try:
        listed, shown, last = (
            subprocess.run(
                [*MORTAL, sys.executable, "-m", "tuitrain", *command, "--runs-dir", str(root)],
                capture_output=True,
                text=True,
                check=False,
            )
            for command in (("ls", "--json"), ("show", other.id), ("show", "last", "--json"))
        )
    finally:
        other.path.chmod(0o700)
    states = {each["id"]: each["state"] for each in json.loads(listed.stdout)}
    assert states == {run.id: "finished", other.id: "unreadable"}
    assert (shown.returncode, shown.stderr.count("\n")) == (1, 1)
    assert "permission denied" in shown.stderr
    assert json.loads(last.stdout)["id"] == run.id


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_a_stream_that_is_closed_is_no_fault(root: Path, run: RunDirectory, closed: str) -> None:
    command = f"{sys.executable} -m tuitrain show {run.id} --runs-dir {root} {closed}"
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert bool(result.stdout) == (">&-" not in closed.split())


@pytest.mark.parametrize("command", ["ls", "--help", "logs base"])
def test_a_stdout_that_is_full_is_told_in_one_line(
    root: Path, run: RunDirectory, command: str
) -> None:
    run.log_path.write_text("said")
    line = f"TUITRAIN_RUNS={root} {sys.executable} -m tuitrain {command} >/dev/full"
    result = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("tuitrain: stdout")
    assert result.stderr.count("\n") == 1


def test_a_folder_that_was_removed_under_the_command_is_told(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    line = f"cd {tmp_path}/gone && rmdir ../gone && {sys.executable} -m tuitrain ls"
    result = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "the current folder was removed" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.usefixtures("run")
def test_curves_are_drawn_once_for_a_pipe(tuitrain: Tuitrain) -> None:
    done = tuitrain("show", "base", "--metrics", "val/loss")
    assert done.returncode == 0, done.stderr
    title, *rows = done.stdout.splitlines()
    assert title == "loss"
    assert len(rows) == 12
    assert any("┤" in row for row in rows)
    assert max(map(len, rows)) <= 80
    whole = tuitrain("show", "base", "--chart").stdout
    assert whole.startswith("loss\n")
    done = tuitrain("show", "base", "--metrics", "nothing")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no metric is called so; there are" in done.stderr
    assert tuitrain("show", "base", "--chart", "--json").returncode == 2
