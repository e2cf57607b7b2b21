"""`tuitrain new`: what it says of people's own files, and that its presets train."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests import commands
from tests.catalogue.pictures import as_bytes, write_classes
from tests.training.test_loop import Course

PROJECT = Path(__file__).parents[2]


def new(folder: Path, *arguments: str, exit_code: int = 0) -> commands.Result:
    env = {**os.environ, "PYTHONPATH": str(PROJECT), "XDG_CONFIG_HOME": str(folder / "config")}
    done = commands.run(arguments, cwd=folder, env=env)
    assert done.returncode == exit_code, done.stderr
    return done


def found(folder: Path, *arguments: str) -> Any:
    return json.loads(new(folder, "new", *arguments, "--json").stdout)


def trains(folder: Path, preset: str) -> Course:
    """Take the first steps of a preset, as it was written."""
    text = (folder / preset).read_text("utf-8").replace("batch_size", "threads = 1\nbatch_size")
    epochs = text.partition("epochs = ")[2].split()[0]
    return Course(folder, text.replace(f"epochs = {epochs}", "epochs = 2"))


def test_a_folder_of_images_is_described_with_its_faults_and_trains(tmp_path: Path) -> None:
    write_classes(tmp_path / "Own Pictures" / "train", {"dark": 20, "bright": 20})
    write_classes(tmp_path / "Own Pictures" / "val", {"dark": 5, "bright": 5}, first=100)
    root = tmp_path / "Own Pictures"
    shutil.copy(root / "train" / "dark" / "0003.png", root / "val" / "dark" / "copy.png")
    shutil.copy(root / "train" / "dark" / "0003.png", root / "train" / "bright" / "other.png")
    (root / "train" / "dark" / "bad.png").write_bytes(b"nothing")
    (root / "notes.txt").write_text("")
    done = new(tmp_path, "new", "Own Pictures")
    for part in (
        "53 images of 2 classes, in train and validation folders",
        "dark    21 to train on, 6 to validate on",
        "RGB 52; width 16, height 12",
        "broken: train/dark/bad.png is no image that can be read",
        "leak: the same in both parts: train/bright/other.png = val/dark/copy.png",
        "the same in two classes: train/bright/other.png = train/dark/0003.png",
    ):
        assert part in done.stdout
    assert "tuitrain run own-pictures.toml" in done.stderr
    assert 'broken = "skip"' in (tmp_path / "own-pictures.toml").read_text()
    assert new(tmp_path, "presets", "check", "./own-pictures.toml").stdout == ""
    course = trains(tmp_path, "own-pictures.toml")
    assert course.ended.state == "finished"


def test_images_with_a_table_of_labels_train(tmp_path: Path) -> None:
    write_classes(tmp_path / "own", {"a": 10, "b": 10})
    lines = ["file,label", *(f"{c}/{n:04}.png,{c}" for c in "ab" for n in range(10))]
    (tmp_path / "own" / "labels.csv").write_text("\n".join(lines))
    told = found(tmp_path, "own", "--output", "presets/mine.toml")
    assert (told["kind"], told["labels"]) == ("images", "labels.csv")
    assert told["classes"] == {"a": [8, 2], "b": [8, 2]}
    assert told["command"] == "tuitrain run presets/mine.toml"
    assert trains(tmp_path, "presets/mine.toml").ended.state == "finished"


def table(path: Path, rows: int = 60) -> None:
    lines = ["id,size,town,copy,price,same"]
    for n in range(rows):
        town = ("Bern", "Oslo", "Rome")[n % 3]
        size = "" if n == 7 else str(30 + n)
        lines.append(f"{n},{size},{town},{'BOR'[n % 3]},{1000.5 * n + 7},1")
    path.write_text("\n".join(lines))


def test_a_table_is_described_by_its_columns_and_trains(tmp_path: Path) -> None:
    table(tmp_path / "homes.csv")
    told = found(tmp_path, "homes.csv", "--target", "price")
    kinds = {column["name"]: column["kind"] for column in told["columns"]}
    assert kinds == {
        "id": "identifier", "size": "number", "town": "category", "copy": "category",
        "price": "number", "same": "constant",
    }  # fmt: skip
    assert (told["task"], told["target"]) == ("regression", "price")
    text = (tmp_path / "homes.toml").read_text()
    assert 'drop = ["id", "same"]' in text
    assert 'missing = "mean"' in text
    assert "target_unit = 10000.0" in text
    assert trains(tmp_path, "homes.toml").ended.state == "finished"


def test_a_comma_before_the_decimals_is_told_from_one_before_thousands(tmp_path: Path) -> None:
    rows = [f"{n},{n % 7};{n},000;{'ab'[n % 2]}" for n in range(1, 40)]
    (tmp_path / "haus.csv").write_text("\n".join(["flaeche;preis;lage", *rows]))
    told = found(tmp_path, "haus.csv", "--target", "flaeche")
    assert [column["kind"] for column in told["columns"]] == ["number", "number", "category"]
    assert 'decimal = ","' in (tmp_path / "haus.toml").read_text()
    assert trains(tmp_path, "haus.toml").ended.state == "finished"
    (tmp_path / "money.csv").write_text("\n".join(["sum;kind", *(f"{n},000;a" for n in range(9))]))
    [amount, _kind] = found(tmp_path, "money.csv", "--target", "sum")["columns"]
    assert amount["kind"] == "category"


def test_a_table_in_another_encoding_is_read_once_that_is_named(tmp_path: Path) -> None:
    rows = "".join(f"{n % 7},{'Zürich' if n % 2 else 'Bern'}\n" for n in range(40))
    (tmp_path / "towns.csv").write_bytes(f"rooms,town\n{rows}".encode("cp1252"))
    refused = new(tmp_path, "new", "towns.csv", exit_code=1).stderr
    assert "towns.csv, line 3: it is not utf-8 text" in refused
    assert "--encoding" in refused
    assert list(found(tmp_path, "towns.csv", "--encoding", "cp1252")["classes"]) == [
        "Bern",
        "Zürich",
    ]
    assert 'encoding = "cp1252"' in (tmp_path / "towns.toml").read_text()


def test_a_column_that_tells_the_target_is_suspected_and_left_out(tmp_path: Path) -> None:
    table(tmp_path / "homes.csv")
    done = new(tmp_path, "new", "homes.csv", "--target", "town")
    assert "classification of town" in done.stdout
    [line] = [line for line in done.stdout.splitlines() if "suspected leak" in line]
    assert line.split()[0] == "copy"
    assert '"copy"' in (tmp_path / "homes.toml").read_text()
    assert trains(tmp_path, "homes.toml").ended.state == "finished"


def test_rows_of_a_validation_file_that_the_training_file_has_are_told(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    table(tmp_path / "own" / "train.csv")
    table(tmp_path / "own" / "val.csv", 10)
    done = new(tmp_path, "new", "own", "--target", "size")
    assert "leak: 10 rows of val.csv in the training file too" in done.stdout
    assert 'validation = "val.csv"' in (tmp_path / "own.toml").read_text()


def test_a_preset_that_is_there_is_overwritten_only_with_force(tmp_path: Path) -> None:
    table(tmp_path / "homes.csv")
    (tmp_path / "homes.toml").write_text("mine")
    refused = new(tmp_path, "new", "homes.csv", "--target", "price", exit_code=2)
    assert "homes.toml exists already: --force overwrites it" in refused.stderr
    assert (tmp_path / "homes.toml").read_text() == "mine"
    new(tmp_path, "new", "homes.csv", "--target", "price", "--force")
    assert 'name = "homes"' in (tmp_path / "homes.toml").read_text()


@pytest.mark.parametrize(
    ("make", "arguments", "expected"),
    [
        (lambda _: None, ("nowhere",), "nowhere: there is no such file or folder"),
        (lambda f: (f / "own").mkdir(), ("own",), "own is empty: it must have a folder"),
        (lambda f: write_classes(f / "own", {"a": 3}), ("own",), "has one class only, a"),
        (lambda f: write_classes(f / "own", {"a": 3}), ("own/a/0000.png",), "is one image"),
        (lambda f: table(f / "t.csv"), ("t.csv", "--target", "prise"), "did you mean price"),
        (lambda f: (f / "t.csv").write_text("a,b\n1,2\n"), ("t.csv",), "one value only in 1 row"),
        (lambda f: (f / "t.jsonl").write_text('{"text": "a", "label": "b"}\n' * 9), ("t.jsonl",),
         'data = {name = "jsonl"'),
        (lambda f: (f / "t.txt").write_text("Once.\n" * 9), ("t.txt",), "run char-gpt --set"),
        (lambda _: None, (os.devnull,), "is neither a file nor a folder"),
        (lambda f: write_classes(f / as_bytes(b"\xff"), {"a": 2, "b": 2}), (as_bytes(b"\xff"),),
         "is no UTF-8 text, which a preset can't hold"),
    ],
)  # fmt: skip
def test_what_can_not_be_trained_on_is_told_and_nothing_is_written(
    tmp_path: Path, make: Any, arguments: tuple[str, ...], expected: str
) -> None:
    make(tmp_path)
    done = new(tmp_path, "new", *arguments, exit_code=2 if "UTF-8" in expected else 1)
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.glob("*.toml"))
