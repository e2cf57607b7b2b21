import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests import commands
from tuitrain.config.folders import built_in_preset_directory

PROJECT = Path(__file__).parents[2]
SMALL = """\
name = "small"
description = "a small one"
task = "regression"
data.name = "linear"
model.name = "linear"
loss.name = "l1"
"""


@pytest.fixture
def tuitrain(tmp_path):
    """Run the command in an empty folder, with an empty folder for the user's settings."""

    def run(*arguments):
        environment = {
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
            "HOME": str(tmp_path),
        }
        return commands.run(["presets", *arguments], cwd=tmp_path, env=environment)

    return run


def test_list_shows_presets_by_task_with_what_they_download(tuitrain):
    done = tuitrain("list")
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines.index("binary") < lines.index("classification") < lines.index("regression")
    [mnist] = [line for line in lines if line.split()[:1] == ["mnist-cnn"]]
    assert "mnist (downloads MNIST, 12 MB)" in mnist and "built-in" in mnist
    starts = {line.index("built-in") for line in lines if "built-in" in line}
    assert len(starts) == 1


def test_list_says_which_of_two_presets_is_taken_and_keeps_faulty_ones(tuitrain, tmp_path):
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "digits-cnn.toml").write_text(SMALL)
    (tmp_path / "presets" / "bad.toml").write_text('name = "\\u001b[2J"\n')
    done = tuitrain("list")
    assert done.returncode == 0
    assert "taking presets/digits-cnn.toml, not " in done.stderr
    assert "\x1b" not in done.stdout
    assert "with faults" in done.stdout


def test_list_as_json_is_one_object_a_preset(tuitrain):
    listed = {item["name"]: item for item in json.loads(tuitrain("list", "--json").stdout)}
    assert listed["mnist-cnn"]["download"] == "MNIST, 12 MB"
    assert listed["circles"]["task"] == "binary"
    assert Path(listed["circles"]["path"]).is_file()


def test_show_prints_the_resolved_preset_as_toml_and_as_json(tuitrain):
    as_toml = tomllib.loads(tuitrain("show", "digits-cnn").stdout)
    assert as_toml["optimizer"]["betas"] == [0.9, 0.999]
    as_json = json.loads(tuitrain("show", "digits-cnn", "--json").stdout)
    assert {**as_json["stop"], "target": 0} == {**as_toml["stop"], "target": 0}
    assert as_json["model"] == as_toml["model"]


def test_show_source_prints_the_file_as_it_was_written(tuitrain):
    source = (built_in_preset_directory() / "circles.toml").read_text("utf-8")
    assert tuitrain("show", "circles", "--source").stdout == source


def test_a_source_shown_on_a_terminal_can_not_act_on_it(tmp_path):
    (tmp_path / "odd.toml").write_bytes(b"# \x1b[2J\n")
    ours, theirs = os.openpty()
    try:
        subprocess.run(
            [sys.executable, "-m", "tuitrain", "presets", "show", "--source", "./odd.toml"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            stdout=theirs,
            check=True,
        )
        assert os.read(ours, 1000) == b"# \\u001b[2J\r\n"
    finally:
        os.close(ours)
        os.close(theirs)


def test_show_of_an_unknown_preset_names_the_nearest_one(tuitrain):
    done = tuitrain("show", "circle")
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean circles?" in done.stderr


def test_check_reports_every_fault_of_every_file_and_exits_with_2(tuitrain, tmp_path):
    (tmp_path / "one.toml").write_text(SMALL + "train.epochs = 0\ntrain.sed = 1\n")
    (tmp_path / "two.toml").write_text(SMALL + "[optimizer]\nlr = -1\n")
    done = tuitrain("check", "one.toml", "circles", "two.toml", "none.toml", "nope")
    assert done.returncode == 2
    assert done.stdout.splitlines()[:4] == [
        "one.toml:7: train.epochs: found 0, must be a whole number greater than 0",
        "one.toml:8: train.sed: unknown key, did you mean train.seed?",
        "two.toml:8: optimizer.lr: found -1, must be a number greater than 0",
        "none.toml: there is no such preset file",
    ]
    assert done.stdout.splitlines()[4].startswith("nope: there is no preset 'nope'")
    assert done.stderr == "5 presets checked, 5 faults\n"


def test_check_as_json_is_a_list_of_faults(tuitrain, tmp_path):
    (tmp_path / "one.toml").write_text(SMALL + "train.epochs = 0\n")
    done = tuitrain("check", "--json", "one.toml")
    assert (done.returncode, json.loads(done.stdout)) == (
        2,
        [
            {
                "file": "one.toml",
                "line": 7,
                "key": "train.epochs",
                "message": "found 0, must be a whole number greater than 0",
            }
        ],
    )


def test_check_of_valid_presets_exits_with_0(tuitrain):
    done = tuitrain("check", *map(str, sorted(built_in_preset_directory().glob("*.toml"))))
    assert (done.returncode, done.stdout) == (0, "")


def test_copy_puts_a_preset_where_it_is_found_from_then_on(tuitrain, tmp_path):
    assert tuitrain("copy", "circles").returncode == 0
    copied = tmp_path / "presets" / "circles.toml"
    assert copied.read_text() == (built_in_preset_directory() / "circles.toml").read_text()
    copied.write_text(SMALL)
    shown = tuitrain("show", "circles")
    assert tomllib.loads(shown.stdout)["name"] == "small"
    assert "taking presets/circles.toml" in shown.stderr


def test_copy_overwrites_only_with_force_and_never_the_preset_itself(tuitrain, tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text(SMALL)
    refused = tuitrain("copy", "circles", "mine.toml")
    assert refused.returncode == 2 and "--force" in refused.stderr
    assert mine.read_text() == SMALL
    assert tuitrain("copy", "circles", "mine.toml", "--force").returncode == 0
    assert mine.read_text() == (built_in_preset_directory() / "circles.toml").read_text()
    assert tuitrain("copy", "./mine.toml", "mine.toml", "--force").returncode == 2
    assert mine.read_text() == (built_in_preset_directory() / "circles.toml").read_text()


def test_copy_into_a_folder_keeps_the_name(tuitrain, tmp_path):
    (tmp_path / "folder").mkdir()
    assert tuitrain("copy", "circles", "folder").returncode == 0
    assert (tmp_path / "folder" / "circles.toml").is_file()


def test_a_part_of_the_reference_is_printed_by_its_name(tuitrain):
    train = tuitrain("reference", "train")
    assert train.stdout.startswith("#### `[train]`\n")
    assert "`batch_size`" in train.stdout
    assert "#### Losses" not in train.stdout
    hooks = tuitrain("reference", "hooks").stdout
    assert "#### `[[hooks]]`" in hooks and "`mixup`" in hooks
    assert len(tuitrain("reference").stdout) > len(train.stdout) + len(hooks)
    wrong = tuitrain("reference", "nothing")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "the reference has top-level, data, model" in wrong.stderr
