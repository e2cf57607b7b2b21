"""Validation samples by their numbers, as they are drawn beside what a model made of them."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.datasets import load_iris

from tuitrain.components.data import DataContext, Samples
from tuitrain.config.load import parse_preset
from tuitrain.errors import UsageError
from tuitrain.training.data.build import build_data
from tuitrain.training.evaluating.samples import validation_samples
from tuitrain.training.inspection.answers import Inspected
from tuitrain.training.task import find_task

CLASSES = 'name = "any"\ntask = "classification"\nmodel = { name = "mlp" }\n'
TEXT = (
    'name = "any"\ntask = "language_modelling"\nmodel = { name = "gpt" }\n'
    'data = { name = "text_file", path = "PATH", length = 16 }\n'
)


def ask(folder: Path, preset: str, numbers: Sequence[int], side: int = 64) -> list[dict[str, Any]]:
    inspected = Inspected(parse_preset(preset, "config.toml"), folder, lambda _text: None)
    samples: list[dict[str, Any]]
    samples = validation_samples(inspected, numbers=numbers, side=side)["samples"]
    return samples


def held(folder: Path, preset: str) -> Samples:
    """Return the validation part as training has it."""
    parsed = parse_preset(preset, "config.toml")
    task = find_task(parsed.task)
    context = DataContext(folder, lambda _text: None, has_classes=True, task=task.name)
    found = build_data(parsed, task, torch.device("cpu"), context).validation
    assert isinstance(found, Samples)
    return found


def test_images_are_those_of_the_set_in_the_order_asked_for(tmp_path: Path) -> None:
    preset = CLASSES + 'data = { name = "digits" }\n'
    validation = held(tmp_path, preset)
    found = ask(tmp_path, preset, [5, 0])
    assert [sample["number"] for sample in found] == [5, 0]
    for sample in found:
        image = sample["image"]
        assert (image["width"], image["height"], image["channels"]) == (8, 8, 1)
        pixels = base64.b64decode(image["data"])
        raw = validation.inputs[sample["number"]].double().flatten()
        assert pixels.index(max(pixels)) == int(raw.argmax())
        assert sample["target"] == str(int(validation.targets[sample["number"]]))


def test_an_image_is_no_larger_than_asked_for(tmp_path: Path) -> None:
    (sample,) = ask(tmp_path, CLASSES + 'data = { name = "digits" }\n', [1], side=4)
    assert (sample["image"]["width"], sample["image"]["height"]) == (4, 4)


def test_a_row_has_its_values_not_normalised(tmp_path: Path) -> None:
    (sample,) = ask(tmp_path, CLASSES + 'data = { name = "iris" }\n', [2])
    rows = load_iris().data.tolist()
    assert any(row == pytest.approx(sample["values"]) for row in rows)


def test_a_text_has_its_words_and_what_was_wanted(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("the quick brown fox jumps over the lazy dog. " * 40)
    (sample,) = ask(tmp_path, TEXT.replace("PATH", str(path)), [0])
    assert sample["target_text"][:-1] == sample["text"][1:]


def test_a_table_of_ones_own_has_its_cells(tmp_path: Path) -> None:
    path = tmp_path / "pets.csv"
    rows = [f"{n},{n % 7},{'cat' if n % 2 else 'dog'}" for n in range(40)]
    path.write_text("weight,age,kind\n" + "\n".join(rows) + "\n")
    preset = CLASSES + f'data = {{ name = "csv", path = "{path}", target = "kind" }}\n'
    (sample,) = ask(tmp_path, preset, [3])
    assert set(sample["columns"]) >= {"weight", "age"}
    assert sample["target"] in ("cat", "dog")


def test_numbers_beyond_the_part_are_of_another_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it is another one than was evaluated"):
        ask(tmp_path, CLASSES + 'data = { name = "iris" }\n', [4000])
    assert ask(tmp_path, CLASSES + 'data = { name = "iris" }\n', []) == []
