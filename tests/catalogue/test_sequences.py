"""Sequences, texts, autoencoders and segmentation: every preset trains, resumes and is measured."""

import math
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.test_hooks import resumed
from tests.training.test_loop import Course
from tuitrain.components import DataContext, DataSpec, Samples, Splits, registry
from tuitrain.components.generation import generate
from tuitrain.components.vocabulary import PADDING, UNKNOWN
from tuitrain.config.folders import built_in_preset_directory
from tuitrain.config.load import load_preset, to_toml
from tuitrain.errors import DataUnavailableError, TrainingError
from tuitrain.training.checkpoints.files import load_checkpoint
from tuitrain.training.memory.footprint import estimate_footprint
from tuitrain.training.profiling.flops import count_work

FIGURES = tomllib.loads((Path(__file__).parent / "sequences.toml").read_text("utf-8"))
AT_HAND = [name for name, figure in FIGURES.items() if "needs" not in figure]
SMALL = {
    "char-gpt": ("model.width=16", "model.layers=1", "data.stride=500", "data.length=16"),
    "segments": ("data.samples=40", "model.channels=[4, 8]"),
    "sine": ("data.points=300",),
    "text": ("data.length=12", "model.width=16"),
}
"""What makes a preset quick, by the beginning of its name."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that holds the texts of Python's modules: reading them takes seconds."""
    folder = tmp_path_factory.mktemp("data")
    registry.dataset.find("python_docs")(DataContext(folder, lambda _text: None))
    return folder


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def config_of(name: str, *overrides: str) -> str:
    path = built_in_preset_directory() / f"{name}.toml"
    return to_toml(load_preset(path, ("train.threads=1", *overrides)))


def small(name: str, *overrides: str) -> str:
    quick = next((more for start, more in SMALL.items() if name.startswith(start)), ())
    return config_of(name, "schedule.warmup_steps=0", *quick, *overrides)


def folder_with_texts(folder: Path, data: Path) -> Path:
    for file in data.iterdir():
        shutil.copy(file, folder)
    return folder


@pytest.mark.parametrize("name", AT_HAND)
def test_every_preset_trains_is_evaluated_and_is_accounted_for(
    tmp_path: Path, data: Path, name: str
) -> None:
    course = Course(folder_with_texts(tmp_path, data), small(name, "train.max_steps=2"))
    assert (course.ended.state, course.ended.step) == ("finished", 2)
    task = course.parts.task
    assert {"val/loss", *(f"val/{each}" for each in task.metrics)} == set(course.last_evaluation)
    assert all(math.isfinite(value) for value in course.last_evaluation.values())
    assert len(course.points(f"train/{task.train_metric}")) == 2
    work = count_work(course.parts)
    assert work is not None
    assert work.flops_per_sample > 0
    footprint = estimate_footprint(course.parts, course.parts.preset.train.batch_size)
    assert footprint.activations_bytes


@pytest.mark.parametrize("name", ["sine-lstm"])
def test_the_quickest_preset_reaches_its_figure(tmp_path: Path, name: str) -> None:
    course = Course(tmp_path, config_of(name))
    assert course.last_evaluation[FIGURES[name]["metric"]] <= FIGURES[name]["reached"]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("char-gpt", ("model.dropout=0.1", "train.batch_size=32")),
        ("segments", ("train.batch_size=4",)),
        ("digits-autoencoder", ("train.batch_size=256",)),
        ("text-lstm", ("train.batch_size=512",)),
        ("text-transformer", ("train.batch_size=512",)),
        ("sine-gru", ("train.batch_size=32",)),
    ],
)
def test_a_run_goes_on_exactly(
    tmp_path: Path, data: Path, name: str, options: tuple[str, ...]
) -> None:
    course = (*options, "train.max_steps=9", "checkpoint.every_steps=4", "checkpoint.keep=9")
    config = small(name, *course, "train.epochs=9")
    Course(folder_with_texts(tmp_path, data), config)
    whole = load_checkpoint(tmp_path / "checkpoints" / "last.pt")
    again, _points = resumed(tmp_path, config, 4)
    assert (whole["step"], again["step"]) == (9, 9)
    assert again["digest"] == whole["digest"]
    assert again["metrics"] == whole["metrics"]


