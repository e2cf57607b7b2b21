"""A model that answers one person's samples after the other, with what decided.

Knows nothing of pages; a lock lets one sample through at a time.
"""

import base64
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np
from torch import Tensor

from tuitrain.components.generation import generate
from tuitrain.components.readers.rows import EncodedRows, NumberRows
from tuitrain.errors import TuitrainError, UsageError
from tuitrain.training.build import TrainingComponents
from tuitrain.training.data.sources import count, raw_samples
from tuitrain.training.evaluating.collect import Family, family_of
from tuitrain.training.evaluating.pictures import PredictionPictures
from tuitrain.training.evaluating.predictor import Predictor, Words
from tuitrain.training.explaining.columns import Part, table_columns
from tuitrain.training.explaining.explain import Sample, explained
from tuitrain.training.explaining.explainer import FITTING, Asked, Explainer, Method
from tuitrain.training.modules.modes import evaluation_mode

_TOP = 10
"""Classes that are told."""
_LOOKED_AT = 1000
"""Training rows that a form's first numbers are the medians of."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of a sample."""

    words: Words
    drawn: np.ndarray | None = None
    """Of segmentation the mask over the image, of a reconstruction itself: uint8 [height, width,
    3]."""
    explanation: Mapping[str, Any] | None = None
    """As `tuitrain explain` has it."""
    note: str = ""
    """Why there is no explanation."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column that a person fills in."""

    name: str
    choices: tuple[str, ...]
    """Of a category; empty: a number."""
    value: str | float
    """That it begins with."""


