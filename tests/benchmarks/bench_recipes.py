"""Presets against the plain loops that courses teach: `tuitrain run` and the loop in turn.

python tests/benchmarks/bench_recipes.py [--only PRESET ...] [--images N] [--threads N]
    [--seconds S] [--rounds N] [--device cpu|cuda]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from images import write_mnist
from recorded import live_run, speed
from report import Table, machine, spread, verdict

_LOOPS = Path(__file__).with_name("recipe_loops.py")
_SETTINGS = ("train.epochs=100000", "train.evaluate_every_epochs=0")
_COLUMNS = ("preset", "plain loop, steps/s", "tuitrain, steps/s", "tuitrain / plain", "budget")
_BF16 = "train.precision=bf16"
_FP32 = "train.precision=fp32"
_WHOLE = "model.cache_features=false"
_CIFAR = "data.name=recipe_data:cifar"


@dataclass(frozen=True, slots=True)
class Way:
    """A run of a preset that is held against its plain loop."""

    preset: str
    budget: float
    words: str = ""
    settings: tuple[str, ...] = ()
    cuda: float = 0.0
    """The budget on a GPU; 0: as on the CPU."""


WAYS = (
    Way("mnist-mlp", 3.4, cuda=10.0),
    Way("mnist-mlp", 5.0, "bf16", (_BF16,)),
    Way("mnist-cnn", 3.0, cuda=5.0),
    Way("mnist-cnn", 3.0, "fp32", (_FP32,)),
    Way("cifar10-resnet", 1.5, settings=(_CIFAR,), cuda=3.0),
    Way(
        "images-resnet18-features",
        3.0,
        "each step anew",
        ("model.pretrained=false", _WHOLE),
    ),
    Way("images-resnet18-features", 10.0, "features kept", ("model.pretrained=false",)),
    Way("text-lstm", 1.5),
    Way("char-gpt", 1.1),
)
CUDA_WAYS = (
    *WAYS,
    Way("cifar10-fast", 3.0, settings=(_CIFAR,)),
    Way("cifar10-fast", 3.0, "compiled", (_CIFAR, "train.compile=true")),
)
"""The last preset is made for a GPU: a step of it takes seconds of a CPU."""


@dataclass(frozen=True, slots=True)
class Options:
    """How much is measured."""

    seconds: float
    rounds: int
    images: int
    threads: int = 1
    only: tuple[str, ...] = ()
    device: str = "cpu"


def measure(folder: Path, quick: bool) -> list[Table]:
    """Measure every preset; fewer images and rounds where it is to be quick."""
    return [compare(folder, Options(1.5, 1, 64) if quick else Options(4.0, 3, 1000))]


def compare(folder: Path, options: Options) -> Table:
    """Return the table of all ways, or of those of some presets."""
    ways = [
        way
        for way in (WAYS if options.device == "cpu" else CUDA_WAYS)
        if not options.only or way.preset in options.only
    ]
    names = list(dict.fromkeys(way.preset for way in ways))
    _write_data(folder, names, options.images)
    begun = os.getloadavg()[0]
    plain: dict[str, list[float]] = {name: [] for name in names}
    ours: dict[Way, list[float]] = {way: [] for way in ways}
    for number in range(options.rounds):
        for name in names:
            runs = [way for way in ways if way.preset == name]
            for way in runs if number % 2 == 0 else ():
                ours[way].append(_tuitrain(folder, way, options))
            plain[name].append(_plain(folder, name, options))
            for way in reversed(runs) if number % 2 else ():
                ours[way].append(_tuitrain(folder, way, options))
    return _table(plain, ours, options, (begun, os.getloadavg()[0]))


def _write_data(folder: Path, names: Sequence[str], images: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if any(name.startswith("mnist") for name in names):
        write_mnist(folder)
    if any(name.startswith("images") for name in names):
        from image_loading import write

        write(folder / "images", images)


def _plain(folder: Path, name: str, options: Options) -> float:
    arguments = [name, str(folder), str(options.seconds), str(options.threads), options.device]
    done = subprocess.run(
        [sys.executable, str(_LOOPS), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr.strip()}")
    found = float(json.loads(done.stdout.splitlines()[-1])["steps_per_s"])
    print(f"{name}, plain loop: {found:.2f} steps/s", file=sys.stderr, flush=True)
    return found


def _tuitrain(folder: Path, way: Way, options: Options) -> float:
    # The data set of CIFAR-10's shape is a module beside this one.
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(_LOOPS.parent), os.environ.get("PYTHONPATH", "")]
    ).rstrip(os.pathsep)
    more = (f"train.threads={options.threads}", f"train.device={options.device}")
    settings = (*_SETTINGS, *more, *way.settings)
    with live_run(way.preset, folder / "runs", settings, folder) as run:
        run.train_for(options.seconds)
    found = speed(run.directory).steps_per_s
    print(f"{way.preset} {way.words}: {found:.2f} steps/s", file=sys.stderr, flush=True)
    return found


def _table(
    plain: dict[str, list[float]],
    ours: dict[Way, list[float]],
    options: Options,
    load: tuple[float, float],
) -> Table:
    rows, over = [], 0
    for way, measured in ours.items():
        ratio = statistics.median(a / b for a, b in zip(measured, plain[way.preset], strict=True))
        budget = way.budget if options.device == "cpu" else way.cuda or way.budget
        met = ratio >= budget
        over += not met
        what = f"{way.preset}{f', {way.words}' if way.words else ''}"
        cells = [spread(plain[way.preset], 2), spread(measured, 2), f"{ratio:.2f}"]
        rows.append([what, *cells, verdict(f"{budget:g}", met)])
    notes = (
        "Plain: the loop of a course, its DataLoader without workers, on the same model, batch and "
        f"optimizer, on {options.device}. {options.threads} thread(s) each, {options.images} JPEGs "
        "of 256x256 pixels, "
        "drawn weights; steps, without evaluation and without the one pass that keeps features. "
        "The number format is that which the preset's `auto` has measured to be the fastest, but "
        "where the row names one. Medians of the rounds' ratios; a step of char-gpt is 2,048 "
        f"tokens. Load of the machine before and after: {load[0]:.1f}, {load[1]:.1f}."
    )
    return Table("Presets against plain loops", _COLUMNS, rows, notes, over)


def main() -> None:
    """Measure what the arguments say."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    names = tuple(dict.fromkeys(way.preset for way in CUDA_WAYS))
    parser.add_argument("--only", nargs="+", choices=names, default=(), metavar="PRESET")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    given = parser.parse_args()
    options = Options(
        given.seconds, given.rounds, given.images, given.threads, tuple(given.only), given.device
    )
    with tempfile.TemporaryDirectory(prefix="tuitrain-bench-") as folder:
        print(f"{machine()}\n\n{compare(Path(folder), options)}")


if __name__ == "__main__":
    main()
