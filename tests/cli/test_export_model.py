"""export-model on a run that has ended, as a user runs it."""

import json
from pathlib import Path

import pytest

from tests.cli.command_line import IRIS, Cli, Trained

pytest.importorskip("safetensors", reason="the extra export is not installed")

ANSWER = {
    "written_by", "format", "int8", "run", "checkpoint", "step", "weights", "model", "task",
    "input", "output", "says", "classes", "normalised", "statistics", "reader", "comparison",
    "quantised", "size_bytes", "files",
}  # fmt: skip


@pytest.fixture(scope="module")
def tuitrain(trained: Trained) -> Cli:
    return trained(IRIS)


def test_a_file_is_written_with_what_belongs_to_it(tuitrain: Cli) -> None:
    (tuitrain.folder / "made").mkdir()
    done = tuitrain("export-model", "long", "--format", "pt2", "-o", "made/iris.pt2", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) == ANSWER
    compared, quantised = answer["comparison"], answer["quantised"]
    assert set(compared) == {"samples", "made_up_because", "difference", "tolerance", "within"}
    assert (compared["samples"], compared["tolerance"], quantised) == (30, 1e-4, None)
    assert answer["input"] == {"name": "inputs", "type": "float32", "shape": ["batch", 4]}
    assert answer["classes"] == ["setosa", "versicolor", "virginica"]
    names = {"iris.pt2", "iris.pt2.json", "iris.pt2.predict.py"}
    assert {path.name for path in (tuitrain.folder / "made").iterdir()} == names
    assert {Path(path).name for path in answer["files"].values()} == names


NOISY = """
import torch
from torch import nn

class Noisy(nn.Linear):
    def __init__(self, spec):
        super().__init__(spec.input_shape[0], spec.outputs)
    def forward(self, inputs):
        return super().forward(inputs) + torch.rand(inputs.shape[0], 1)
"""


def test_a_difference_beyond_the_tolerance_ends_in_exit_code_1(tuitrain: Cli) -> None:
    (tuitrain.folder / "noise.py").write_text(NOISY)
    (tuitrain.folder / "noise.toml").write_text(
        'name = "noise"\ntask = "classification"\ndata = { name = "iris" }\n'
        'model = { name = "noise:Noisy" }\n'
        'optimizer = { name = "sgd", lr = 0.1 }\ntrain = { epochs = 1, batch_size = 32 }\n'
    )
    assert tuitrain("run", "noise.toml", "--name", "noise").returncode == 0
    wanted = ("export-model", "noise", "--format", "safetensors", "-o", "noise.safetensors")
    refused = tuitrain(*wanted)
    assert refused.returncode == 2
    assert "tuitrain export-model" in refused.stderr
    assert "--code noise:Noisy" in refused.stderr
    done = tuitrain(*wanted, "--code", "noise:Noisy")
    assert done.returncode == 1
    assert "allowed 0.0001\nno script: the file holds weights" in done.stdout
    assert "noise.safetensors differs from the model by " in done.stderr
    assert "more than --tolerance 0.0001" in done.stderr


def test_wrong_usage_ends_in_a_sentence_and_exit_code_2(tuitrain: Cli) -> None:
    faults = {
        "--format pt2 --int8": "--int8: it is for onnx and torchscript, not for pt2",
        "--format onnx -o model.pt": "-o model.pt: a file of onnx must end in .onnx",
        "--format onnx -o gone/model.onnx": "-o gone/model.onnx: there is no folder",
    }
    for arguments, fault in faults.items():
        done = tuitrain("export-model", "long", *arguments.split())
        assert (done.returncode, done.stdout) == (2, "")
        assert fault in done.stderr
        assert done.stderr.count("\n") == 1
    assert not list(tuitrain.folder.glob(".export-*"))
