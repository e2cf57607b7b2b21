"""A checkpoint asked where its data set is gone: what is read and prepared stays the same."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.test_evaluating import SENTENCE, TASKS, Trained, draw, train
from tuitrain.components.data import DataSpec
from tuitrain.components.models.torchvision import torchvision_classifier
from tuitrain.config.load import parse_preset
from tuitrain.errors import DataUnavailableError, TrainingError
from tuitrain.training.checkpoints.files import load_checkpoint
from tuitrain.training.data.description import DataDescription

IMAGES = """
task = "classification"
model = { name = "whitened_cnn", widths = [4, 4, 4] }
loss = { name = "cross_entropy", class_weights = "balanced" }
[data]
name = "image_folder"
path = "PLACE/data/pictures"
size = [12, 10]
resize = "pad"
augment = [{ name = "flip" }, { name = "resize", size = 16 }]
"""
ROWS = """
task = "regression"
model = { name = "table_mlp", hidden = [8] }
[data]
name = "csv"
path = "PLACE/data/rent.csv"
target = ["rent", "heating"]
encode = "codes"
missing = "mean"
decimal = ","
"""
CLASSES = """
task = "binary"
data = { name = "csv", path = "PLACE/data/rent.csv", target = "large", missing = "drop" }
model = { name = "mlp", hidden = [8] }
"""
WORDS = """
task = "classification"
data = { name = "jsonl", path = "PLACE/data/texts.jsonl", label = "kind", length = 4 }
model = { name = "gru", width = 8 }
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with data of each kind, and what is predicted and judged beside them."""
    folder = tmp_path
    draw(folder / "data" / "pictures", 8)
    draw(folder / "images", 3)
    rows = [
        f"{'ABC'[n % 3]};{'' if n % 7 == 3 else f'{20 + n},5'};{500 + n},25;{n};{'ny'[n % 2]}"
        for n in range(40)
    ]
    table = "\n".join(["city;size;rent;heating;large", *rows]) + "\n"
    (folder / "data" / "rent.csv").write_text(table)
    (folder / "rows.csv").write_text(table.replace("B;", "D;", 3))
    whole = [row for row in rows if ";;" not in row]
    (folder / "classes.csv").write_text("\n".join(["city;size;rent;heating;large", *whole]))
    words = [f"{'good' if n % 2 else 'bad'} day {n}" for n in range(60)]
    lines = [json.dumps({"text": text, "kind": n % 2}) for n, text in enumerate(words)]
    (folder / "data" / "texts.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "more.jsonl").write_text("\n".join(lines[:20]) + "\n")
    (folder / "lines.txt").write_text("A good day\nbad\n")
    (folder / "data" / "text.txt").write_text(SENTENCE * 30)
    return folder


CASES = {
    "images": (IMAGES, "images", "images"),
    "rows": (ROWS, "rows.csv", "rows.csv"),
    "classes": (CLASSES, "classes.csv", "classes.csv"),
    "words": (WORDS, "lines.txt", "more.jsonl"),
    "characters": (TASKS["tokens"].replace("PATH", "PLACE/data/text.txt"), "lines.txt", None),
}


@pytest.mark.parametrize("kind", CASES)
def test_predictions_are_the_same_to_the_bit_without_the_data_set(place: Path, kind: str) -> None:
    text, source, judged = CASES[kind]
    run = train(place / "run", text.replace("PLACE", str(place)))
    older_form(run)
    before = run.predict(place / source)
    answer, arrays = run.evaluate(place=str(place / judged)) if judged else ({}, {})
    newer_form(run)
    shutil.rmtree(place / "data")
    assert run.predict(place / source) == before
    if judged is None:
        return
    without, kept = run.evaluate(place=str(place / judged))
    assert without["metrics"] == answer["metrics"]
    assert without["fingerprint"] == answer["fingerprint"]
    assert kept.keys() == arrays.keys()
    assert all(np.array_equal(arrays[name], kept[name]) for name in arrays)


def older_form(run: Trained) -> None:
    """Take the description of the data out of the checkpoint, which earlier ones did not have."""
    link = run.folder / "checkpoints" / "last.pt"
    state = load_checkpoint(link)
    shutil.copy(link.resolve(), run.folder / "newer.pt")
    del state["data"]
    torch.save(state, link.resolve())


def newer_form(run: Trained) -> None:
    shutil.move(run.folder / "newer.pt", (run.folder / "checkpoints" / "last.pt").resolve())


def test_a_checkpoint_of_an_older_form_needs_the_data_set(place: Path) -> None:
    run = train(place / "run", ROWS.replace("PLACE", str(place)))
    older_form(run)
    shutil.rmtree(place / "data")
    fault = r"\(the run's data set is needed for its statistics, classes and vocabulary\)"
    with pytest.raises(DataUnavailableError, match=fault):
        run.predict(place / "rows.csv")


def test_an_evaluation_on_the_runs_own_part_needs_the_data_set(place: Path) -> None:
    run = train(place / "run", ROWS.replace("PLACE", str(place)))
    moved = (place / "data").rename(place / "moved")
    with pytest.raises(DataUnavailableError, match=r"\(the run's data set is needed\)$"):
        run.evaluate()
    other = run.config.replace(str(place / "data"), str(moved))
    assert run.evaluate(config=other)[0]["samples"] == 8


OWN = """
import json
from pathlib import Path
import torch
from torch import nn
from tuitrain.components import DataContext, DataSpec, Samples, Splits

