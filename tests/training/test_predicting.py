"""Predictions that are images or go on with a series, and what is drawn and written of them."""

import base64
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.training.test_evaluating import TASKS, Trained, draw, train
from tuitrain.errors import DataUnavailableError, UsageError
from tuitrain.training.build import TrainingComponents
from tuitrain.training.data.sources import raw_samples


def saved(parts: TrainingComponents, folder: Path, number: int) -> list[Path]:
    """Write the run's first validation images as files."""
    folder.mkdir()
    inputs, _targets = raw_samples(parts.data.validation, range(number))
    files = [folder / f"{place}.png" for place in range(number)]
    for image, file in zip(inputs, files, strict=True):
        Image.fromarray(image[0].numpy()).save(file)
    return files


def pixels_in(path: Path | str) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(tmp_path_factory.mktemp("shapes"), TASKS["pixels"])


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(tmp_path_factory.mktemp("digits"), TASKS["tensors"])


def test_a_mask_is_told_in_shares_and_written_with_the_numbers_of_its_classes(
    shapes: Trained, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    one, other = saved(shapes.course.parts, tmp_path / "in" / "a", 2)
    (tmp_path / "in" / "b").mkdir()
    other = other.rename(tmp_path / "in" / "b" / "0.png")
    out = tmp_path / "out"
    rows = shapes.predict(tmp_path / "in", one, one, out=str(out), show=1)
    parts = shapes.course.parts
    prepared = parts.data.preparation.evaluate(raw_samples(parts.data.validation, range(2))[0])
    with torch.no_grad():
        masks = parts.model.eval()(prepared).argmax(1)
    names = ["a/0", "b/0", "0", "0-2"]
    for row, mask, name in zip(rows, masks[[0, 1, 0, 0]], names, strict=True):
        assert row["files"] == [str(out / f"{name}-mask.png"), str(out / f"{name}-over.png")]
        assert np.array_equal(pixels_in(row["files"][0]), mask.numpy())
        assert pixels_in(row["files"][1]).shape == (*mask.shape, 3)
        assert [each["share"] for each in row["shares"]] == sorted(
            (float((mask == n).float().mean()) for n in mask.unique()), reverse=True
        )
    assert [each["name"] for each in rows[0]["pictures"]] == ["input", "mask"]
    assert all("pictures" not in row for row in rows[1:])
    pixels = base64.b64decode(rows[0]["pictures"][0]["data"])
    assert pixels == pixels_in(one).tobytes()


def test_a_reconstruction_is_judged_as_in_an_evaluation_and_written_in_the_inputs_values(
    digits: Trained, tmp_path: Path
) -> None:
    files = saved(digits.course.parts, tmp_path / "in", 3)
    rows = digits.predict(*files, out=str(tmp_path / "out"), show=2)
    parts = digits.course.parts
    raw, _targets = raw_samples(parts.data.validation, range(3))
    prepared = parts.data.preparation.evaluate(raw)
    with torch.no_grad():
        outputs = parts.model.eval()(prepared)
    errors = (outputs - prepared).square().flatten(1).mean(1)
    assert [row["mse"] for row in rows] == pytest.approx(errors.tolist(), rel=1e-4)
    written = pixels_in(rows[0]["files"][0])
    wanted = parts.data.preparation.restore(outputs)[0, 0].clamp(0, 255).round()
    assert np.abs(written.astype(int) - wanted.numpy()).max() <= 1
    assert [each["name"] for each in rows[1]["pictures"]] == ["input", "reconstruction"]


def test_a_series_goes_on_in_its_own_units(tmp_path: Path) -> None:
    values = [100 + 20 * np.sin(n / 5) for n in range(300)]
    lines = ["time,level", *(f"{n},{value:.6f}" for n, value in enumerate(values))]
    (tmp_path / "level.csv").write_text("\n".join(lines) + "\n")
    text = (
        f'task = "regression"\ndata = {{ name = "series_csv", path = "{tmp_path}/level.csv", '
        'column = "level", window = 12, horizon = 2, normalize = false }\n'
        'model = { name = "linear" }\n'
    )
    run = train(tmp_path, text)
    (row,) = run.predict(tmp_path / "level.csv")
    parts = run.course.parts
    last = parts.data.reader.read([str(tmp_path / "level.csv")])  # type: ignore[union-attr]
    with torch.no_grad():
        scaled = parts.model.eval()(parts.data.preparation.evaluate(last))
    first = np.array([float(f"{value:.6f}") for value in values[:240]])
    wanted = scaled.numpy()[0] * first.std() + first.mean()
    assert row["name"] == str(tmp_path / "level.csv")
    assert row["values"] == pytest.approx(wanted.tolist(), rel=1e-5)
    answer, _arrays = run.evaluate(place=str(tmp_path / "level.csv"))
    assert answer["samples"] == 300 - 12 - 2 + 1
    (tmp_path / "short.csv").write_text("level\n1\n2\n")
    with pytest.raises(DataUnavailableError, match="has 2 values, 12 are needed"):
        run.predict(tmp_path / "short.csv")
    with pytest.raises(UsageError, match="--show: it draws images, the run takes series"):
        run.predict(tmp_path / "level.csv", show=1)


def test_a_class_is_not_written_as_an_image(tmp_path: Path) -> None:
    run = train(tmp_path, 'task = "classification"\ndata = { name = "digits" }\n'
                'model = { name = "mlp", hidden = [4] }\n')  # fmt: skip
    draw(tmp_path / "new", 1)
    with pytest.raises(UsageError, match="--out: task = classification makes no images"):
        run.predict(tmp_path / "new", out=str(tmp_path / "out"))
    first, _second = run.predict(tmp_path / "new", show=8)
    (picture,) = first["pictures"]
    assert (picture["width"], picture["height"], picture["channels"]) == (8, 8, 1)
