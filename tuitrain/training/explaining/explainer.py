"""Explains a sample by what fits it: pixels of an image, columns of a row, words, times.

Shared by all that explain, however samples come and wherever answers go.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from tuitrain.components.data import Samples
from tuitrain.components.readers.series import SeriesReader
from tuitrain.components.task import widest
from tuitrain.errors import UsageError
from tuitrain.training.build import TrainingComponents
from tuitrain.training.data.samples import example_inputs
from tuitrain.training.evaluating.predictor import Predictor
from tuitrain.training.explaining import attribute
from tuitrain.training.explaining.columns import table_columns
from tuitrain.training.explaining.embeddings import code_embeddings, replaced, token_embedding
from tuitrain.training.explaining.score import Score, choose_score, value
from tuitrain.training.modules.modes import evaluation_mode

Method = Literal["integrated-gradients", "occlusion", "grad-cam"]
FITTING: dict[str, tuple[Method, ...]] = {
    "images": get_args(Method),
    "rows": ("integrated-gradients",),
    "texts": ("integrated-gradients",),
    "series": ("integrated-gradients",),
}
"""What explains a sample of each kind."""
_EXAMPLES, _READ = 4096, 256
"""Training samples that a baseline is the mean of: held in memory, or read one at a time."""
_EXAMPLE_NUMBERS = 1 << 24
"""Numbers that those may be in all: 64 MiB."""
_PATCHES = 8
"""Patches of an occlusion along an image's longer side."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How a sample is to be explained."""

    method: Method = "integrated-gradients"
    name: str = ""
    """Of the class, or the output's number; empty: what is predicted."""
    steps: int = 50
    """Of integrated gradients."""
    window: int = 0
    """Pixels of an occlusion's patch; 0: an eighth of the image, 2 at least."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What decided."""

    score: Score
    value: float
    """The score of the sample."""
    values: Tensor
    """Of an image [height, width], of a row [columns], of tokens [length], of a series [window,
    columns]."""
    how: dict[str, Any]
    """About the method: baseline and its score, sum of the attributions and what they miss of the
    difference, steps, window, layer."""


