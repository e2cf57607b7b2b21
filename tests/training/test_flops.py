"""Floating-point operations are counted on a copy without numbers; peaks are looked up by name."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from tests.training.test_loop import LINE
from tuitrain.config.load import parse_preset
from tuitrain.training.build import TrainingComponents, build_components
from tuitrain.training.profiling.flops import _all_steps, count_work, peak_flops
from tuitrain.training.runtime.randomness import generator_states

DIGITS = """
name = "digits"
task = "classification"
[data]
name = "digits"
[model]
name = "MODEL"
[loss]
name = "cross_entropy"
[train]
device = "cpu"
"""


def parts_of(folder: Path, config: str) -> TrainingComponents:
    return build_components(parse_preset(config, "config.toml"), folder, lambda _text: None)


class LooksAtItsInputs(nn.Module):
    """Does what can't be done without numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        assert inputs.mean().item() < 1e9
        outputs: Tensor = self.layer(inputs)
        return outputs


class HoldsAPlainTensor(nn.Module):
    """Multiplies by a tensor that is neither parameter nor buffer, and result of a computation."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 4)
        self.weights = torch.ones(4, 1, requires_grad=True) * 2

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.layer(inputs) @ self.weights
        return outputs


def with_model(parts: TrainingComponents, model: nn.Module) -> TrainingComponents:
    parts.model = parts.forward = model
    return parts


def test_a_multiply_add_counts_two_and_the_first_layer_needs_no_gradient_of_its_inputs(
    tmp_path: Path,
) -> None:
    parts = parts_of(tmp_path, DIGITS.replace('"MODEL"', '"mlp"\nhidden = [32]'))
    work = count_work(parts)
    assert work is not None
    first, second = 2 * 64 * 32, 2 * 32 * 10
    assert work.flops_per_sample == 2 * first + 3 * second
    assert (work.peak_flops, work.peak_source) == (None, "")


def test_weights_buffers_gradients_mode_and_generators_stay_as_they_are(tmp_path: Path) -> None:
    parts = parts_of(tmp_path, DIGITS.replace('"MODEL"', '"cnn"\ndropout = 0.5'))
    parts.model = nn.Sequential(parts.model, nn.BatchNorm1d(10))
    before = {name: value.clone() for name, value in parts.model.state_dict().items()}
    drawn = generator_states()
    assert count_work(parts) is not None
    assert torch.equal(drawn["torch"], generator_states()["torch"])
    assert all(torch.equal(before[name], value) for name, value in parts.model.state_dict().items())
    assert all(p.grad is None and p.device.type == "cpu" for p in parts.model.parameters())
    assert parts.model.training


def test_a_model_that_needs_numbers_is_not_counted_and_the_log_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    parts = with_model(parts_of(tmp_path, LINE), LooksAtItsInputs())
    assert count_work(parts) is None
    [line] = capfd.readouterr().err.splitlines()
    assert line.startswith("the count of floating-point operations failed and is left out, the run")


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize(
    "options",
    [{}, {"num_layers": 2, "batch_first": True}, {"bidirectional": True, "num_layers": 2},
     {"proj_size": 3, "batch_first": True}],
)  # fmt: skip
def test_a_recurrent_layer_counts_as_step_by_step_and_gives_the_same_shapes(
    kind: type[nn.RNNBase], options: dict[str, Any]
) -> None:
    if "proj_size" in options and kind is not nn.LSTM:
        return
    layer = kind(5, 7, device="meta", **options)
    inputs = torch.empty(4, 6, 5, device="meta")
    found = []
    for forward in (layer, partial(_all_steps, layer)):
        counter = FlopCounterMode(display=False)
        with counter, torch.no_grad():
            outputs, state = forward(inputs)
        states = state if isinstance(state, tuple) else (state,)
        found.append((counter.get_total_flops(), outputs.shape, [each.shape for each in states]))
    assert found[0] == found[1]
    assert found[0][0] > 0


def test_tensors_that_torch_does_not_know_of_are_emptied_too(tmp_path: Path) -> None:
    parts = with_model(parts_of(tmp_path, LINE), HoldsAPlainTensor())
    work = count_work(parts)
    assert work is not None
    assert work.flops_per_sample > 0


@pytest.mark.parametrize(
    ("name", "number_format", "tera"),
    [
        ("NVIDIA H100 80GB HBM3", "bf16", 989.5),
        ("NVIDIA H100 PCIe", "bf16", 756),
        ("NVIDIA H100 NVL", "tf32", 417.5),
        ("NVIDIA H200", "fp32", 67),
        ("NVIDIA A100-SXM4-40GB", "tf32", 156),
        ("NVIDIA A100 80GB PCIe", "fp16", 312),
        ("NVIDIA A10", "bf16", 125),
        ("NVIDIA A10G", "bf16", None),
        ("NVIDIA L4", "bf16", 121),
        ("NVIDIA L40", "fp32", 90.5),
        ("NVIDIA L40S", "bf16", 362),
        ("Tesla T4", "fp16", 65),
        ("Tesla T4", "bf16", None),
        ("Tesla V100-SXM2-16GB", "tf32", 15.7),
        ("Tesla V100-PCIE-32GB", "fp16", 112),
        ("NVIDIA GeForce RTX 3090", "bf16", 71.2),
        ("NVIDIA GeForce RTX 3080 Ti", "bf16", None),
        ("NVIDIA GeForce RTX 4090", "bf16", 165.2),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "bf16", None),
        ("NVIDIA GeForce RTX 4070 Ti SUPER", "bf16", None),
        ("NVIDIA RTX A6000", "bf16", 154.8),
        ("NVIDIA RTX 6000 Ada Generation", "fp32", 91.1),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "bf16", None),
        ("AMD Instinct MI300X", "bf16", None),
    ],
)
def test_the_peak_is_that_of_the_very_product_or_not_known(
    name: str, number_format: str, tera: float | None
) -> None:
    found = peak_flops(name, number_format)
    assert found == (None if tera is None else pytest.approx(tera * 1e12))
