"""A run with a checkpoint, and what a process would answer about its model, for the results."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.ui.makers import falling, new_run, train
from tuitrain.errors import TuitrainError
from tuitrain.runs.directory import RunDirectory
from tuitrain.supervisor.inspection import Question
from tuitrain.ui.feeds.child import Child

ANIMALS = ("cat", "dog", "bird", "horse")
_PIXELS = bytes(min(255, 16 * (x + y)) for y in range(8) for x in range(8))


def trained_run(root: Path) -> RunDirectory:
    """Return a run that ended, with a best and a last checkpoint."""
    run = new_run(root, "alpha")
    train(run, falling(60), accuracy=0.9)
    for step in (40, 60):
        (run.checkpoints / f"step-{step:08}.pt").write_bytes(b"x" * step)
    (run.checkpoints / "best.pt").symlink_to("step-00000040.pt")
    (run.checkpoints / "last.pt").symlink_to("step-00000060.pt")
    return run


class Answers:
    """Answers questions as a process does, at once."""

    def __init__(self, family: str = "classes", classes: tuple[str, ...] = ANIMALS) -> None:
        self.family = family
        self.classes = classes
        self.asked: list[Question] = []
        self.fault = ""

    def __call__(
        self, question: Question, tell: Callable[[str], None], _begun: Callable[[Child], None]
    ) -> dict[str, Any]:
        self.asked.append(question)
        if self.fault:
            raise TuitrainError(self.fault)
        tell("building the model")
        if question.kind == "samples":
            return {"samples": [_form(number) for number in question.options["numbers"]]}
        arrays, counts = _ARRAYS[self.family](self.classes)
        np.savez(question.options["arrays"], allow_pickle=False, **arrays)
        return {
            "family": self.family, "task": "any", "step": 40, "weights": "raw",
            "samples": len(arrays["loss"]), "device": "cpu", "duration_s": 0.5,
            "metrics": {"val/loss": float(arrays["loss"].mean())}, "counts": counts,
            "classes": list(self.classes), "fingerprint": "f", "names": None, "groups": None,
        }  # fmt: skip


def _form(number: int) -> dict[str, Any]:
    data = base64.b64encode(_PIXELS).decode()
    image = {"width": 8, "height": 8, "channels": 1, "of_channels": 1, "data": data}
    return {"number": number, "target": "cat", "target_text": None, "columns": {}, "image": image}


def _of_classes(classes: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    random, number = np.random.default_rng(5), len(classes)
    targets = np.arange(20 * number) % number
    scores = random.normal(size=(len(targets), number)) + 2.2 * np.eye(number)[targets]
    losses = np.log(np.exp(scores).sum(1)) - scores[np.arange(len(targets)), targets]
    flat = np.bincount(targets * number + scores.argmax(1), minlength=number * number)
    table = flat.reshape(number, number)
    counts = {
        "classes": list(classes), "support": table.sum(1).tolist(),
        "predicted": table.sum(0).tolist(), "correct": np.diag(table).tolist(),
        "confusion": table.tolist(),
    }  # fmt: skip
    arrays = {"scores": scores, "targets": targets, "loss": losses, "weight": np.ones(len(losses))}
    return arrays | {"train_counts": table.sum(1)}, counts


def _of_numbers(_classes: tuple[str, ...]) -> tuple[dict[str, Any], None]:
    random = np.random.default_rng(6)
    targets = random.uniform(0, 10, (60, 1))
    outputs = targets + random.normal(size=(60, 1))
    losses = ((outputs - targets) ** 2)[:, 0]
    arrays = {"outputs": outputs, "targets": targets, "loss": losses, "weight": np.ones(60)}
    return arrays | {"train_mean": np.array([5.0])}, None


def _of_tokens(_classes: tuple[str, ...]) -> tuple[dict[str, Any], None]:
    counted, nats = np.full(30, 16), np.linspace(10, 40, 30)
    arrays = {"nats": nats, "right": np.arange(30) % 16, "counted": counted, "loss": nats / 16}
    return arrays | {"weight": np.ones(30)}, None


_ARRAYS: dict[str, Callable[[tuple[str, ...]], tuple[dict[str, Any], Any]]] = {
    "classes": _of_classes,
    "numbers": _of_numbers,
    "tokens": _of_tokens,
}
