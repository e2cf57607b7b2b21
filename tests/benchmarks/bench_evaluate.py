"""`tuitrain evaluate`'s pass, with all that it keeps of each sample, against the tutorial's loop.

python tests/benchmarks/bench_evaluate.py
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from images import TEST_SAMPLES, write_mnist
from report import Table, machine, spread, verdict
from torch.utils.data import DataLoader

from tuitrain.config.load import load_preset
from tuitrain.config.presets import find_preset
from tuitrain.training.build import TrainingComponents, build_components
from tuitrain.training.evaluating.collect import SampleCollector
from tuitrain.training.metrics.evaluation import Evaluator, evaluation_size
from tuitrain.training.modules.modes import evaluation_mode
from tuitrain.training.runtime.precision_choice import choose_precision

_BUDGET = 3.0
_PRESETS = ("mnist-mlp", "mnist-cnn")
_COLUMNS = ("preset", "plain loop, samples/s", "evaluate, samples/s", "ratio", "budget")


def measure(folder: Path, quick: bool) -> list[Table]:
    """Measure each preset on 10,000 images of MNIST's form, with one thread."""
    write_mnist(folder)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        rows = [_compare(folder, name, 2 if quick else 5) for name in _PRESETS]
    finally:
        torch.set_num_threads(threads)
    cells = [
        [name, spread(plain, 0), spread(ours, 0), f"{ratio:.2f}", verdict(f"{_BUDGET:g}", met)]
        for name, plain, ours, ratio in rows
        for met in [ratio >= _BUDGET]
    ]
    notes = (
        "Plain: a DataLoader without workers over torchvision's MNIST, batches as in training, "
        "loss and right ones by `.item()`. Evaluate: metrics, and loss, scores and target of each "
        "sample. One thread, in turns, medians."
    )
    over = sum(ratio < _BUDGET for *_rest, ratio in rows)
    return [Table("Evaluation against a plain loop", _COLUMNS, cells, notes, over)]


def _compare(folder: Path, name: str, rounds: int) -> tuple[str, list[float], list[float], float]:
    preset = load_preset(find_preset(name).path, ["train.device=cpu"])
    parts = build_components(preset, folder, lambda _text: None, as_found=True)
    choose_precision(parts, lambda _text: None)
    plain, ours = [], []
    for _round in range(rounds):
        plain.append(_speed(lambda: _plain(parts, folder)))
        ours.append(_speed(lambda: _evaluate(parts)))
    ratio = statistics.median(b / a for a, b in zip(plain, ours, strict=True))
    return name, plain, ours, ratio


def _speed(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return TEST_SAMPLES / (time.perf_counter() - begun)


def _evaluate(parts: TrainingComponents) -> None:
    collector = SampleCollector(parts, TEST_SAMPLES, lambda _number: None)
    Evaluator(parts).run(evaluation_size(parts), collector.add)
    collector.arrays()


@torch.no_grad()
def _plain(parts: TrainingComponents, folder: Path) -> None:
    from torchvision import transforms
    from torchvision.datasets import MNIST

    normalize = transforms.Normalize((0.1307,), (0.3081,))
    steps = transforms.Compose([transforms.ToTensor(), normalize])
    images = MNIST(folder, train=False, transform=steps)
    loss, right = 0.0, 0
    with evaluation_mode(parts.model):
        for inputs, targets in DataLoader(images, parts.preset.train.batch_size):
            outputs = parts.model(inputs)
            loss += parts.loss(outputs, targets).item() * len(targets)
            right += int((outputs.argmax(1) == targets).sum().item())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="tuitrain-bench-") as place:
        print(f"{machine()}\n\n{measure(Path(place), quick=False)[0]}")
