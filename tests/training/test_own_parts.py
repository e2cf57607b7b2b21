"""What a user's part brings is kept or refused, never silently changed."""

import collections
import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.training.test_loop import LINE, Course
from tuitrain.config.schema import OptimizerSection
from tuitrain.errors import CheckpointError, DamagedCheckpointError, TrainingError
from tuitrain.messages import ChangeSetting, CommandDone
from tuitrain.training.checkpoints.files import FORMAT, CheckpointFolder, load_checkpoint
from tuitrain.training.checkpoints.saveable import copy_nested, digest_state, unsaveable
from tuitrain.training.modules.modes import begin_training_mode, evaluation_mode
from tuitrain.training.optimization.groups import ParameterGroups
from tuitrain.training.optimization.optimizer import restore_optimizer
from tuitrain.training.optimization.schedule import Schedule

OWN = """
import collections, datetime, functools
import numpy as np
import torch
from torch import nn

def net(spec):
    return nn.Sequential(nn.Flatten(), nn.Linear(1, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
def frozen(spec):
    model = net(spec)
    model[2].eval().requires_grad_(False)
    return model
class Keeps(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.layer, self.scale, self.table = nn.Linear(1, 1), nn.Parameter(torch.ones(1)), None
    def forward(self, inputs):
        if self.table is None or len(self.table) < len(inputs):
            self.table = torch.ones(len(inputs), 1)
        return self.layer(inputs) * (self.scale * self.table[: len(inputs)])
class Extra(nn.Linear):
    def __init__(self, spec): super().__init__(1, 1)
    def get_extra_state(self):
        today = datetime.date.today()
        return {"seen": [1, 2.5], "names": {"a"}, "array": np.arange(3), "at": today}
    def set_extra_state(self, state): self.extra = state

def groups(parameters, *, lr, weight_decay):
    weights = [p for p in parameters if p.ndim > 1]
    others = [p for p in parameters if p.ndim <= 1]
    return torch.optim.AdamW(
        [{"params": weights}, {"params": others, "weight_decay": 0.0, "lr": lr / 10}],
        lr=lr, weight_decay=weight_decay,
    )
def fixed(parameters, lr): return torch.optim.AdamW(parameters, lr=lr, weight_decay=5.0)
def rateless(parameters, lr):
    optimizer = torch.optim.SGD(parameters, lr=lr)
    optimizer.param_groups[0]["lr"] = None
    return optimizer
class Odd(torch.optim.SGD):
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p].setdefault("seen", collections.deque(maxlen=3)).append(1.0)
        return super().step(closure)
def odd(parameters, lr): return Odd(parameters, lr=lr)

def numpy_number(step, total): return np.float64(1 - step / total)
def tensor(step, total): return torch.tensor(1 - step / total)
def nothing(step, total): return None
def nan(step, total): return float("nan")
def negative(step, total): return -0.5 if step > 2 else 1.0
def many(step, total): return torch.ones(2)
def text(step, total): return "1.0"
"""


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kept.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)


def preset(more: str = "", **names: str) -> str:
    text = LINE.replace('name = "mlp"\nhidden = [8]', f'name = "{names.get("model", "linear")}"')
    text = text.replace('name = "sgd"', f'name = "{names.get("optimizer", "sgd")}"')
    schedule = f'\n[schedule]\nname = "{names["schedule"]}"' if "schedule" in names else ""
    return f"{text}batch_size = 20\n{more}{schedule}"


# --- optimizers -----------------------------------------------------------------------------------


def test_parameter_groups_keep_their_ratio_and_their_decay(tmp_path: Path) -> None:
    text = preset(model="kept:net", optimizer="kept:groups", schedule="linear")
    text = text.replace("lr = 0.1", "lr = 0.1\nweight_decay = 0.05")
    decay = ChangeSetting(2, "optimizer.weight_decay", 0.3)
    course = Course(tmp_path, text, ChangeSetting(1, "optimizer.lr", 0.2), decay)
    rate = course.points("lr")[-1]
    found = [(g["lr"], g["weight_decay"]) for g in course.parts.optimizer.param_groups]
    assert 0 < rate < 0.2
    assert found == [(pytest.approx(rate), 0.3), (pytest.approx(rate / 10), 0.0)]


def test_an_optimizer_that_fixes_its_decay_keeps_it_and_refuses_another(tmp_path: Path) -> None:
    change = ChangeSetting(1, "optimizer.weight_decay", 0.3)
    course = Course(tmp_path, preset(optimizer="kept:fixed"), change)
    assert [g["weight_decay"] for g in course.parts.optimizer.param_groups] == [5.0]
    [done] = [event for event in course.events if isinstance(event, CommandDone)]
    assert (done.outcome, done.text) == (
        "refused",
        "every parameter group of the optimizer fixes its own decay",
    )