class Explainer:
    """Explains samples as a reader gives them."""

    def __init__(self, parts: TrainingComponents, predictor: Predictor) -> None:
        """Take a model that has its weights."""
        self._parts = parts
        self._predictor = predictor
        self._mean: Tensor | None = None

    def explain(self, raw: Tensor, asked: Asked) -> Explanation:
        """Return what decided about a sample [1, ...] as the reader gives it.

        Raises:
            UsageError: the method does not fit the sample or the model, or there is no such class.
        """
        takes = self._predictor.reader.takes
        if asked.method not in FITTING[takes]:
            raise UsageError(
                f"--method {asked.method}: it is for images, the run takes {takes}; take "
                f"{' or '.join(FITTING[takes])}"
            )
        attribute.captum()
        parts = self._parts
        with evaluation_mode(parts.model), _differentiable():
            prepared = self._predictor.prepared(raw)
            with torch.no_grad():
                outputs = parts.model(prepared)
            score = choose_score(parts, outputs, asked.name)
            ways: dict[str, Callable[[Score, Tensor, Asked], Explanation]] = {
                "occlusion": self._occlusion,
                "grad-cam": self._grad_cam,
            }
            by_kind = {"texts": self._words, "rows": self._columns}
            way = ways.get(asked.method) or by_kind.get(takes, self._numbers)
            found = way(score, prepared, asked)
            return replace(found, value=value(score.of(outputs)))

    # --- images and series ------------------------------------------------------------------------

    def _numbers(self, score: Score, prepared: Tensor, asked: Asked) -> Explanation:
        """Attribute each number; of an image the channels of a pixel are added up."""
        baseline = self._baseline(prepared)
        (found,) = attribute.integrated_gradients(
            score, (prepared,), (baseline,), asked.steps, self._at_once
        )
        values = found[0].sum(0) if found.ndim == 4 else found[0]
        if isinstance(self._predictor.reader, SeriesReader):
            values = values.reshape(prepared.shape[1:])
        start = value(_without_gradients(score, baseline))
        return self._summed(score, prepared, values, start, asked)

    def _occlusion(self, score: Score, prepared: Tensor, asked: Asked) -> Explanation:
        window = asked.window or max(2, round(max(prepared.shape[2:]) / _PATCHES))
        baseline = self._baseline(prepared)
        values = attribute.occlusion(score, prepared, baseline, window, self._at_once)
        return Explanation(score, 0.0, values.cpu(), {"window": window, "baseline": self._means})

    def _grad_cam(self, score: Score, prepared: Tensor, _asked: Asked) -> Explanation:
        model = self._parts.preset.model.name
        name, layer = attribute.last_convolution(score, prepared, model)
        values, size = attribute.grad_cam(score, layer, prepared)
        return Explanation(score, 0.0, values.cpu(), {"layer": name, "layer_size": list(size)})

    # --- rows -------------------------------------------------------------------------------------

    def _columns(self, score: Score, prepared: Tensor, asked: Asked) -> Explanation:
        """Attribute each column: its features are added up."""
        codes = self._parts.data.spec.codes
        if codes:
            by_column, start = self._coded(score, prepared, asked, codes)
        else:
            baseline = self._baseline(prepared)
            (found,) = attribute.integrated_gradients(
                score, (prepared,), (baseline,), asked.steps, self._at_once
            )
            parts = table_columns(self._parts.data)
            by_column = torch.stack([found[0][part.features].sum() for part in parts])
            start = value(_without_gradients(score, baseline))
        return self._summed(score, prepared, by_column, start, asked)

    def _coded(
        self, score: Score, prepared: Tensor, asked: Asked, codes: tuple[int, ...]
    ) -> tuple[Tensor, float]:
        """Attribute numbers, and what categories are looked up as; from the mean of both."""
        examples = self._examples(prepared.numel())
        tables = code_embeddings(self._parts.model, examples, codes)
        if tables is None:
            raise UsageError(
                "--method integrated-gradients: the model does not look each category up in an "
                "embedding of its own; take --method permutation"
            )
        numbers = prepared.shape[1] - len(codes)
        fixed = prepared[:, numbers:]
        looked_up = [
            (table(fixed[:, n].long()).detach(), table(examples[:, numbers + n].long()).detach())
            for n, table in enumerate(tables)
        ]
        inputs = (prepared[:, :numbers], *(found for found, _all in looked_up))
        means = (examples[:, :numbers].mean(0, keepdim=True),
                 *(every.mean(0, keepdim=True) for _found, every in looked_up))  # fmt: skip

        def forward(given: Tensor, *vectors: Tensor) -> Tensor:
            with replaced(dict(zip(tables, vectors, strict=True))):
                return score(torch.cat([given, fixed.expand(len(given), -1)], 1))

        found = attribute.integrated_gradients(forward, inputs, means, asked.steps, self._at_once)
        by_column = torch.cat([found[0][0], *(each[0].sum(-1, keepdim=True) for each in found[1:])])
        return by_column, value(_without_gradients(forward, *means))

    # --- tokens -----------------------------------------------------------------------------------

    def _words(self, score: Score, prepared: Tensor, asked: Asked) -> Explanation:
        """Attribute each token through the embedding; from that of padding, token 0."""
        found = token_embedding(self._parts.model, prepared)
        if found is None:
            raise UsageError(
                f"--method integrated-gradients: model.name = {self._parts.preset.model.name} does "
                "not look its tokens up in an embedding (torch.nn.Embedding)"
            )
        name, layer = found
        baseline = torch.zeros_like(prepared)
        values = attribute.layer_integrated_gradients(
            score, layer, prepared, baseline, asked.steps, self._at_once
        )
        with torch.no_grad():
            numbers: dict[nn.Module, Tensor] = {layer: layer(baseline)}
            with replaced(numbers):
                start = value(score(prepared))
        made = self._summed(score, prepared, values, start, asked)
        return replace(made, how=made.how | {"layer": name, "baseline": "the embedding of token 0"})

    # --- what all share ---------------------------------------------------------------------------

    def _summed(
        self, score: Score, prepared: Tensor, values: Tensor, start: float, asked: Asked
    ) -> Explanation:
        """Return attributions with how far their sum is the difference of the scores."""
        end = value(_without_gradients(score, prepared))
        values = values.cpu()
        total = float(values.double().sum())
        how = {
            "steps": asked.steps,
            "baseline": self._means,
            "baseline_score": start,
            "sum": total,
            "difference": end - start,
            "delta": total - (end - start),
        }
        return Explanation(score, end, values, how)

    @property
    def _means(self) -> str:
        what = {"images": "the mean colour", "rows": "the mean row"}
        mean = what.get(self._predictor.reader.takes, "the mean")
        return f"{mean} of the training part"

    @property
    def _at_once(self) -> int:
        """Samples that go through the model with gradients: as many as in training."""
        return self._parts.preset.train.batch_size

    def _examples(self, numbers: int) -> Tensor:
        """Return training samples from all over the set, each of so many numbers."""
        data = self._parts.data
        most = _EXAMPLES if isinstance(data.train, Samples) else _READ
        most = max(1, min(most, _EXAMPLE_NUMBERS // numbers))
        return example_inputs(data, self._parts.device, most)

    def _baseline(self, prepared: Tensor) -> Tensor:
        """Return what says nothing: the training part's mean of each channel, feature or column."""
        if self._mean is None:
            examples = self._examples(prepared.numel())
            kept = 1 if prepared.ndim == 4 else examples.ndim - 1
            others = [dimension for dimension in range(examples.ndim) if dimension != kept]
            wide = examples.to(widest(examples.device))
            self._mean = wide.mean(others, keepdim=True).to(examples.dtype)
        return self._mean.expand_as(prepared)


def _without_gradients(forward: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
    with torch.no_grad():
        return forward(*inputs)


@contextmanager
def _differentiable() -> Iterator[None]:
    """Let recurrent layers be differentiated in evaluation mode, which cuDNN's can't be."""
    with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
        yield
