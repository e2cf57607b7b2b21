"""Failures made for real with the torch that is installed: each is known by what it says."""

import errno
import io
import os
import pickle
import signal
import socket
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torch.utils.data._utils import signal_handling

from tuitrain.failures.explain import Failure, explain

zeros = torch.zeros


class Items(Dataset[Any]):
    """Four samples, each made by a function of its number."""

    def __init__(self, make: Callable[[int], Any]) -> None:
        self.make = make

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        return self.make(index)


def backward_twice() -> None:
    x = torch.ones(2, requires_grad=True)
    loss = (x * x).sum()
    loss.backward()
    loss.backward()


def backward_of_two() -> None:
    (torch.ones(2, requires_grad=True) * 2).backward()


def change_in_place() -> None:
    x = torch.ones(2, requires_grad=True)
    y = x.exp()
    y += 1
    y.sum().backward()


def change_a_leaf() -> None:
    x = torch.ones(2, requires_grad=True)
    x += 1


def load_other_sizes() -> None:
    nn.Linear(8, 4).load_state_dict(nn.Linear(8, 5).state_dict())


def load_a_broken_file() -> None:
    torch.load(io.BytesIO(b"PK\x03\x04" + b"garbage" * 100))


def bind_twice() -> None:
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        first.listen()
        second.bind(first.getsockname())


def fill_the_disk() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    with Path("/dev/full").open("w", buffering=1) as full:
        full.write("x\n")


def kill_a_loader(number: int) -> None:
    list(DataLoader(Items(lambda _n: os.kill(os.getpid(), number)), num_workers=1))


REAL: list[tuple[str, Callable[[], Any], str]] = [
    ("layer and input do not fit", lambda: nn.Linear(8, 4)(zeros(2, 7)),
     "The input has 7 features, the layer takes 8."),
    ("layer and input do not fit", lambda: torch.bmm(zeros(2, 3, 4), zeros(2, 5, 4)), ""),
    ("wrong number of channels", lambda: nn.Conv2d(3, 4, 3)(zeros(2, 1, 8, 8)),
     "It takes 3, the input has 1. The input's shape is [2, 1, 8, 8]."),
    ("wrong number of channels", lambda: nn.BatchNorm2d(3)(zeros(2, 4, 3, 3)),
     "It takes 3, the input has 4."),
    ("wrong number of dimensions", lambda: nn.Conv2d(3, 4, 3)(zeros(2, 8)), "and got [2, 8]."),
    ("wrong number of dimensions", lambda: nn.BatchNorm2d(3)(zeros(2, 3)), "and got 2D."),
    ("image too small for the model", lambda: nn.Conv2d(3, 4, 5)(zeros(2, 3, 3, 3)),
     "3 x 3 for a kernel of 5 x 5."),
    ("a batch of one in training", lambda: nn.BatchNorm1d(3)(zeros(1, 3)), ""),
    ("class number out of range", lambda: F.cross_entropy(zeros(2, 3), torch.tensor([0, 3])),
     "The target was 3."),
    ("class number out of range", lambda: F.cross_entropy(zeros(2, 3), torch.tensor([0, -1])),
     "The target was -1."),
    ("index out of range", lambda: nn.Embedding(5, 2)(torch.tensor([7])), ""),
    ("index out of range", lambda: zeros(3)[5], "Index 5 into dimension 0 of size 3."),
    ("probability out of range",
     lambda: F.binary_cross_entropy(torch.tensor([1.5]), torch.tensor([1.0])), ""),
    ("outputs and targets do not fit",
     lambda: F.cross_entropy(zeros(2, 3), torch.tensor([0, 1, 2])),
     "Outputs are [2], targets [3]."),
    ("outputs and targets do not fit",
     lambda: F.binary_cross_entropy_with_logits(zeros(2, 1), zeros(2)),
     "Outputs are [2, 1], targets [2]."),
    ("wrong type of targets", lambda: F.cross_entropy(zeros(2, 3), zeros(2)), "Float was given."),
    ("wrong type of targets",
     lambda: F.cross_entropy(zeros(2, 3), torch.tensor([0, 1], dtype=torch.int32)),
     "Int was given."),
    ("wrong type of targets", lambda: nn.Embedding(5, 2)(zeros(1)), "Float was given."),
    ("types of inputs and weights differ", lambda: nn.Linear(8, 4)(zeros(2, 8).double()),
     "Double meets Float."),
    ("types of inputs and weights differ", lambda: nn.Conv2d(3, 4, 3)(zeros(2, 3, 8, 8).byte()),
     "unsigned char meets float."),
    ("tensors on different devices", lambda: zeros(2, device="meta") + zeros(2),
     "One is on cpu, another on meta."),
    ("tensors of different sizes", lambda: zeros(3) + zeros(4), "3 and 4 in dimension 0."),
    ("tensors of different sizes", lambda: zeros(3, 4).view(5, -1),
     "12 numbers do not fill [5, -1]."),
    ("samples of different sizes in a batch",
     lambda: list(DataLoader(Items(lambda n: zeros(n + 1)), batch_size=2)),
     "One is [1], another (place 1) [2]."),
    ("samples of different sizes in a batch",
     lambda: list(DataLoader(Items(lambda _n: None), batch_size=2)), "One is NoneType."),
    ("backward a second time", backward_twice, ""),
    ("changed in place", change_in_place, "It is [2], a result of Exp."),
    ("changed in place", change_a_leaf, ""),
    ("nothing to train", lambda: torch.ones(2).sum().backward(), ""),
    ("nothing to train", lambda: torch.optim.SGD([], lr=0.1), ""),
    ("loss is no single number", backward_of_two, ""),
    ("weights do not fit the model", load_other_sizes,
     "weight is [5, 8] in the file and [4, 8] in the model."),
    ("weights do not fit the model",
     lambda: nn.Linear(8, 4).load_state_dict({"module.weight": zeros(4, 8)}),
     "The file lacks weight. Only the file has module.weight."),
    ("called with other arguments", lambda: nn.Linear(2, 2)(zeros(1, 2), zeros(1)),
     "It is Linear.forward."),
    ("file damaged or of another kind", load_a_broken_file, ""),
    ("file missing", lambda: Path("/nowhere/labels.csv").read_text(), "It is /nowhere/labels.csv."),
    ("file missing",
     lambda: list(DataLoader(Items(lambda _n: Path("/nowhere/x.png").read_bytes()), num_workers=1)),
     "It is /nowhere/x.png."),
    ("package missing", lambda: __import__("nothing_of_this_name"), "It is nothing_of_this_name."),
    ("can't be pickled", lambda: pickle.dumps(lambda: 0), ""),
    ("disk full", fill_the_disk, ""),
    ("address in use", bind_twice, ""),
    ("out of host memory", lambda: torch.empty(1 << 50),
     "It was asked for 4503599627370496 bytes."),
    ("loader worker killed", lambda: kill_a_loader(signal.SIGKILL), ""),
    ("loader worker without shared memory", lambda: kill_a_loader(signal.SIGBUS), ""),
    ("loader worker crashed", lambda: kill_a_loader(signal.SIGSEGV),
     "The signal was Segmentation fault."),
    ("too many open files", lambda: _raise(errno.EMFILE), ""),
    ("permission denied", lambda: _raise(errno.EACCES), "It is /data/x."),
    ("disk full", lambda: _raise(errno.EDQUOT), "It was /data/x."),
]  # fmt: skip