class Reader:
    takes = "texts"
    def __init__(self, scale):
        self.scale = scale
    def read(self, items):
        return torch.tensor([[float(item) * self.scale] for item in items])
    def labelled(self, path):
        raise NotImplementedError

class Portable(Reader):
    def state(self):
        return {"scale": self.scale}
    @classmethod
    def from_state(cls, state):
        return cls(state["scale"])

class Wrong(Portable):
    def state(self):
        return {"scale": torch.ones(1)}

def numbers(context: DataContext, *, path: str, reader: str) -> Splits:
    scale = json.loads(Path(path).read_text())
    x = torch.linspace(0, 1, 40)[:, None]
    part = Samples(x, x[:, 0])
    return Splits(part, part, reader=globals()[reader](scale))

def looking(spec: DataSpec) -> nn.Module:
    network = nn.Linear(1, 1)
    network.seen = float(spec.examples(4).mean())
    return network
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return a run on own code, of which the reader's class and the model are left open."""
    (tmp_path / "own_numbers.py").write_text(OWN)
    (tmp_path / "scale.json").write_text("0.5")
    (tmp_path / "new.txt").write_text("1\n2\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield (
        f'task = "regression"\ndata = {{ name = "own_numbers:numbers", reader = "READER", '
        f'path = "{tmp_path}/scale.json" }}\nmodel = {{ MODEL }}\n'
    )
    del sys.modules["own_numbers"]


@pytest.mark.parametrize(
    ("reader", "model", "needs_data"),
    [
        ("Reader", 'name = "mlp"', True),
        ("Portable", 'name = "mlp"', False),
        ("Portable", 'name = "own_numbers:looking"', True),
    ],
    ids=["a reader without state", "one with it", "a model that looks at samples"],
)
def test_own_code_that_can_not_be_made_again_needs_the_data_set(
    own: str, tmp_path: Path, reader: str, model: str, needs_data: bool
) -> None:
    run = train(tmp_path / "run", own.replace("READER", reader).replace("MODEL", model))
    before = run.predict(tmp_path / "new.txt")
    (tmp_path / "scale.json").write_text("5")
    assert (run.predict(tmp_path / "new.txt") != before) == needs_data


def test_a_reader_whose_state_is_no_json_is_told_before_the_first_step(
    own: str, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=r"own_numbers:numbers: the state of its reader Wrong"):
        train(tmp_path / "run", own.replace("READER", "Wrong").replace("MODEL", 'name = "mlp"'))


def test_a_description_reads_back_as_it_was(place: Path) -> None:
    run = train(place / "run", IMAGES.replace("PLACE", str(place)))
    text = load_checkpoint(run.folder / "checkpoints" / "last.pt")["data"]
    name = parse_preset(run.config, "config.toml").data.name
    described = DataDescription.from_json(text, name)
    assert described.to_json(name) == text
    assert (described.input_shape, described.classes) == ((3, 12, 10), ("dark", "light"))
    inputs = described.made_up_inputs(4)
    assert (inputs.shape, inputs.dtype) == ((4, 3, 12, 10), torch.uint8)


def test_weights_that_a_checkpoint_brings_are_not_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    spec = DataSpec((3, 32, 32), 5, "image", restored=True)
    network = torchvision_classifier(spec, "squeezenet1_1", pretrained=True)
    assert network.eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 5)
    assert network.input_statistics is not None
    assert not list(tmp_path.iterdir())
