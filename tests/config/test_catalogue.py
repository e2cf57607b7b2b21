import subprocess
import sys

import pytest
import torch
from pydantic import ValidationError

from tuitrain.config.catalogue import COMPONENT_FOLDER, KINDS, TaskInfo, read_catalogue
from tuitrain.config.monitors import default_mode, with_monitors
from tuitrain.config.schema import AugmentSection, HookSection, MetricSection, Preset
from tuitrain.config.torch_names import find_torchvision, torchvision_model_names

SOURCE = '''
import does_not_exist
from tuitrain.components.registry import dataset, model

@model("tower")
def tower(spec: Spec, *, heights: Sequence[PositiveInt] = (3, 4), shape: Literal["round", "square"],
          lean: Annotated[float, Field(ge=0, le=9)] = 0.5, flag: str | None = None) -> nn.Module:
    """Tower: stacked blocks.

    More about it.
    """

@dataset("bricks", download="Bricks, 3 MB", tasks=("regression",))
def bricks(context: Context) -> Splits:
    """Bricks."""

def helper(*, x):
    pass
'''


@pytest.fixture
def catalogue(tmp_path):
    (tmp_path / "things.py").write_text(SOURCE)
    return read_catalogue(tmp_path)


def test_components_are_read_from_source_that_could_not_be_imported(catalogue):
    assert [info.name for kind in KINDS for info in catalogue.of_kind(kind)] == ["bricks", "tower"]


def test_a_component_is_described_by_its_docstrings_first_line_and_its_decorator(catalogue):
    tower, bricks = catalogue.find("model", "tower"), catalogue.find("dataset", "bricks")
    assert tower.description == "Tower: stacked blocks."
    assert (tower.download, tower.tasks) == ("", ())
    assert (bricks.download, bricks.tasks) == ("Bricks, 3 MB", ("regression",))


def test_options_are_the_keyword_only_parameters_with_their_defaults(catalogue):
    values = catalogue.find("model", "tower").options.model_validate({"shape": "round"})
    assert values.model_dump() == {"heights": (3, 4), "shape": "round", "lean": 0.5, "flag": None}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"shape": "oval"},
        {"shape": "round", "heights": [0]},
        {"shape": "round", "heights": ["3"]},
        {"shape": "round", "lean": float("nan")},
        {"shape": "round", "lean": True},
        {"shape": "round", "spec": 1},
    ],
)
def test_options_are_strict_and_closed(catalogue, options):
    with pytest.raises(ValidationError):
        catalogue.find("model", "tower").options.model_validate(options)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('@model("a")\ndef a(*, x=1):\n    """A."""', "'x' has no annotation"),
        ('@model("a")\ndef a(*, x: Path = 1):\n    """A."""', "'Path' is not defined"),
        ('@model("a")\ndef a(*, x: int = int()):\n    """A."""', "malformed"),
        ('@model("a")\ndef a():\n    pass', "docstring"),
        ('@task("a")\ndef a():\n    """A."""', "a task is a class"),
        ('@model("a")\nclass a:\n    """A."""', "a task is a class"),
        ('@task("a")\nclass a:\n    """A."""\n    metrics = ()', "needs 'train_metric'"),
        ('@task("a")\nclass a:\n    """A."""\n    metrics = f()', "malformed"),
        ('@model("a", size=3)\ndef a():\n    """A."""', "size"),
    ],
)
def test_a_component_that_breaks_the_convention_is_named_with_its_line(tmp_path, source, said):
    (tmp_path / "broken.py").write_text(source)
    with pytest.raises(ValueError, match=r"broken\.py:\d+: a: .*" + said):
        read_catalogue(tmp_path)


FITTING = '''
@loss("elbo", tasks=("labels",), terms=("error", "kl"))
def elbo():
    """Error and divergence."""

@metric("hits", targets=("classes", "yes_no"), larger_is_better=True)
def hits(run):
    """Hits."""
'''


def test_a_component_says_which_targets_it_fits_and_a_loss_its_terms(tmp_path):
    (tmp_path / "things.py").write_text(FITTING)
    found = read_catalogue(tmp_path)
    elbo, hits = found.find("loss", "elbo"), found.find("metric", "hits")
    assert (elbo.terms, hits.larger_is_better) == (("error", "kl"), True)
    tasks = {
        "labels": TaskInfo("labels", "", (), "a", has_classes=True),
        "numbers": TaskInfo("numbers", "", (), "a", targets=("numbers", "mixable")),
        "silent": TaskInfo("silent", "", (), "a"),
    }
    assert [name for name, task in tasks.items() if hits.fits(task)] == ["labels", "silent"]
    assert [name for name, task in tasks.items() if elbo.fits(task)] == ["labels"]


