"""Every component as it comes: it trains where it fits, and nonsense is told by its key."""

import math
from pathlib import Path

import pytest

from tests.training.test_loop import Course
from tuitrain.config.catalogue import ComponentInfo, read_catalogue
from tuitrain.config.load import parse_preset
from tuitrain.errors import PresetError

CATALOGUE = read_catalogue()
BASES = {
    "classification": 'data.name = "digits"\nmodel = { name = "mlp", hidden = [8] }',
    "regression": 'data = { name = "linear", samples = 80 }\nmodel.name = "linear"',
    "binary": 'data = { name = "circles", samples = 80 }\nmodel.name = "linear"',
    "reconstruction": 'data.name = "digits"\n'
    'model = { name = "conv_autoencoder", channels = [4], latent = 0 }',
    "segmentation": 'data = { name = "shapes", samples = 20, size = 16 }\n'
    'model = { name = "unet", channels = [4, 4] }',
    "language_modelling": 'data = { name = "text_file", path = "text", length = 8 }\n'
    'model = { name = "gpt", width = 8, layers = 1, heads = 1 }',
}
"""A small preset of each task, without a loss."""
NEEDED = {
    "center_crop": "size = 6", "resize": "size = 8", "unfreeze": 'modules = ["1"]',
    "step": "every_steps = 1", "multistep": "at_epochs = [1]",
}  # fmt: skip
"""Options without which a component is refused by design."""
PLACES = {
    "loss": "loss = {}", "optimizer": "optimizer = {}", "schedule": "schedule = {}",
    "augmentation": "data.augment = [{}]", "hook": "hooks = [{}]", "metric": "metrics = [{}]",
}  # fmt: skip
OWN = """
from torch import nn
def logs(spec): return nn.Sequential(nn.Flatten(), nn.Linear(64, spec.outputs), nn.LogSoftmax(1))
"""


def parts(*kinds: str) -> list[ComponentInfo]:
    return [info for (kind, _name), info in CATALOGUE.components.items() if kind in kinds]


def table(info: ComponentInfo, *options: str) -> str:
    return "{ " + ", ".join([f'name = "{info.name}"', *(each for each in options if each)]) + " }"


def preset(line: str, task: str) -> str:
    """Return a preset of two steps with a line of its own."""
    loss = "" if line.startswith("loss") else f'loss.name = "{CATALOGUE.tasks[task].loss}"\n'
    base = BASES[task]
    if '"nll"' in line:
        base = base.replace('{ name = "mlp", hidden = [8] }', '{ name = "every_own:logs" }')
    train = "train = { max_steps = 2, batch_size = 16, threads = 1 }"
    return f'name = "every"\ntask = "{task}"\n{line}\n{loss}{base}\n{train}\n'


def task_of(info: ComponentInfo) -> str:
    """Return the task to try a component in, where one is enough."""
    fitting = [name for name, task in CATALOGUE.tasks.items() if info.fits(task)]
    quick = "regression" if info.kind == "schedule" else "classification"
    return quick if quick in fitting else fitting[0]


def alone() -> list[tuple[str, str]]:
    """Return a line and a task for each component, of losses for each task that they fit."""
    lines = []
    for info in parts("optimizer", "schedule", "augmentation", "hook", "loss"):
        fitting = [name for name, task in CATALOGUE.tasks.items() if info.fits(task)]
        tasks = fitting if info.kind == "loss" else [task_of(info)]
        line = PLACES[info.kind].format(table(info, NEEDED.get(info.name, "")))
        lines += [(line, task) for task in tasks]
    return lines


def metrics_of(task: str) -> str:
    """Return a line with all metrics that fit a task: of the top 5 there must be more classes."""
    fitting = [info for info in parts("metric") if info.fits(CATALOGUE.tasks[task])]
    left_out = "top" if task == "segmentation" else "-"
    chosen = [info for info in fitting if not info.name.startswith(left_out)]
    tables = [table(info, f'label = "{info.name}_more"') for info in chosen]
    return f"metrics = [{', '.join(tables)}]"


@pytest.mark.parametrize(
    ("line", "task"), [*alone(), *((metrics_of(task), task) for task in BASES)]
)
def test_every_component_trains_where_it_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, task: str
) -> None:
    (tmp_path / "every_own.py").write_text(OWN)
    (tmp_path / "text").write_text("each of the characters " * 20)
    monkeypatch.syspath_prepend(str(tmp_path))
    course = Course(tmp_path, preset(line, task))
    assert (course.ended.state, course.ended.step) == ("finished", 2)
    found = course.last_evaluation
    assert all(math.isfinite(value) for value in found.values())
    assert sum(name.endswith("_more") for name in found) == line.count("_more")


def test_options_that_mean_nothing_are_told_by_their_key() -> None:
    for info in parts(*PLACES):
        for key in ("nonsense", *info.fields):
            line = PLACES[info.kind].format(table(info, f"{key} = {{ no = 1 }}"))
            with pytest.raises(PresetError) as caught:
                parse_preset(preset(line, task_of(info)), "preset.toml")
            said = str(caught.value)
            assert f"{key}: " in said, (info.name, said)
            assert "found" in said or "unknown" in said, said
