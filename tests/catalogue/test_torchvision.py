"""Classifiers of torchvision with any images: heads, weights from its cache, frozen bodies."""

import warnings
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models import get_model, get_model_weights

from tests.training.test_hooks import resumed
from tests.training.test_loop import Course
from tuitrain.components import DataSpec
from tuitrain.components.models.heads import last_layer
from tuitrain.components.models.torchvision import (
    PrepareImages,
    replace_head,
    torchvision_classifier,
)
from tuitrain.config.load import parse_preset
from tuitrain.errors import DataUnavailableError, TrainingError
from tuitrain.training.build import build_components
from tuitrain.training.checkpoints.files import load_checkpoint

HEADS = {
    "alexnet": "classifier.6",
    "vgg11_bn": "classifier.6",
    "resnet18": "fc",
    "squeezenet1_1": "classifier.1",
    "densenet121": "classifier",
    "inception_v3": "fc",
    "googlenet": "fc",
    "shufflenet_v2_x0_5": "fc",
    "mobilenet_v2": "classifier.1",
    "mobilenet_v3_small": "classifier.3",
    "mnasnet0_5": "classifier.1",
    "efficientnet_b2": "classifier.1",
    "convnext_tiny": "classifier.2",
    "vit_b_32": "heads.head",
    "swin_t": "head",
}
NET = "squeezenet1_1"
COLOUR = DataSpec((3, 32, 32), 7)


@pytest.mark.parametrize("name", HEADS)
def test_the_last_layer_of_each_family_is_replaced_and_no_other(name: str) -> None:
    with torch.device("meta"), warnings.catch_warnings():
        # torchvision warns that it draws the weights of two old networks.
        warnings.simplefilter("ignore", FutureWarning)
        network = get_model(name)
        before = {name: p.shape for name, p in network.named_parameters()}
        replace_head(network, 7)
    assert last_layer(network) == HEADS[name]
    after = {name: p.shape for name, p in network.named_parameters()}
    changed = {name for name in before if before[name] != after[name]}
    assert {name.rpartition(".")[0] for name in changed} == {HEADS[name]}
    assert before.keys() == after.keys()
    assert after[f"{HEADS[name]}.weight"][0] == 7


def test_efficientnet_b2_keeps_its_dropout_before_1408_features_to_the_classes() -> None:
    with torch.device("meta"):
        network = get_model("efficientnet_b2")
        replace_head(network, 3)
    dropout, last = network.classifier
    assert (dropout.p, last.in_features, last.out_features) == (0.3, 1408, 3)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of torchvision's weights, with those of one small network."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.manual_seed(7)
    file = str(get_model_weights(NET).DEFAULT.url).rpartition("/")[2]
    torch.save(get_model(NET).state_dict(), folder / file)
    return folder


def test_pretrained_weights_come_from_torchvisions_cache_with_their_own_transforms(
    cache: Path,
) -> None:
    saved = torch.load(next(cache.iterdir()))
    for options in ({"pretrained": True}, {"weights": "IMAGENET1K_V1"}):
        network = torchvision_classifier(COLOUR, NET, **options)  # type: ignore[arg-type]
        state = network.state_dict()
        assert torch.equal(state["features.0.weight"], saved["features.0.weight"])
        assert state["classifier.1.weight"].shape == (7, 512, 1, 1)
        assert network.input_statistics == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        assert list(network._forward_pre_hooks.values()) == [PrepareImages(256, 224, "bilinear")]
    with pytest.raises(TrainingError, match=r"V9: .* has IMAGENET1K_V1, DEFAULT$"):
        torchvision_classifier(COLOUR, NET, weights="V9")


def test_images_are_given_three_channels_and_the_size_of_the_weights() -> None:
    prepare, nothing = PrepareImages(256, 224), nn.Identity()
    made = prepare(nothing, (torch.rand(2, 1, 30, 40),))[0]
    assert made.shape == (2, 3, 224, 224)
    assert torch.equal(made[:, 0], made[:, 2])
    right = torch.rand(2, 3, 224, 224)
    assert prepare(nothing, (right,))[0] is right
    assert PrepareImages()(nothing, (right[..., :8, :9],))[0].shape == (2, 3, 8, 9)
    with pytest.raises(TrainingError, match="takes images of 1 or 3 channels, the data has 4"):
        torchvision_classifier(DataSpec((4, 32, 32), 7), NET)