@pytest.mark.parametrize("name", ["torch.optim:Rprop", "torch.optim:LBFGS", "torch.optim:Adagrad"])
def test_optimizers_without_decay_and_with_closures_train(tmp_path: Path, name: str) -> None:
    course = Course(tmp_path, preset("clip_norm = 10.0", optimizer=name))
    losses = course.points("train/loss")
    assert len(losses) == 15
    assert losses[-1] < losses[0]


def test_a_decay_that_the_optimizer_does_not_take_is_refused(tmp_path: Path) -> None:
    text = preset(optimizer="torch.optim:LBFGS").replace("lr = 0.1", "lr = 0.1\nweight_decay = 0.1")
    with pytest.raises(TrainingError, match=r"torch\.optim:LBFGS takes no weight_decay; leave it"):
        Course(tmp_path, text)


def test_an_optimizer_with_closures_is_refused_where_losses_are_scaled(tmp_path: Path) -> None:
    text = preset('precision = "fp16"', optimizer="torch.optim:LBFGS")
    with pytest.raises(TrainingError, match="precision = fp16 can't scale; take fp32 or bf16"):
        Course(tmp_path, text)


def test_a_group_without_a_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="kept:rateless: a parameter group has the learning"):
        Course(tmp_path, preset(optimizer="kept:rateless"))


def test_a_rate_that_is_a_tensor_stays_the_tensor_it_was() -> None:
    rate = torch.tensor(0.1)
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=rate)
    ParameterGroups(optimizer, OptimizerSection(name="own", lr=0.1)).set_rate(0.05)
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == pytest.approx(0.05)


def test_an_optimizers_state_comes_back_in_its_own_types() -> None:
    weight = nn.Parameter(torch.ones(2, dtype=torch.bfloat16))
    state: dict[str, Any] = {
        "master": torch.full((2,), 1.001),
        "seen": torch.tensor([2**31], dtype=torch.int64),
        "note": "as is",
        "array": np.arange(3),
        "names": {"a"},
        "pair": (torch.ones(1, dtype=torch.float64), 1, None),
    }
    one = torch.optim.SGD([weight], lr=0.1)
    one.state[weight] = state
    other = torch.optim.SGD([weight], lr=0.1)
    restore_optimizer(other, one.state_dict(), "it")
    back = other.state[weight]
    assert digest_state(back) == digest_state(state)
    assert [back[key].dtype for key in ("master", "seen")] == [torch.float32, torch.int64]


# --- schedules ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["kept:numpy_number", "kept:tensor"])
def test_a_schedules_number_of_any_library_becomes_a_plain_one(tmp_path: Path, name: str) -> None:
    course = Course(tmp_path, preset(schedule=name))
    rates = course.points("lr")
    assert {type(rate) for rate in rates} == {float}
    assert rates == pytest.approx([0.1 * (1 - step / 15) for step in range(15)])
    assert load_checkpoint(tmp_path / "checkpoints" / "last.pt")["step"] == 15


@pytest.mark.parametrize("name", ["nothing", "nan", "negative", "many", "text"])
def test_a_schedule_that_gives_no_rate_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(TrainingError, match=f"schedule.name = kept:{name} returned .* must return"):
        Course(tmp_path, preset(schedule=f"kept:{name}"))