# --- data sets ------------------------------------------------------------------------------------


def load(name: str, folder: Path, **options: Any) -> Splits:
    found = registry.dataset.find(name)(DataContext(folder, lambda _text: None), **options)
    assert isinstance(found, Splits)
    return found


def tensors(splits: Splits) -> tuple[Samples, Samples]:
    assert isinstance(splits.train, Samples)
    assert isinstance(splits.validation, Samples)
    return splits.train, splits.validation


def write_texts(folder: Path, name: str) -> dict[str, Any]:
    """Write 20 texts of two labels as CSV or JSON lines; return the options that read them."""
    rows = [(f"Good, {'really ' * (n % 3)}good n{n}", 10) for n in range(10)]
    rows += [(f'A "bad"\nthing, n{n}', 9) for n in range(10)]
    if name == "text_csv":
        lines = ['{},"{}"'.format(label, text.replace('"', '""')) for text, label in rows]
        (folder / "texts").write_text("stars,review\n" + "\n".join(lines), "utf-8-sig")
    else:
        import json

        lines = [json.dumps({"stars": label, "review": text}) for text, label in rows]
        (folder / "texts").write_text("\n\n".join(lines))
    return {"path": "texts", "text": "review", "label": "stars"}


@pytest.mark.parametrize("name", ["text_csv", "jsonl"])
def test_labelled_texts_become_padded_tokens_of_the_training_parts_words(
    tmp_path: Path, name: str
) -> None:
    options = write_texts(tmp_path, name)
    splits = load(name, tmp_path, **options, length=4)
    train, held = tensors(splits)
    assert (splits.classes, splits.kind) == (("9", "10"), "tokens")
    assert (tuple(train.inputs.shape), tuple(held.inputs.shape)) == ((16, 4), (4, 4))
    assert held.targets.bincount().tolist() == [2, 2]
    # good, a, bad, thing and really; n0 to n9 occur in two texts, but not always in this part.
    assert splits.vocabulary is not None
    assert int(train.inputs.max()) < splits.vocabulary
    assert (train.inputs == PADDING).any()
    bad = train.inputs[train.targets == 0]
    assert len({tuple(row[:3]) for row in bad.tolist()}) == 1
    again = tensors(load(name, tmp_path, **options, length=4))
    assert torch.equal(again[0].inputs, train.inputs)


@pytest.mark.parametrize("name", ["text_csv", "jsonl"])
def test_a_validation_file_is_held_against_the_training_parts_words_and_labels(
    tmp_path: Path, name: str
) -> None:
    options = write_texts(tmp_path, name)
    other = tmp_path / "held"
    header, line = "stars,review\n", '9,"a bad omen"'
    if name == "jsonl":
        header, line = "", '{"stars": "9", "review": "a bad omen"}'
    other.write_text(header + line)
    splits = load(name, tmp_path, **options, validation_path="held", length=4)
    train, held = tensors(splits)
    assert (len(train), held.inputs[0, 2:].tolist()) == (20, [UNKNOWN, PADDING])
    other.write_text(header + line.replace("9", "8"))
    with pytest.raises(TrainingError, match=r"has the label '8', which .*texts does"):
        load(name, tmp_path, **options, validation_path="held")