@pytest.mark.parametrize("damage", [None, b"", b"no weights"])
def test_weights_that_are_not_here_offline_are_told_with_file_and_place(
    cache: Path, damage: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setattr("urllib.request._opener", None)
    [file] = cache.iterdir()
    file.unlink() if damage is None else file.write_bytes(damage)
    with pytest.raises(DataUnavailableError) as caught:
        torchvision_classifier(COLOUR, NET, pretrained=True)
    text = str(caught.value)
    state = "is missing, and can't be downloaded" if damage is None else "is not whole"
    for part in (str(file), "IMAGENET1K_V1", state, "https://download.pytorch.org/models/", NET):
        assert part in text
    assert "\n" not in text


@pytest.mark.parametrize("name", ["inception_v3", "googlenet"])
def test_networks_with_second_heads_have_one_output(name: str) -> None:
    with torch.device("meta"):
        network = torchvision_classifier(COLOUR, name, size=80)
        assert network.train()(torch.empty(2, 1, 32, 32)).shape == (2, 7)


PRETRAINED = """
name = "digits"
task = "classification"
{hooks}
[data]
name = "digits"
[model]
name = "torchvision.{net}"
size = 32
{model}
[train]
epochs = 6
max_steps = 6
batch_size = 718
accumulate = 1
threads = 1
[checkpoint]
every_steps = 2
keep = 9
"""


def test_digits_are_normalised_as_the_weights_were(cache: Path) -> None:
    assert cache
    config = PRETRAINED.format(net=NET, model="pretrained = true", hooks="")
    components = build_components(parse_preset(config, "x"), cache, lambda _text: None)
    raw = torch.tensor([[0, 255]], dtype=torch.uint8).reshape(1, 1, 1, 2)
    made = components.data.preparation.evaluate(raw)
    assert made.shape == (1, 3, 1, 2)
    assert made[0, 0, 0].tolist() == pytest.approx([-0.485 / 0.229, (1 - 0.485) / 0.229])


class SmallNet(nn.Module):
    """A body with batch normalisation, and a head."""

    def __init__(self, spec: DataSpec) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(4 * 36, spec.outputs)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.fc(self.drop(self.norm(self.conv(images)).flatten(1)))
        return out


FROZEN = """
name = "digits"
task = "classification"
hooks = [{ name = "unfreeze", modules = ["body"], at_epoch = 2 }]
[data]
name = "digits"
augment = [{ name = "random_crop", padding = 1 }, { name = "rand_augment" }]
[model]
name = "tests.catalogue.test_torchvision:SmallNet"
[train]
epochs = 4
batch_size = 400
threads = 1
[checkpoint]
every_steps = 3
keep = 9
"""


def test_a_body_is_frozen_with_its_statistics_until_its_epoch_and_goes_on_exactly(
    tmp_path: Path,
) -> None:
    Course(tmp_path, FROZEN)
    states = {
        step: load_checkpoint(tmp_path / "checkpoints" / f"step-{step:08d}.pt")["model"]
        for step in (3, 6, 9, 12)
    }
    body = ("conv.weight", "norm.weight", "norm.running_mean", "norm.num_batches_tracked")
    for name in body:
        assert torch.equal(states[3][name], states[6][name])
        assert not torch.equal(states[6][name], states[12][name])
    assert not torch.equal(states[3]["fc.weight"], states[6]["fc.weight"])
    whole = load_checkpoint(tmp_path / "checkpoints" / "last.pt")
    for step in (3, 9):
        again, _points = resumed(tmp_path, FROZEN, step)
        assert again["digest"] == whole["digest"]
        assert again["metrics"] == whole["metrics"]


def test_a_frozen_classifier_trains_its_head_alone_and_keeps_its_statistics(tmp_path: Path) -> None:
    model = 'freeze = "body"'
    config = PRETRAINED.format(net="shufflenet_v2_x0_5", model=model, hooks="")
    course = Course(tmp_path, config.replace("max_steps = 6", "max_steps = 2"))
    trained = [name for name, p in course.parts.model.named_parameters() if p.requires_grad]
    assert trained == ["fc.weight", "fc.bias"]
    state = course.parts.model.state_dict()
    assert all(int(state[name]) == 0 for name in state if name.endswith("num_batches_tracked"))
