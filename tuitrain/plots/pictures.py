"""A grid of an evaluation's samples: which to show, and what is said of each.

Knows evaluations, and samples as a child process gives them; nothing of what draws them.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tuitrain.analysis.evaluation import Evaluated, main_values
from tuitrain.analysis.statistics.calibration import softmax
from tuitrain.errors import UsageError
from tuitrain.plots.evaluated import class_name
from tuitrain.plots.panels import Picture, PicturePanel
from tuitrain.supervisor.inspection import Question
from tuitrain.trained.evaluation import Evaluation
from tuitrain.trained.opening import Trained
from tuitrain.view.format import metric_value, sanitise
from tuitrain.view.images.pixels import Image

Ask = Callable[[Question], dict[str, Any]]
_MOST_TEXT = 600


def picture_panel(
    trained: Trained, evaluation: Evaluation, ask: Ask, number: int, *, wrong: bool, title: str
) -> PicturePanel:
    """Return samples from all over the validation part, or the wrong ones the model was surest of.

    Args:
        trained: the run.
        evaluation: of it, on its own validation part.
        ask: puts a question to a process and waits.
        number: of samples.
        wrong: only those that are wrong.
        title: of the panel.

    Raises:
        UsageError: there is none that is wrong.
        TuitrainError: the data are not here.
    """
    found = evaluation.found
    numbers = worst_samples(found, number) if wrong else _spread(found, number)
    if not numbers:
        raise UsageError(f"{trained.directory.id}: no sample is wrong; leave --wrong out")
    pictures = sample_pictures(trained, found, ask, numbers)
    kind = "the wrong ones that the model was surest of" if wrong else "evenly from all"
    note = f"{len(numbers)} of {len(found.arrays['loss']):,} samples, {kind}"
    if found.family == "classes" and not wrong:
        note += f"; {sum(picture.wrong for picture in pictures)} of them are wrong"
    return PicturePanel(title, pictures, note)


def sample_pictures(
    trained: Trained, found: Evaluated, ask: Ask, numbers: Sequence[int]
) -> tuple[Picture, ...]:
    """Return samples with what is said of them.

    Raises:
        TuitrainError: the data are not here.
    """
    answer = ask(trained.question("samples", numbers=list(numbers)))
    return tuple(_picture(found, sample) for sample in answer["samples"])


def worst_samples(found: Evaluated, number: int) -> list[int]:
    """Return the samples that are wrong and surest; of no classes those with the largest errors."""
    if found.family != "classes":
        name, values = main_values(found)
        order = np.argsort(values if name == "accuracy" else -values, kind="stable")
        return [int(place) for place in order[:number]]
    sure = softmax(found.arrays["scores"])
    wrong = np.flatnonzero(sure.argmax(1) != found.arrays["targets"])
    order = wrong[np.argsort(-sure[wrong].max(1), kind="stable")]
    return [int(place) for place in order[:number]]


def _spread(found: Evaluated, number: int) -> list[int]:
    samples = len(found.arrays["loss"])
    number = min(number, samples)
    return [place * samples // number for place in range(number)]


def _picture(found: Evaluated, sample: Mapping[str, Any]) -> Picture:
    number = int(sample["number"])
    caption, wrong = _said_of(found, number)
    # A text's name is how it begins, which is seen.
    name = None if "text" in sample else found.name(number)
    lines = (*caption, f"sample {number}" if name is None else sanitise(name))
    image = sample.get("image")
    if image is not None:
        pixels = base64.b64decode(image["data"])
        shape = (image["width"], image["height"], image["channels"])
        return Picture(lines, wrong, Image(*shape, pixels))
    if "values" in sample:
        return Picture(lines, wrong, values=tuple(sample["values"]))
    text = sample["text"] if sample["text"] is not None else str(sample["tokens"])
    return Picture(lines, wrong, text=text[:_MOST_TEXT])


def _said_of(found: Evaluated, number: int) -> tuple[tuple[str, ...], bool]:
    """Return what is true, what is predicted, and whether they differ."""
    arrays = found.arrays
    if found.family == "classes":
        sure = softmax(arrays["scores"][number][None])[0]
        true, predicted = int(arrays["targets"][number]), int(sure.argmax())
        said = f"{class_name(found, predicted)} {sure[predicted]:.0%}"
        return (f"true {class_name(found, true)}", f"predicted {said}"), true != predicted
    if found.family == "numbers":
        true_text, said = (
            " ".join(metric_value(float(value)) for value in arrays[name][number][:3])
            for name in ("targets", "outputs")
        )
        return (f"true {true_text}", f"predicted {said}"), False
    name, values = main_values(found)
    return (f"{name} {metric_value(float(values[number]))}",), False
