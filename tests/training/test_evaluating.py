"""A checkpoint's model evaluated and asked, as the run's own evaluations have it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_breast_cancer

from tests.training.test_loop import Course
from tuitrain.config.load import parse_preset, to_toml
from tuitrain.errors import CheckpointError, DataUnavailableError, TuitrainError, UsageError
from tuitrain.training.evaluating.evaluate import evaluate_run
from tuitrain.training.evaluating.predict import predict
from tuitrain.training.inspection.answers import Inspected

TRAIN = """
[optimizer]
name = "adamw"
lr = 1e-2
[train]
threads = 1
batch_size = 16
epochs = 2
"""
IRIS = 'data = { name = "iris" }\nmodel = { name = "mlp", hidden = [8] }\n'
TASKS = {
    "classes": 'task = "classification"\n' + IRIS,
    "yes": 'task = "binary"\ndata = { name = "moons", samples = 100 }\nmodel = { name = "mlp" }\n',
    "numbers": 'task = "regression"\ndata = { name = "diabetes" }\nmodel = { name = "mlp" }\n',
    "pixels": 'task = "segmentation"\ndata = { name = "shapes", samples = 40 }\n'
    'model = { name = "unet" }\n',
    "tensors": 'task = "reconstruction"\ndata = { name = "digits" }\n'
    'model = { name = "conv_autoencoder" }\n',
    "tokens": 'task = "language_modelling"\ndata = { name = "text_file", path = "PATH", length = 16'
    ' }\nmodel = { name = "gpt", width = 16, layers = 1, heads = 2 }\n',
}
SENTENCE = "the quick brown fox jumps over the lazy dog. "


@dataclass
class Trained:
    """A run that was trained in this process."""

    course: Course
    config: str
    folder: Path

    def options(self, options: dict[str, Any]) -> tuple[Inspected, dict[str, Any]]:
        preset = parse_preset(options.pop("preset", self.config), "config.toml")
        checkpoint = next(iter((self.folder / "checkpoints").glob("last.pt")))
        given = {"checkpoint": str(checkpoint), "averaged": False, **options}
        return Inspected(preset, self.folder, lambda _text: None), given

    def evaluate(self, **options: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        arrays = self.folder / "samples.npz"
        defaults = {"arrays": str(arrays), "by": None, "place": None, "config": None}
        inspected, given = self.options({**defaults, **options})
        answer = evaluate_run(inspected, **given)
        with np.load(arrays) as archive:
            return answer, {name: archive[name] for name in archive.files}

    def predict(self, *sources: object, **options: Any) -> list[dict[str, Any]]:
        asked = {"sources": [str(each) for each in sources], "stdin": None, "top": 2, **options}
        inspected, given = self.options(asked)
        found: list[dict[str, Any]] = predict(inspected, **given)["predictions"]
        return found


def train(folder: Path, text: str, hooks: Sequence[str] = ()) -> Trained:
    folder.mkdir(exist_ok=True)
    named = "".join(f'[[hooks]]\nname = "{name}"\n' for name in hooks)
    preset = parse_preset(f'name = "judged"\n{text}{TRAIN}{named}', "judged.toml")
    config = to_toml(preset)
    return Trained(Course(folder, config), config, folder)


@pytest.mark.parametrize("kind", TASKS)
def test_an_evaluation_is_the_one_that_training_recorded(tmp_path: Path, kind: str) -> None:
    (tmp_path / "text.txt").write_text(SENTENCE * 30)
    run = train(tmp_path, TASKS[kind].replace("PATH", str(tmp_path / "text.txt")))
    answer, arrays = run.evaluate()
    assert answer["family"] == {"yes": "classes"}.get(kind, kind)
    assert answer["metrics"] == pytest.approx(run.course.last_evaluation, rel=1e-5)
    assert answer["step"] == run.course.ended.step
    weights = arrays["weight"]
    assert len(weights) == answer["samples"]
    mean = (arrays["loss"] * weights).sum() / weights.sum()
    assert mean == pytest.approx(answer["metrics"]["val/loss"], rel=1e-4)
    assert run.evaluate()[0]["fingerprint"] == answer["fingerprint"]


def test_a_loss_of_16_bits_has_its_interval_too(tmp_path: Path) -> None:
    run = train(tmp_path, TASKS["classes"])
    other = to_toml(parse_preset(run.config, "", ["train.precision=bf16"]))
    answer, arrays = run.evaluate(preset=other)
    assert arrays["loss"].mean() == pytest.approx(answer["metrics"]["val/loss"], rel=1e-3)


def test_averaged_weights_are_those_of_the_hook(tmp_path: Path) -> None:
    run = train(tmp_path, TASKS["classes"], ["ema"])
    answer, _arrays = run.evaluate(averaged=True)
    recorded = run.course.last_evaluation
    assert answer["weights"] == "ema"
    assert answer["metrics"]["val/loss"] == pytest.approx(recorded["ema/loss"], rel=1e-5)
    assert run.evaluate()[0]["metrics"]["val/loss"] == pytest.approx(recorded["val/loss"], rel=1e-5)
    plain = train(tmp_path / "plain", TASKS["classes"])
    with pytest.raises(UsageError, match="--ema: no hook"):
        plain.evaluate(averaged=True)


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    run = train(tmp_path, TASKS["classes"])
    other = to_toml(parse_preset(run.config, "", ["model.hidden=[9]"]))
    with pytest.raises(CheckpointError, match=r"model.name = mlp: the checkpoint's state does not"):
        run.evaluate(preset=other)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("pictures")
    draw(folder / "pictures", 12)
    text = (
        f'task = "classification"\ndata = {{ name = "image_folder", path = "{folder}/pictures", '
        'size = 8 }\nmodel = { name = "mlp", hidden = [8] }\n'
    )
    return train(folder, text)


def draw(folder: Path, number: int) -> None:
    """Write images that are told by how bright they are."""
    random = np.random.default_rng(number)
    for name, level in (("dark", 50), ("light", 200)):
        (folder / name).mkdir(parents=True)
        for each in range(number):
            pixels = level + random.integers(-40, 40, (9, 11, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{each}.png")


def test_images_are_predicted_in_order_and_a_broken_one_in_its_place(
    pictures: Trained, tmp_path: Path
) -> None:
    draw(tmp_path / "new", 2)
    (tmp_path / "new" / "dark" / "00.png").write_text("no image")
    one = tmp_path / "new" / "light" / "1.png"
    found = pictures.predict(one, tmp_path / "new")
    names = [Path(row["name"]).relative_to(tmp_path / "new").as_posix() for row in found]
    assert names == [
        "light/1.png", "dark/0.png", "dark/00.png", "dark/1.png", "light/0.png", "light/1.png",
    ]  # fmt: skip
    assert "is no image" in found[2]["error"]
    likeliest = [row["classes"][0]["class"] for row in found if "classes" in row]
    assert likeliest == ["light", "dark", "dark", "light", "light"]
    first, last = (row["classes"][0]["probability"] for row in (found[0], found[-1]))
    assert first == pytest.approx(last, rel=1e-5)
    assert sum(one["probability"] for one in found[0]["classes"]) == pytest.approx(1)


def test_an_image_is_made_grey_where_the_run_trained_on_grey_ones(tmp_path: Path) -> None:
    text = 'data = { name = "digits" }\nmodel = { name = "mlp", hidden = [4] }\n'
    run = train(tmp_path, f'task = "classification"\n{text}')
    draw(tmp_path / "new", 1)
    Image.new("L", (8, 8), 90).save(tmp_path / "new" / "grey.png")
    assert [len(row["classes"]) for row in run.predict(tmp_path / "new")] == [2, 2, 2]


def test_validation_images_are_predicted_as_they_are_evaluated(pictures: Trained) -> None:
    answer, arrays = pictures.evaluate()
    files = [pictures.folder / "pictures" / name for name in answer["names"]]
    shares = torch.from_numpy(arrays["scores"]).softmax(1).max(1).values.tolist()
    found = pictures.predict(*files)
    assert [row["classes"][0]["probability"] for row in found] == pytest.approx(shares, rel=1e-5)


def test_images_are_grouped_by_how_large_they_are_in_their_files(
    pictures: Trained, tmp_path: Path
) -> None:
    assert set(pictures.evaluate(by="size")[0]["groups"]) == {"9 to 16 px"}
    draw(tmp_path / "other", 2)
    Image.new("RGB", (256, 256)).save(tmp_path / "other" / "dark" / "0.png")
    answer, _arrays = pictures.evaluate(place=str(tmp_path / "other"), by="size")
    assert answer["groups"] == ["129 to 256 px", *["9 to 16 px"] * 3]


def test_other_images_are_judged_by_the_runs_classes(pictures: Trained, tmp_path: Path) -> None:
    draw(tmp_path / "other", 3)
    answer, arrays = pictures.evaluate(place=str(tmp_path / "other"))
    assert answer["samples"] == 6
    assert arrays["targets"].tolist() == [0, 0, 0, 1, 1, 1]
    assert answer["names"][3] == "light/0.png"
    assert answer["fingerprint"] != pictures.evaluate()[0]["fingerprint"]
    (tmp_path / "other" / "light").rename(tmp_path / "other" / "bright")
    with pytest.raises(DataUnavailableError, match="the folder bright, which is no class"):
        pictures.evaluate(place=str(tmp_path / "other"))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("table")
    extra = {"A": 0, "B": 100, "C": 300}
    rows = [f"{'ABC'[n % 3]},{20 + n},{20 + n + extra['ABC'[n % 3]]},{n}" for n in range(60)]
    (folder / "rent.csv").write_text("\n".join(["city,size,rent,id", *rows]) + "\n")
    text = (
        f'task = "regression"\ndata = {{ name = "csv", path = "{folder}/rent.csv", '
        'target = "rent", drop = ["id"] }\nmodel = { name = "mlp", hidden = [8] }\n'
    )
    return train(folder, text)


def test_rows_are_predicted_by_their_columns_names(table: Trained, tmp_path: Path) -> None:
    answer, arrays = table.evaluate(by="city")
    lines = (table.folder / "rent.csv").read_text().splitlines()
    held = [lines[int(name.removeprefix("line ")) - 1].split(",") for name in answer["names"]]
    assert answer["groups"] == [cells[0] for cells in held]
    other = tmp_path / "new.csv"
    other.write_text("size;city\n" + "".join(f"{c[1]};{c[0]}\n" for c in held))
    values = [row["values"][0] for row in table.predict(other)]
    assert values == pytest.approx(arrays["outputs"][:, 0].tolist(), rel=1e-5)
    assert [row["values"][0] for row in table.predict("-", stdin=str(other))] == values
    judged, _arrays = table.evaluate(place=str(table.folder / "rent.csv"))
    assert judged["samples"] == 60


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("city,rent\nA,3\n", "lacks the column size"),
        ("city,size\nA,big\n", "line 2, column size: 'big' is no number"),
        ("city,size\nA,\n", "line 2: column size has no value"),
        ("", "is empty"),
    ],
)
def test_a_table_that_does_not_fit_is_told_in_a_sentence(
    table: Trained, tmp_path: Path, text: str, fault: str
) -> None:
    (tmp_path / "new.csv").write_text(text)
    with pytest.raises(TuitrainError, match=fault):
        table.predict(tmp_path / "new.csv")


def test_a_data_set_that_is_gone_is_told_with_what_it_is_needed_for(
    table: Trained, tmp_path: Path
) -> None:
    other = to_toml(parse_preset(table.config, "", [f'data.path="{tmp_path}/gone.csv"']))
    with pytest.raises(DataUnavailableError, match=r"gone.csv: there is no such file \(the run's"):
        table.evaluate(preset=other)


def test_a_column_that_is_not_there_is_told_with_those_that_are(table: Trained) -> None:
    with pytest.raises(UsageError, match=r"--by town: .* it may be class, city, size, rent, id"):
        table.evaluate(by="town")


def test_samples_of_a_bundled_table_are_sliced_by_quarters_of_a_measure(tmp_path: Path) -> None:
    text = 'task = "classification"\ndata.name = "breast_cancer"\nmodel.name = "mlp"\n'
    run = train(tmp_path, text)
    answer, _arrays = run.evaluate(by="mean radius")
    counts = Counter(answer["groups"])
    assert len(counts) == 4
    assert max(counts.values()) - min(counts.values()) <= 2
    assert answer["names"][0].startswith("row ")
    radius = load_breast_cancer().data[int(answer["names"][0].split()[1]), 0]
    low, high = (float(edge) for edge in answer["groups"][0].split(" to "))
    assert low <= radius * 1.001
    assert radius <= high * 1.001


def test_texts_are_told_by_the_words_of_the_training_part(tmp_path: Path) -> None:
    rows = [f'"{"good day" if n % 2 else "bad night"} {n}",{n % 2}' for n in range(60)]
    (tmp_path / "texts.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    text = (
        f'task = "classification"\ndata = {{ name = "text_csv", path = "{tmp_path}/texts.csv", '
        'length = 4 }\nmodel = { name = "gru", width = 8 }\n'
    )
    run = train(tmp_path, text)
    (tmp_path / "new.txt").write_text("A good day!\n\nbad night, bad\n")
    found = run.predict(tmp_path / "new.txt")
    assert [row["name"] for row in found] == ["A good day!", "bad night, bad"]
    assert {one["class"] for row in found for one in row["classes"]} == {"0", "1"}
    answer, arrays = run.evaluate(place=str(tmp_path / "texts.csv"))
    assert answer["samples"] == 60
    assert arrays["targets"].tolist() == [n % 2 for n in range(60)]


def test_the_next_character_of_a_text_is_predicted(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(SENTENCE * 30)
    run = train(tmp_path, TASKS["tokens"].replace("PATH", str(tmp_path / "text.txt")))
    (tmp_path / "new.txt").write_text("the quick brown fox jum\nfo\n")
    found = run.predict(tmp_path / "new.txt")
    assert [len(row["classes"]) for row in found] == [2, 2]
    assert all(len(one["class"]) == 1 for row in found for one in row["classes"])


def test_other_settings_of_the_data_give_another_part_prepared_as_in_the_run(
    tmp_path: Path,
) -> None:
    run = train(tmp_path, TASKS["classes"])
    other = to_toml(parse_preset(run.config, "", ["data.validation_fraction=0.5"]))
    answer, _arrays = run.evaluate(config=other)
    assert answer["samples"] == 75
    assert answer["fingerprint"] != run.evaluate()[0]["fingerprint"]
