"""What each task shows of validation samples: texts as text, images in the data's own values."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.test_hooks import decoded_image
from tests.training.test_loop import Course
from tuitrain.components import Samples, Task, TokenTexts
from tuitrain.components.pictures import class_colours
from tuitrain.components.tasks.segmentation import Segmentation
from tuitrain.config.folders import built_in_preset_directory
from tuitrain.config.load import load_preset, to_toml

HOOK = 'hooks=[{ name = "samples", number = 2 }]'
QUICK = ("train.threads=1", "train.max_steps=2", "schedule.warmup_steps=0", HOOK)


def run(folder: Path, name: str, *overrides: str) -> tuple[Course, list[dict[str, Any]], Path]:
    """Train two steps of a preset; return the samples of the last evaluation and their folder."""
    path = built_in_preset_directory() / f"{name}.toml"
    course = Course(folder, to_toml(load_preset(path, (*QUICK, *overrides))))
    shown = folder / "samples" / "step-00000002"
    return course, json.loads((shown / "index.json").read_text())["samples"], shown


def test_a_language_model_continues_the_first_half_of_each_sample(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("".join(chr(97 + place % 26) for place in range(600)))
    options = ("data.path=text", "data.length=10", "model.width=16", "model.layers=1")
    _course, samples, _folder = run(tmp_path, "char-gpt", *options)
    texts = {name: part["text"] for name, part in samples[0].items()}
    assert len(texts["input"]) == 5
    assert "abcdefghijklmnopqrstuvwxyzabcdefghi".find(texts["input"] + texts["target"]) >= 0
    assert len(texts["output"]) > 64
    again = run(tmp_path / "again", "char-gpt", *options, f"data.path={tmp_path}/text")[1]
    assert again == samples


def test_a_texts_words_are_shown_beside_its_class(tmp_path: Path) -> None:
    rows = [f"good number {place},yes\nbad number {place},no" for place in range(30)]
    (tmp_path / "rows.csv").write_text("text,label\n" + "\n".join(rows))
    options = ("data.name=text_csv", "data.path=rows.csv", "data.length=6", "model.width=8")
    _course, samples, _folder = run(tmp_path, "text-gru", *options)
    for sample in samples:
        word = {"yes": "good", "no": "bad"}[sample["target"]["text"]]
        assert sample["input"]["text"] == f"{word} number \N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("normalized", ["true", "false"])
def test_a_reconstruction_is_in_the_values_of_what_it_is_of(
    tmp_path: Path, normalized: str
) -> None:
    options = ("model.channels=[4]", "model.latent=0", f"data.normalize={normalized}")
    course, samples, folder = run(tmp_path, "digits-autoencoder", *options)
    validation = course.parts.data.validation
    assert isinstance(validation, Samples)
    for sample, place in zip(samples, (0, len(validation) // 2), strict=True):
        assert list(sample) == ["input", "output"]
        assert [part["range"] for part in sample.values()] == [[0.0, 255.0]] * 2
        wanted, made = (decoded_image(folder / part["file"]) for part in sample.values())
        assert torch.equal(wanted, validation.inputs[place])
        inputs = course.parts.data.preparation.evaluate(validation.inputs[place][None])
        with torch.no_grad():
            outputs = course.parts.model.eval()(inputs)
        own = course.parts.data.preparation.restore(outputs)[0].clamp(0, 255).round()
        assert (own - made).abs().max() <= 1


def test_masks_are_drawn_in_a_colour_a_class(tmp_path: Path) -> None:
    options = ("data.samples=20", "model.channels=[4, 8]")
    course, samples, folder = run(tmp_path, "segments", *options)
    validation = course.parts.data.validation
    assert isinstance(validation, Samples)
    assert list(samples[0]) == ["input", "target", "output"]
    drawn = decoded_image(folder / samples[0]["target"]["file"])
    assert torch.equal(drawn, class_colours(validation.targets[0]))
    mask = torch.tensor([[0, 1, 2, -100], [3, 3, 4, 0]])
    scores = torch.nn.functional.one_hot(mask.clamp(min=0), 5).movedim(2, 0).float()
    shown = Segmentation().describe(mask, scores, ())
    target, output = (torch.as_tensor(shown[name]) for name in ("target", "output"))
    assert torch.equal(target[:, mask >= 0], output[:, mask >= 0])
    assert not target[:, mask < 0].any()
    assert len({tuple(colour) for colour in target.flatten(1).T.tolist()}) == 6


def test_tokens_without_a_text_are_left_out() -> None:
    assert TokenTexts(("", "a", "b"), " ").decode([1, 0, 2, -100, 7]) == "a b"
    assert Task.targets == ()
