"""The one number of a model's outputs that is explained: a class's score, or a predicted number."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tuitrain.errors import UsageError
from tuitrain.training.build import TrainingComponents
from tuitrain.training.evaluating.collect import Family, family_of


@dataclass(frozen=True, slots=True)
class Score:
    """Calls a model and returns the number that is asked for, of each sample."""

    parts: TrainingComponents
    family: Family
    number: int
    """Of the class or the output."""
    name: str
    """Of the class; of an output its number from 1 on."""

    def __call__(self, prepared: Tensor) -> Tensor:
        """Return [batch] of prepared inputs [batch, ...]: of classes the score before softmax."""
        return self.of(self.parts.model(prepared))

    def of(self, outputs: Tensor) -> Tensor:
        """Return [batch] of the model's outputs."""
        if self.family == "tokens":
            return outputs[:, -1, self.number]
        flat = outputs.reshape(len(outputs), -1)
        if self.family == "classes" and not self.parts.task.has_classes:
            return flat[:, 0] if self.number else -flat[:, 0]
        return flat[:, self.number]

    @property
    def words(self) -> str:
        """What is explained, for a person."""
        if self.family == "numbers":
            return f"output {self.name}"
        if self.family == "tokens":
            return f"the score of {self.name!r} as the next token"
        return f"the score of the class {self.name}"


def choose_score(parts: TrainingComponents, outputs: Tensor, asked: str) -> Score:
    """Return the score of the class or output that is asked for.

    Args:
        parts: of the run.
        outputs: of the sample [1, ...].
        asked: a class's name, an output's number from 1 on, or nothing: the predicted class, the
            first output.

    Raises:
        UsageError: there is none of that name, or the task gives none for a sample as a whole.
    """
    family = family_of(parts.task)
    if family == "numbers":
        return _output(parts, outputs, asked)
    if family not in {"classes", "tokens"}:
        raise UsageError(
            f"explain: task = {parts.task.name} gives no class and no number for a sample as a "
            "whole; it is for classes, yes or no, numbers and the next token"
        )
    scores = outputs[0, -1] if family == "tokens" else outputs[0]
    if parts.task.has_classes:
        names = parts.data.classes or tuple(str(number) for number in range(len(scores)))
        likeliest = int(scores.argmax())
    else:
        names = parts.data.classes or ("0", "1")
        likeliest = int(scores.flatten()[0] > 0)
    number = _place(asked, names) if asked else likeliest
    return Score(parts, family, number, names[number])


def _place(asked: str, names: Sequence[str]) -> int:
    if asked in names:
        return list(names).index(asked)
    some = ", ".join(names[:20]) + (f" and {len(names) - 20:,} more" if len(names) > 20 else "")
    raise UsageError(f"--class {asked}: the run has no such class; it has {some}")


def _output(parts: TrainingComponents, outputs: Tensor, asked: str) -> Score:
    most = outputs[0].numel()
    number = int(asked) if asked.isdecimal() else int(not asked)
    if not 1 <= number <= most:
        wanted = f"a number from 1 to {most}" if most > 1 else "left out: there is one output"
        raise UsageError(f"--class {asked}: the run predicts numbers, it must be {wanted}")
    return Score(parts, "numbers", number - 1, str(number))


def value(score: Tensor) -> float:
    """Return the score of a single sample."""
    return float(torch.as_tensor(score).detach().reshape(-1)[0])