def _raise(number: int) -> None:
    """Raise what the system would: tests may run as a user whom nothing is denied."""
    raise OSError(number, os.strerror(number), "/data/x")


def failures_of(act: Callable[[], Any]) -> tuple[Failure, ...]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            act()
    except Exception:
        return explain(traceback.format_exc())
    raise AssertionError("nothing was raised")


@pytest.fixture(autouse=True)
def torch_hears_of_dead_children(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let torch take the signal of a child's end again: an event loop of another test may have."""
    monkeypatch.setattr(signal_handling, "_SIGCHLD_handler_set", False)
    before = signal.getsignal(signal.SIGCHLD)
    yield
    if before is not None:
        signal.signal(signal.SIGCHLD, before)


@pytest.mark.parametrize(
    ("kind", "act", "figures"), REAL, ids=[f"{n} {each[0]}" for n, each in enumerate(REAL)]
)
def test_what_torch_and_python_raise_is_known(
    kind: str, act: Callable[[], Any], figures: str
) -> None:
    found = failures_of(act)[0]
    assert found.kind == kind
    assert figures in found.meaning
    assert found.advice
    assert found.place is not None
    assert found.place.file == __file__


def test_the_place_is_the_users_last_line_before_a_library() -> None:
    place = failures_of(backward_twice)[0].place
    assert place is not None
    assert (place.function, place.code) == ("backward_twice", "loss.backward()")


@pytest.mark.skipif(torch.cuda.is_available(), reason="asks for a GPU where there is none")
def test_a_gpu_that_is_not_there_is_told_as_such() -> None:
    assert failures_of(lambda: zeros(1).cuda())[0].kind == "no GPU"