@pytest.mark.parametrize(
    ("name", "text", "options", "error", "said"),
    [
        ("text_csv", None, {}, DataUnavailableError, "there is no file .*absolute or relative to"),
        ("text_csv", "a,b\n1,2", {}, TrainingError, "data.text = text: .* has the columns a, b"),
        ("text_csv", "text,label\nx,", {}, TrainingError, "line 2: the label is ''"),
        ("text_csv", "text,label\nx\n", {}, TrainingError, "line 2: the label is None"),
        ("text_csv", "text,label\nx,a\ny,a", {}, TrainingError, "has 1 different labels"),
        ("text_csv", "text,label\nx,a\ny,b", {}, TrainingError, "too few rows"),
        ("jsonl", '{"text": "x"}', {}, TrainingError, "data.label = label: .* line 1 has"),
        ("jsonl", '{"text": 3, "label": 1}', {}, TrainingError, "the text is 3, it must be a str"),
        ("jsonl", "{", {}, TrainingError, "line 1: no JSON"),
        ("jsonl", "[1]", {}, TrainingError, "line 1: it must be one JSON object a line"),
        ("text_file", "x" * 50, {}, TrainingError, "has 50 characters: with data.length = 128"),
        ("series_csv", "a\n1\nx", {"column": "a"}, TrainingError, "line 3: a is 'x', it must be a"),
        ("series_csv", "a\n1", {"column": "b"}, TrainingError, "data.column = b: .* has a"),
        ("series_csv", "a\n1\n2", {"column": "a"}, TrainingError, "the training part has 1 values"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_fit_is_told_with_its_place(
    tmp_path: Path,
    name: str,
    text: str | None,
    options: dict[str, Any],
    error: type[Exception],
    said: str,
) -> None:
    if text is not None:
        (tmp_path / "file").write_text(text)
    with pytest.raises(error, match=said):
        load(name, tmp_path, path="file", **options)


def test_a_texts_end_is_held_out_and_its_new_characters_are_unknown(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("abcd" * 25 + "dé" * 10)
    splits = load("text_file", tmp_path, path="text", length=4, validation_fraction=1 / 6)
    train, held = tensors(splits)
    assert splits.classes == ("\N{REPLACEMENT CHARACTER}", "a", "b", "c", "d")
    assert splits.vocabulary == 5
    assert train.inputs[0].tolist() == [1, 2, 3, 4]
    assert train.targets[0].tolist() == [2, 3, 4, 1]
    assert held.inputs[0].tolist() == [4, 0, 4, 0]
    assert (train.inputs.dtype, len(train)) == (torch.uint8, 24)
    tight = tensors(load("text_file", tmp_path, path="text", length=4, stride=1))[0]
    assert len(tight) > 80


def test_no_window_of_a_series_reaches_over_the_time_it_is_cut_at(tmp_path: Path) -> None:
    rows = "\n".join(f"{n},{-n}" for n in range(100))
    (tmp_path / "series.csv").write_text(f"day,cost\n{rows}")
    options: dict[str, Any] = {"path": "series.csv", "column": "day", "also": ["cost"]}
    splits = load(
        "series_csv", tmp_path, **options, standardize=False, window=5, horizon=2
    )  # fmt: skip
    train, held = tensors(splits)
    assert (splits.kind, tuple(train.inputs.shape)) == ("series", (74, 5, 2))
    assert train.inputs[3].tolist() == [[float(n), float(-n)] for n in range(3, 8)]
    assert train.targets[3].tolist() == [8, 9]
    assert int(train.targets.max()) == 79
    assert int(held.inputs[..., 0].min()) == 80
    assert int(held.targets.max()) == 99
    scaled = tensors(load("series_csv", tmp_path, **options, window=5))[0]
    assert scaled.inputs[..., 0].max() < 2


def test_a_series_is_normalised_by_feature_not_by_place(tmp_path: Path) -> None:
    course = Course(tmp_path, small("sine-lstm", "train.max_steps=1", "data.amplitude=50.0"))
    [batch] = course.parts.batches(0).step(0)
    assert batch.inputs.abs().max() < 2


# --- models ---------------------------------------------------------------------------------------

TOKENS = DataSpec((12,), 3, kind="tokens", vocabulary=20)


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn", "transformer"])
def test_padding_changes_nothing_about_a_text(name: str) -> None:
    torch.manual_seed(0)
    model = registry.model.find(name)(TOKENS).eval()
    tokens = torch.randint(2, 20, (4, 12))
    tokens[:, 7:] = PADDING
    whole = model(tokens)
    if name == "transformer":
        model.positions = torch.nn.Parameter(model.positions[:7])
    assert torch.allclose(whole, model(tokens[:, :7]), atol=1e-5)
    nothing = torch.zeros(2, tokens.shape[1] if name != "transformer" else 7, dtype=torch.int64)
    assert torch.isfinite(model(nothing)).all()


@pytest.mark.parametrize("tied", [True, False])
def test_a_gpt_sees_nothing_of_what_comes_later(tied: bool) -> None:
    spec = DataSpec((12,), 20, kind="tokens", vocabulary=20, target_shape=(12,))
    model = registry.model.find("gpt")(spec, width=16, layers=2, heads=2, tied=tied).eval()
    tokens = torch.randint(0, 20, (1, 12))
    other = tokens.clone()
    other[:, 8:] = (other[:, 8:] + 1) % 20
    difference = (model(tokens) - model(other)).abs().amax(2)[0]
    assert difference[:8].max() < 1e-6
    assert difference[8:].min() > 0


def test_a_continued_text_follows_from_its_seed_and_moves_no_generator() -> None:
    spec = DataSpec((8,), 20, kind="tokens", vocabulary=20, target_shape=(8,))
    model = registry.model.find("gpt")(spec, width=16, layers=1, heads=2, dropout=0.5)
    prompt, state = torch.tensor([3, 4]), torch.get_rng_state()
    texts = [
        generate(model, prompt, 20, length=8, temperature=heat, seed=seed)
        for heat, seed in ((1.0, 1), (1.0, 1), (1.0, 2), (0.0, 1), (0.0, 2))
    ]
    assert all(len(text) == 20 for text in texts)
    assert torch.equal(texts[0], texts[1])
    assert not torch.equal(texts[0], texts[2])
    assert torch.equal(texts[3], texts[4])
    assert torch.equal(torch.get_rng_state(), state)
    assert all(module.training for module in model.modules())


@pytest.mark.parametrize("way", ["transposed", "nearest"])
@pytest.mark.parametrize("size", [(8, 8), (13, 10), (28, 28)])
@pytest.mark.parametrize("name", ["conv_autoencoder", "unet"])
def test_an_image_comes_back_in_its_size(name: str, size: tuple[int, int], way: str) -> None:
    spec = DataSpec((3, *size), 3 * size[0] * size[1], target_shape=(3, *size))
    model = registry.model.find(name)(spec, channels=[4, 6, 8], upsampling=way)
    assert tuple(model(torch.rand(2, 3, *size)).shape) == (2, 3, *size)


@pytest.mark.parametrize(
    ("name", "spec", "said"),
    [
        ("lstm", DataSpec((3, 8, 8), 10, kind="image"), "needs tokens .* or a series"),
        ("transformer", DataSpec((8, 1), 1, kind="series"), "needs tokens"),
        ("transformer", TOKENS, "model.width = 64 must be a multiple of model.heads = 5"),
        ("gpt", TOKENS, "with a target for each of them"),
        ("conv_autoencoder", DataSpec((3, 8, 8), 10), "images of the same size as targets"),
        ("unet", DataSpec((3, 2, 2), 2, target_shape=(2, 2)), "few enough for 2x2 pixels"),
    ],
)
def test_data_that_a_model_is_not_for_are_refused(name: str, spec: DataSpec, said: str) -> None:
    options = {"heads": 5} if "heads" in said else {}
    with pytest.raises(TrainingError, match=said):
        registry.model.find(name)(spec, **options)