TASK = '''
@task("labels")
class Labels(Task):
    """Any number of several labels a sample.

    More about it.
    """
    metrics = ("accuracy", "f1")
    train_metric: ClassVar[str] = "accuracy"
    larger_is_better = ("accuracy",)
    monitor = "val/f1"
    loss = "tower_loss"
    helper = torch.zeros(3)
'''


def test_a_task_is_described_by_the_literals_of_its_class(tmp_path):
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "labels.py").write_text(TASK)
    labels = read_catalogue(tmp_path).tasks["labels"]
    assert labels.description == "Any number of several labels a sample."
    watched = ("val/loss", "val/accuracy", "val/f1", "train/loss", "train/accuracy")
    assert (labels.loss, labels.watched) == ("tower_loss", watched)
    filled = with_monitors({}, labels)
    assert filled["checkpoint"] == {"monitor": "val/f1", "mode": "min"}
    assert filled["stop"] == {"monitor": "val/loss", "mode": "min"}
    assert default_mode("val/accuracy", labels) == "max"


def test_every_task_says_of_itself_what_its_class_does():
    from tuitrain.training.task import find_task

    for name, info in read_catalogue().tasks.items():
        task = find_task(name)
        for key in ("metrics", "train_metric", "larger_is_better", "monitor", "loss", "targets"):
            assert getattr(task, key) == getattr(info, key), (name, key)
        assert info.monitor in info.watched
        assert read_catalogue().find("loss", info.loss)
        assert set(task.accumulator(2, torch.device("cpu")).metrics()) == set(info.metrics)


def test_a_name_can_be_registered_once_a_kind(tmp_path):
    component = '@{kind}("a")\ndef a():\n    """A."""\n'
    (tmp_path / "one.py").write_text(component.format(kind="model"))
    (tmp_path / "two.py").write_text(component.format(kind="loss"))
    assert len(read_catalogue(tmp_path).components) == 2
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "three.py").write_text(component.format(kind="model") * 2)
    with pytest.raises(ValueError, match="registered twice"):
        read_catalogue(tmp_path / "more")


def test_every_kind_has_components_of_its_own():
    catalogue = read_catalogue()
    assert all(catalogue.of_kind(kind) for kind in KINDS), COMPONENT_FOLDER


def test_no_components_option_hides_behind_a_key_of_its_section():
    fields = {
        kind: set(Preset.model_fields[section].annotation.model_fields)
        for section, kind in (
            ("data", "dataset"),
            ("model", "model"),
            ("loss", "loss"),
            ("optimizer", "optimizer"),
            ("schedule", "schedule"),
        )
    }
    fields["augmentation"] = set(AugmentSection.model_fields)
    fields["hook"] = set(HookSection.model_fields)
    fields["metric"] = set(MetricSection.model_fields)
    for (kind, name), info in read_catalogue().components.items():
        assert not fields[kind] & set(info.fields), (kind, name)


def test_every_default_of_a_component_is_valid_itself():
    for info in read_catalogue().components.values():
        given = {key: default for key, (_, default) in info.fields.items() if default is not ...}
        required = {key for key, (_, default) in info.fields.items() if default is ...}
        try:
            info.options.model_validate(given)
        except ValidationError as error:
            assert {detail["loc"][0] for detail in error.errors()} == required


def test_names_of_torchvision_models_are_those_that_torchvision_lists():
    script = (
        "import torchvision.models as m, sys;"
        "print(*m.list_models(module=m))"
    )  # fmt: skip
    listed = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert list(torchvision_model_names(find_torchvision())) == sorted(listed.stdout.split())


def test_reading_the_catalogue_imports_neither_torch_nor_torchvision():
    script = (
        "import sys; from tuitrain.config.load import load_preset, parse_preset;"
        "from tuitrain.config.presets import find_preset;"
        "load_preset(find_preset('digits-cnn').path,"
        "  ['model={name=\"torchvision.resnet18\"}']);"
        "print([m for m in ('torch', 'torchvision', 'sklearn', 'typer', 'textual', 'numpy')"
        "  if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