def test_a_schedule_with_state_is_asked_once_a_step_and_goes_on_from_its_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tuitrain.config.schema import ScheduleSection

    (tmp_path / "stateful.py").write_text(
        "class Falls:\n"
        "    def __init__(self, *, by): self.by, self.asked = by, 0\n"
        "    def __call__(self, step, total):\n"
        "        self.asked += 1\n"
        "        return self.by ** self.asked\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    section = ScheduleSection.model_validate({"name": "stateful:Falls", "by": 0.5})
    one, other = Schedule(section), Schedule(section)
    assert [one(step, 9) for step in (0, 0, 1, 1)] == [0.5, 0.5, 0.25, 0.25]
    other.load_state_dict(one.state_dict())
    assert [other(step, 9) for step in (1, 2)] == [one(1, 9), 0.125]


# --- modes ----------------------------------------------------------------------------------------


def test_a_module_in_evaluation_mode_stays_there_over_evaluations(tmp_path: Path) -> None:
    course = Course(tmp_path, preset(model="kept:frozen"))
    norm = course.parts.model[2]  # type: ignore[index]
    assert (course.parts.model.training, norm.training) == (True, False)
    assert norm.running_mean.tolist() == [0.0] * 4


def test_modes_are_given_back_through_the_modules_own_train() -> None:
    class Merging(nn.Linear):
        merged = False

        def train(self, mode: bool = True) -> "Merging":
            self.merged = not mode
            return super().train(mode)  # type: ignore[return-value]

    frozen = nn.BatchNorm1d(1).eval()
    model = nn.Sequential(Merging(1, 1), nn.Sequential(frozen, nn.Dropout()))
    with evaluation_mode(model, lambda: None):
        assert not any(module.training for module in model.modules())
        assert model[0].merged
    assert not model[0].merged
    assert [module.training for module in model.modules()] == [True, True, True, False, True]


def test_a_model_that_is_wholly_in_evaluation_mode_is_put_into_training() -> None:
    model = nn.Sequential(nn.Dropout()).eval()
    assert begin_training_mode(model)
    assert model[0].training
    assert not begin_training_mode(nn.Sequential(nn.Dropout().eval()))


def test_a_table_that_a_model_keeps_from_an_evaluation_is_used_in_training(tmp_path: Path) -> None:
    course = Course(tmp_path, preset(model="kept:Keeps"))
    assert course.ended.state == "finished"


# --- what a checkpoint holds ----------------------------------------------------------------------


def test_a_modules_extra_state_is_saved_and_in_the_digest(tmp_path: Path) -> None:
    Course(tmp_path, preset(model="kept:Extra"))
    state = load_checkpoint(tmp_path / "checkpoints" / "last.pt")
    extra = state["model"]["_extra_state"]
    assert (extra["seen"], extra["names"], extra["array"].tolist()) == ([1, 2.5], {"a"}, [0, 1, 2])
    other = {**state["model"], "_extra_state": {**extra, "seen": [1, 2]}}
    assert digest_state(other) != state["digest"]


def test_a_state_that_could_not_be_loaded_again_ends_the_run_in_its_first_steps(
    tmp_path: Path,
) -> None:
    with pytest.raises(TrainingError) as caught:
        Course(tmp_path, preset("max_steps = 15", optimizer="kept:odd"))
    assert "optimizer['state'][0]['seen'] is a collections.deque" in str(caught.value)
    assert caught.value.__notes__ == ["the last step could not be saved"]
    assert not list((tmp_path / "checkpoints").iterdir())


class Version(str):
    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (collections.deque([1]), "collections.deque"),
        (collections.namedtuple("Pair", "a b")(1, 2), "tests.training.test_own_parts.Pair"),
        (collections.defaultdict(list), "collections.defaultdict"),
        (Version("1"), "tests.training.test_own_parts.Version"),
        (np.array(["text"]), "numpy.ndarray"),
        (np.random.default_rng(0), "numpy.random._generator.Generator"),
        (Path("/"), f"pathlib.{type(Path()).__name__}"),
        (print, "builtin_function_or_method"),
    ],
)
def test_what_would_not_load_is_found_by_place_and_type(value: Any, kind: str) -> None:
    [(where, found)] = unsaveable({"loss": {"kept": [torch.ones(1), (value,)]}})
    assert (where, found.split(".")[-1]) == ("loss['kept'][1][0]", kind.rsplit(".", maxsplit=1)[-1])


@pytest.mark.filterwarnings("ignore:Validating sparse tensor invariants")
def test_all_that_is_accepted_loads_as_it_was(tmp_path: Path) -> None:
    model = {
        "plain": [None, True, 2**70, 1.5, 1j, "text", b"bytes", (1, 2), {"a"}, frozenset({1})],
        "times": [datetime.datetime(2026, 1, 1), datetime.timedelta(1), datetime.date(2026, 1, 1)],
        "numpy": [np.arange(3), np.float32(1.5), np.bool_(True), np.ones(2, ">i4"), np.zeros(())],
        "keyed": [collections.OrderedDict(a=1), collections.Counter("aab"), {1: {"b": 2}}],
        "tensors": [torch.eye(2).to_sparse(), torch.ones(2, dtype=torch.complex64),
                    torch.zeros(0), torch.ones((), dtype=torch.bfloat16), torch.ones(2, 3).t()],
        "torch": [torch.Size([1, 2]), torch.float16, torch.device("cpu")],
    }  # fmt: skip
    assert list(unsaveable(model)) == []
    copied = copy_nested(model, lambda tensor, _place: tensor.clone())
    folder = CheckpointFolder(tmp_path)
    digest = digest_state(model)
    path = folder.write({"format": FORMAT, "digest": digest, "model": copied}, 1, prove=True)
    loaded = load_checkpoint(path)["model"]
    assert digest_state(loaded) == digest
    for name, values in model.items():
        assert [type(value) for value in loaded[name]] == [type(value) for value in values]


def test_a_whole_file_that_names_code_is_refused_and_not_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "step-00000001.pt"
    torch.save({"format": FORMAT, "digest": "", "model": {}, "seen": collections.deque()}, path)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    assert not isinstance(caught.value, DamagedCheckpointError)
    assert "is whole, but holds collections.deque, which is never loaded" in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_first_file_that_does_not_read_back_never_takes_its_place(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path / "checkpoints")
    folder.prepare()
    with pytest.raises(CheckpointError):
        folder.write({"format": FORMAT, "digest": "of others", "model": {}}, 1, prove=True)
    assert list(folder.folder.iterdir()) == []
