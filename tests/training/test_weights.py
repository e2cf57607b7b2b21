"""A run begins with a file's weights: which files are read, what fits, and what is told."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.training.test_loop import LINE, Course
from tuitrain.errors import CheckpointError, TrainingError
from tuitrain.training.checkpoints.weights import SAFETENSORS_TYPES, begin_with, read_weights

TYPE_NAMES = {kind: name for name, kind in SAFETENSORS_TYPES.items()}


def network(width: int = 4) -> nn.Module:
    return nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Linear(5, width))


def safetensors(tensors: dict[str, Tensor]) -> bytes:
    """Return tensors in the format of safetensors."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, tensor in tensors.items():
        part = bytes(tensor.contiguous().reshape(-1).view(torch.uint8).tolist())
        offsets = [len(data), len(data) + len(part)]
        kind = TYPE_NAMES[tensor.dtype]
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": offsets}
        data += part
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def write(folder: Path, kind: str, state: dict[str, Tensor]) -> Path:
    if kind == "safetensors":
        path = folder / "w.safetensors"
        path.write_bytes(safetensors(state))
        return path
    path = folder / "w.pt"
    wrapped = {
        "plain": state,
        "wrapped": {"state_dict": state, "epoch": 3},
        "parallel": {f"module.{name}": tensor for name, tensor in state.items()},
    }
    torch.save(wrapped[kind], path)
    return path


@pytest.mark.parametrize("kind", ["plain", "wrapped", "parallel", "safetensors"])
def test_every_kind_of_file_gives_a_model_its_weights(tmp_path: Path, kind: str) -> None:
    source, model = network(), network()
    fitting = begin_with(model, write(tmp_path, kind, source.state_dict()))
    assert fitting.is_whole
    assert fitting.text() == "9 of the model's 9 weights were taken"
    for name, tensor in source.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor)


def test_a_checkpoint_of_ours_gives_its_weights(tmp_path: Path) -> None:
    course = Course(tmp_path, LINE)
    weights = read_weights(tmp_path / "checkpoints" / "last.pt")
    for name, tensor in course.parts.model.state_dict().items():
        assert torch.equal(weights[name], tensor)


def test_what_fits_is_taken_and_the_rest_is_told(tmp_path: Path) -> None:
    state = {**network(7).state_dict(), "extra.weight": torch.zeros(2)}
    del state["0.bias"]
    model = network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    fitting = begin_with(model, write(tmp_path, "plain", state))
    assert fitting.text() == (
        "6 of the model's 9 weights were taken; not in the file: 0.bias; only in the file: "
        "extra.weight; of another shape: 2.weight (7x5 in the file, 4x5 in the model), "
        "2.bias (7 in the file, 4 in the model)"
    )
    assert torch.equal(model.state_dict()["0.weight"], state["0.weight"])
    assert torch.equal(model.state_dict()["2.weight"], before["2.weight"])


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "plain", {f"layer{n}.weight": torch.zeros(2) for n in range(9)})
    with pytest.raises(TrainingError) as caught:
        begin_with(network(), path)
    assert "its weights are not of this model, as none fits" in str(caught.value)
    assert "layer4.weight and 4 more" in str(caught.value)


@pytest.mark.parametrize("kind", list(SAFETENSORS_TYPES.values()), ids=str)
def test_every_type_of_safetensors_is_read_to_the_last_bit(
    tmp_path: Path, kind: torch.dtype
) -> None:
    values = torch.tensor([[0, 1, 1], [1, 0, 1]]).to(kind)
    tensors = {"odd": torch.ones(3, dtype=torch.uint8), "a": values, "none": torch.empty(0, 2)}
    found = read_weights(write(tmp_path, "safetensors", tensors))
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)
    assert found["a"].dtype == kind


def _header(header: object, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("w.safetensors", b"abc", "less than 8 bytes"),
        ("w.safetensors", struct.pack("<Q", 1 << 40) + b"{}", "does not fit into it"),
        ("w.safetensors", struct.pack("<Q", 2) + b"{x", "no file of weights, or damaged"),
        ("w.safetensors", _header([]), "its header is no JSON object"),
        ("w.safetensors", _header({"a": 3}), "a has no dtype, shape and data_offsets"),
        ("w.safetensors", _header({"a": {"dtype": "F4", "shape": [], "data_offsets": [0, 1]}}),
         "a is of type F4, known: F64, F32"),
        ("w.safetensors", _header({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}),
         "do not fit each other or the file"),
        ("w.safetensors", _header({"a": {"dtype": "U8", "shape": [-1], "data_offsets": [0, -1]}}),
         "do not fit each other or the file"),
        ("w.pt", b"", "damaged"),
        ("w.pt", b"text", "no file of weights, or damaged"),
        ("absent.pt", None, "can't be read: No such file"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_weights_is_told_in_a_sentence(
    tmp_path: Path, name: str, content: bytes | None, text: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        read_weights(path)
    assert text in str(caught.value)
    assert str(path) in str(caught.value)


def test_weights_that_can_not_be_read_are_told_with_the_key_that_names_them(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"^train\.weights_from = .*absent.pt can.t be read"):
        begin_with(nn.Linear(1, 1), tmp_path / "absent.pt")


def test_a_file_that_holds_something_else_is_told(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "w.pt")
    with pytest.raises(CheckpointError, match="holds no weights: it must be a state dict"):
        read_weights(tmp_path / "w.pt")