class Demonstration:
    """Answers with a run's model."""

    def __init__(self, parts: TrainingComponents) -> None:
        """Take a model that has its weights.

        Raises:
            UsageError: there is no way to ask it.
        """
        self._parts = parts
        self._predictor = Predictor(parts)
        self._explainer = Explainer(parts, self._predictor)
        self._lock = threading.Lock()
        self.takes = self._predictor.reader.takes
        self.family: Family = family_of(parts.task)
        if self.takes == "series":
            raise UsageError("demo: it is for images, tables and texts; `tuitrain predict` takes a "
                             "series")  # fmt: skip
        if self.takes == "rows" and not isinstance(self._rows, EncodedRows | NumberRows):
            raise UsageError(
                f"demo: data.name = {parts.preset.data.name} reads tables in its own way, without "
                "saying how one row is made; `tuitrain predict` takes a table"
            )

    @property
    def _rows(self) -> Any:
        return self._predictor.reader

    @property
    def methods(self) -> tuple[Method, ...]:
        """What an answer can be explained by; none where Captum or a reason is missing."""
        explains = self.family in {"classes", "numbers", "tokens"} and find_spec("captum")
        return FITTING[self.takes] if explains else ()

    @cached_property
    def fields(self) -> list[Field]:
        """What a row is made of."""
        data = self._parts.data
        number = min(_LOOKED_AT, count(data.train))
        raw = raw_samples(data.train, range(number))[0].cpu().float()
        middle = raw.median(0).values
        return [self._field(part, middle) for part in table_columns(data)]

    def _field(self, part: Part, middle: Tensor) -> Field:
        choices = part.column.choices
        first = choices[0] if choices else float(f"{float(middle[part.first]):.6g}")
        return Field(part.column.name, choices, first)

    def image(self, path: str, method: str = "") -> Answer:
        """Answer about an image file.

        Raises:
            TuitrainError: it is no image.
        """
        inputs = self._predictor.reader.read([path])
        with self._lock, evaluation_mode(self._parts.model):
            prepared = self._predictor.prepared(inputs)
            outputs = self._predictor.given(prepared)
            (words,) = self._predictor.words(outputs, _TOP, prepared)
            shown = PredictionPictures(self._parts, inputs).shown(prepared[0], outputs[0])
            drawn = shown.get("mask", shown.get("reconstruction"))
            pixels = None if drawn is None else drawn.expand(-1, -1, 3).numpy()
            return self._explained(Answer(words, pixels), Sample("the image", inputs), method)

    def row(self, values: Mapping[str, str | float], method: str = "") -> Answer:
        """Answer about a row, by its columns' names.

        Raises:
            TuitrainError: a value is missing or no number.
        """
        decimal = self._rows.decimal
        inputs = self._rows.row({name: _cell(value, decimal) for name, value in values.items()})
        with self._lock, evaluation_mode(self._parts.model):
            (words,) = self._predictor.words(self._predictor.outputs(inputs), _TOP)
            return self._explained(Answer(words), Sample("the row", inputs), method)

    def text(self, text: str, method: str = "") -> Answer:
        """Answer about a text; a language model says what comes next.

        Raises:
            TuitrainError: it is empty.
        """
        if not text.strip():
            raise UsageError("there is no text; write some")
        inputs = self._predictor.reader.read([text])
        with self._lock, evaluation_mode(self._parts.model):
            (words,) = self._predictor.words(self._predictor.outputs(inputs), _TOP)
            return self._explained(Answer(words), Sample("the text", inputs, text), method)

    def continued(self, text: str, number: int, temperature: float, seed: int) -> str:
        """Return how a language model goes on.

        Args:
            text: to go on from.
            number: of tokens.
            temperature: what scores are divided by; 0: always the likeliest.
            seed: of the draws.

        Raises:
            TuitrainError: it is empty.
        """
        texts = self._parts.data.token_texts
        if texts is None or not text:
            raise UsageError("there is no text to go on from; write some")
        inputs = self._predictor.reader.read([text])
        with self._lock, evaluation_mode(self._parts.model):
            made = generate(
                self._parts.model,
                self._predictor.prepared(inputs)[0],
                number,
                length=self._parts.data.spec.input_shape[0],
                temperature=temperature,
                seed=seed,
            )
        return texts.decode(made.tolist())

    def _explained(self, answer: Answer, sample: Sample, method: str) -> Answer:
        """Return an answer with what decided; what does not fit the model is told."""
        chosen = next((each for each in self.methods if each == method), None)
        if chosen is None:
            return answer
        try:
            found = explained(
                self._parts, self._predictor, self._explainer, sample, Asked(method=chosen)
            )
        except TuitrainError as error:
            return Answer(answer.words, answer.drawn, None, str(error))
        return Answer(answer.words, answer.drawn, found)


def _cell(value: str | float | None, decimal: str) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else repr(value).replace(".", decimal)


def pixels_of(explanation: Mapping[str, Any]) -> np.ndarray:
    """Return an explanation's drawing, uint8 [height, width, 3]."""
    picture = next(p for p in explanation["pictures"] if p["name"] == "attributions")
    data = np.frombuffer(base64.b64decode(picture["data"]), dtype=np.uint8)
    return data.reshape(picture["height"], picture["width"], picture["channels"])


def enlarged(pixels: np.ndarray, least: int = 256) -> np.ndarray:
    """Return an image large enough to look at: small ones grow by whole numbers."""
    times = max(1, -(-least // max(pixels.shape[:2])))
    large: np.ndarray = pixels.repeat(times, 0).repeat(times, 1)
    return large


def trust(explanation: Mapping[str, Any]) -> str:
    """Return how far an explanation is to be trusted."""
    said = f"{explanation['explained']} is {explanation['score']:.4g}, by {explanation['method']}"
    if "delta" in explanation:
        return (
            f"{said}: the parts add up to {explanation['sum']:.4g}, the score of "
            f"{explanation['baseline']} is {explanation['difference']:.4g} away "
            f"(delta {explanation['delta']:.2g})"
        )
    if "layer" in explanation:
        return f"{said} of the layer {explanation['layer']}"
    return f"{said}; covered by {explanation['baseline']}"
