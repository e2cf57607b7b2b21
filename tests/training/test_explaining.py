"""What is told of a decision, against models whose reasons are known."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from tests.training.test_evaluating import IRIS, SENTENCE, TASKS, Trained, draw, train
from tuitrain.config.load import parse_preset
from tuitrain.errors import UsageError
from tuitrain.training.build import TrainingComponents, build_components
from tuitrain.training.evaluating.predictor import Predictor
from tuitrain.training.explaining.explain import explain
from tuitrain.training.explaining.explainer import Asked, Explainer, Explanation
from tuitrain.training.explaining.permutation import permutation_importance

pytest.importorskip("captum", reason="the extra explain is not installed")
TRAIN = """
[optimizer]
name = "sgd"
lr = 0.1
[train]
device = "cpu"
threads = 1
batch_size = 16
epochs = 1
"""
DIGITS = 'task = "classification"\ndata = { name = "digits" }\n'


def built(folder: Path, text: str) -> TrainingComponents:
    """Return an untrained run whose weights follow from its seed."""
    torch.manual_seed(0)
    preset = parse_preset(f'name = "explained"\n{text}{TRAIN}', "explained.toml")
    return build_components(preset, folder, lambda _text: None, as_found=True)


def explained(parts: TrainingComponents, raw: Tensor, **asked: Any) -> Explanation:
    return Explainer(parts, Predictor(parts)).explain(raw, Asked(**asked))


def first(parts: TrainingComponents) -> Tensor:
    inputs: Tensor = parts.data.validation.inputs[:1]  # type: ignore[union-attr]
    return inputs


def parameters(parts: TrainingComponents) -> tuple[Tensor, Tensor]:
    layer = next(m for m in parts.model.modules() if isinstance(m, nn.Linear))
    return layer.weight.detach(), layer.bias.detach()


def prepared(parts: TrainingComponents, raw: Tensor) -> Tensor:
    return parts.data.preparation.evaluate(raw)


@pytest.mark.parametrize("normalize", ["true", "false"])
def test_a_linear_models_columns_add_weight_times_distance_to_the_mean(
    tmp_path: Path, normalize: str
) -> None:
    data = f'data = {{ name = "iris", normalize = {normalize} }}\nmodel = {{ name = "linear" }}\n'
    parts = built(tmp_path, f'task = "classification"\n{data}')
    raw = first(parts)
    found = explained(parts, raw, name="virginica")
    weights, bias = parameters(parts)
    train_inputs = prepared(parts, parts.data.train.inputs)  # type: ignore[union-attr]
    apart = prepared(parts, raw)[0] - train_inputs.mean(0)
    assert torch.allclose(found.values, weights[2] * apart, atol=1e-5)
    assert found.value == pytest.approx(float(weights[2] @ prepared(parts, raw)[0] + bias[2]))
    assert found.how["delta"] == pytest.approx(0, abs=1e-5)
    assert found.how["sum"] == pytest.approx(found.how["difference"], abs=1e-5)


def test_a_linear_models_pixels_and_covered_patches_are_exact(tmp_path: Path) -> None:
    parts = built(tmp_path, DIGITS + 'model = { name = "linear" }\n')
    raw = first(parts)
    weights, _bias = parameters(parts)
    mean = prepared(parts, parts.data.train.inputs).mean()  # type: ignore[union-attr]
    exact = (weights[3] * (prepared(parts, raw).flatten() - mean)).reshape(8, 8)
    gradients = explained(parts, raw, name="3")
    assert torch.allclose(gradients.values, exact, atol=1e-3)
    pixels = explained(parts, raw, name="3", method="occlusion", window=1)
    assert torch.allclose(pixels.values, exact, atol=1e-3)
    whole = explained(parts, raw, name="3", method="occlusion", window=8)
    assert torch.allclose(whole.values, exact.sum().expand(8, 8), atol=1e-3)
    assert explained(parts, raw, method="occlusion").how["window"] == 2


@pytest.mark.parametrize(("inplace", "frozen"), [(False, False), (True, False), (True, True)])
def test_grad_cam_finds_the_place_that_the_last_convolution_answers_to(
    tmp_path: Path, inplace: bool, frozen: bool
) -> None:
    parts = built(tmp_path, DIGITS + 'model = { name = "cnn", channels = [1], hidden = 1 }\n')
    bright = nn.Conv2d(1, 2, 1, bias=False)
    head = nn.Linear(2, 10, bias=False)
    with torch.no_grad():
        bright.weight[:] = torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1)
        head.weight[:] = 0
        head.weight[4, 0] = 1
    bright.requires_grad_(not frozen)
    parts.model = nn.Sequential(
        bright, nn.ReLU(inplace=inplace), nn.AdaptiveAvgPool2d(1), nn.Flatten(), head
    )
    raw = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    raw[0, 0, 2, 5] = 255
    found = explained(parts, raw, name="4", method="grad-cam")
    assert found.values.shape == (8, 8)
    assert divmod(int(found.values.argmax()), 8) == (2, 5)
    assert float(found.values.min()) >= 0
    assert (found.how["layer"], found.how["layer_size"]) == ("0", [8, 8])


@pytest.mark.parametrize("name", ["mlp", "vit"])
def test_grad_cam_without_a_convolution_names_what_works(tmp_path: Path, name: str) -> None:
    parts = built(tmp_path, DIGITS + f'model = {{ name = "{name}" }}\n')
    with pytest.raises(UsageError, match=rf"model.name = {name} has no .*gradients or occlusion"):
        explained(parts, first(parts), method="grad-cam")


def of_binary(outputs: Tensor) -> float:
    return float(outputs.flatten()[0])


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        (TASKS["yes"], "1", of_binary),
        (TASKS["yes"], "0", lambda outputs: -of_binary(outputs)),
        (TASKS["numbers"], "", of_binary),
        ('task = "regression"\ndata = { name = "sine", points = 200, window = 8, horizon = 3 }\n'
         'model = { name = "lstm", width = 4 }\n', "3", lambda outputs: float(outputs[0, 2])),
    ],
    ids=["yes", "no", "number", "third number of a series"],
)  # fmt: skip
def test_yes_no_and_numbers_are_explained_and_the_parts_add_up(
    tmp_path: Path, text: str, name: str, value: Callable[[Tensor], float]
) -> None:
    parts = built(tmp_path, text)
    raw = first(parts)
    classes = parts.data.classes
    found = explained(parts, raw, name=classes[int(name)] if classes else name, steps=200)
    with torch.no_grad():
        outputs = parts.model.eval()(prepared(parts, raw))
    assert found.value == pytest.approx(value(outputs), abs=1e-6)
    assert float(found.values.sum()) == pytest.approx(found.how["difference"], abs=0.01)


def coded(folder: Path, model: str = "table_mlp") -> TrainingComponents:
    rows = [f"{'ABC'[n % 3]},{'xy'[n % 2]},{n % 7},{'yes' if n % 3 else 'no'}" for n in range(60)]
    (folder / "towns.csv").write_text("\n".join(["city,side,size,big", *rows]) + "\n")
    encode = "codes" if model == "table_mlp" else "one_hot"
    return built(
        folder,
        f'task = "classification"\ndata = {{ name = "csv", path = "{folder}/towns.csv", '
        f'target = "big", encode = "{encode}" }}\nmodel = {{ name = "{model}" }}\n',
    )


def test_categories_that_are_looked_up_are_columns_too(tmp_path: Path) -> None:
    parts = coded(tmp_path)
    layers = parts.model.layers
    linear = nn.Linear(layers[0].in_features, 2)  # type: ignore[index,union-attr]
    parts.model.layers = linear  # type: ignore[assignment]
    raw = first(parts)
    found = explained(parts, raw, name="yes")
    rows = prepared(parts, parts.data.train.inputs)  # type: ignore[union-attr]
    embeddings = list(parts.model.embeddings)  # type: ignore[arg-type]
    with torch.no_grad():
        both = [
            torch.cat(
                [part[:, :1], *(e(part[:, 1 + n].long()) for n, e in enumerate(embeddings))], 1
            )
            for part in (prepared(parts, raw), rows)
        ]
        exact = linear.weight[1] * (both[0][0] - both[1].mean(0))
    wanted, place = [exact[0]], 1
    for embedding in embeddings:
        wanted.append(exact[place : place + embedding.embedding_dim].sum())
        place += embedding.embedding_dim
    assert torch.allclose(found.values, torch.stack(wanted), atol=1e-5)


def test_one_hot_features_are_told_as_their_column(tmp_path: Path) -> None:
    parts = coded(tmp_path, "linear")
    raw = first(parts)
    found = explained(parts, raw, name="no")
    weights, _bias = parameters(parts)
    rows = prepared(parts, parts.data.train.inputs)  # type: ignore[union-attr]
    exact = weights[0] * (prepared(parts, raw)[0] - rows.mean(0))
    wanted = torch.stack([exact[:1].sum(), exact[1:4].sum(), exact[4:].sum()])
    assert torch.allclose(found.values, wanted, atol=1e-5)


def test_the_word_that_decides_has_the_largest_part(tmp_path: Path) -> None:
    rows = [f'"day {"good" if n % 2 else "bad"} {n}",{n % 2}' for n in range(60)]
    (tmp_path / "texts.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    text = (
        f'task = "classification"\ndata = {{ name = "text_csv", path = "{tmp_path}/texts.csv", '
        'length = 6 }\nmodel = { name = "transformer", width = 16, layers = 1, heads = 2 }\n'
    )
    run = train(tmp_path, text)
    (tmp_path / "new.txt").write_text("what\na day so good\n")
    answer = asked(run, tmp_path / "new.txt", row=2, steps=100)
    assert [each["word"] for each in answer["words"]] == ["a", "day", "so", "good"]
    strongest = max(answer["words"], key=lambda each: abs(each["attribution"]))
    assert strongest["word"] == "good"
    assert answer["layer"] == "embedding"
    assert answer["class"] == "1"
    assert answer["sum"] == pytest.approx(answer["difference"], rel=0.02, abs=0.02)


def asked(run: Trained, source: Path | None, **options: Any) -> dict[str, Any]:
    given = {
        "source": str(source) if source else None, "shown": source.name if source else "",
        "row": 1, "method": "integrated-gradients", "name": "", "steps": 50, "window": 0,
        "repeats": 3, "picture": None, **options,
    }  # fmt: skip
    inspected, taken = run.options(given)
    return explain(inspected, **taken)


def test_the_next_character_is_explained_by_those_before_it(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(SENTENCE * 30)
    run = train(tmp_path, TASKS["tokens"].replace("PATH", str(tmp_path / "text.txt")))
    (tmp_path / "new.txt").write_text("the quick brown fox jum\n")
    answer = asked(run, tmp_path / "new.txt", steps=100)
    assert "".join(each["word"] for each in answer["words"]) == "the quick brown fox jum"[-16:]
    assert answer["class"] == answer["prediction"]["classes"][0]["class"]
    assert answer["sum"] == pytest.approx(answer["difference"], rel=0.05, abs=0.05)


def test_an_explained_image_is_drawn_and_written(tmp_path: Path) -> None:
    draw(tmp_path / "pictures", 6)
    text = (
        f'task = "classification"\ndata = {{ name = "image_folder", path = "{tmp_path}/pictures", '
        'size = 8 }\nmodel = { name = "cnn", channels = [4], hidden = 4 }\n'
    )
    run = train(tmp_path, text)
    source = tmp_path / "pictures" / "dark" / "0.png"
    for method in ("integrated-gradients", "occlusion", "grad-cam"):
        answer = asked(run, source, method=method, picture=str(tmp_path / "out.png"))
        assert np.array(answer["values"]).shape == (8, 8)
        assert [p["name"] for p in answer["pictures"]] == ["input", "attributions", "strength"]
        assert ("delta" in answer) == (method == "integrated-gradients")
    with Image.open(tmp_path / "out.png") as image:
        assert (image.size, image.mode) == ((256, 256), "RGB")


def test_a_columns_importance_is_what_the_figure_loses_without_it(tmp_path: Path) -> None:
    parts = built(
        tmp_path, 'task = "classification"\n' + IRIS.replace('mlp", hidden = [8]', 'linear"')
    )
    layer = next(m for m in parts.model.modules() if isinstance(m, nn.Linear))
    with torch.no_grad():
        layer.weight[:] = 0
        layer.bias[:] = torch.tensor([0.0, -1.0, -2.0])
        layer.weight[:, 2] = torch.tensor([-4.0, 0.0, 4.0])
    found = permutation_importance(parts, 5, lambda _text: None)
    by_name = {column["column"]: column for column in found["columns"]}
    assert (found["metric"], found["larger_is_better"]) == ("val/accuracy", True)
    assert found["columns"][0]["column"] == "petal length (cm)"
    assert by_name["petal length (cm)"]["mean"] > 0.3
    assert by_name["petal length (cm)"]["deviation"] > 0
    others = [column for name, column in by_name.items() if name != "petal length (cm)"]
    assert all(column["values"] == [0.0] * 5 for column in others)
    assert permutation_importance(parts, 5, lambda _text: None) == found


def test_a_category_is_mixed_up_as_a_whole(tmp_path: Path) -> None:
    found = permutation_importance(coded(tmp_path, "linear"), 2, lambda _text: None)
    assert {column["column"] for column in found["columns"]} == {"city", "side", "size"}


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"name": "tulip"}, "--class tulip: the run has no such class; it has setosa, versicolor"),
        ({"method": "occlusion"}, "--method occlusion: it is for images, the run takes rows"),
        ({"row": 9}, "--row 9: rows.csv has 1"),
        ({"picture": "out.png"}, "-o: it is for images, the run takes rows"),
    ],
)
def test_what_does_not_fit_is_told_in_a_sentence(
    iris: Trained, options: dict[str, Any], fault: str
) -> None:
    rows = iris.folder / "rows.csv"
    head = "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)"
    rows.write_text(f"{head}\n5.1,3.5,1.4,0.2\n")
    answer = asked(iris, rows)
    assert [column["value"] for column in answer["columns"]] == pytest.approx([5.1, 3.5, 1.4, 0.2])
    with pytest.raises(UsageError, match=fault):
        asked(iris, rows, **options)


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(tmp_path_factory.mktemp("iris"), TASKS["classes"])


def test_images_have_no_columns_to_mix_up(tmp_path: Path) -> None:
    parts = built(tmp_path, DIGITS + 'model = { name = "linear" }\n')
    with pytest.raises(UsageError, match="name a file to explain; without one"):
        permutation_importance(parts, 1, lambda _text: None)


def test_without_the_extra_columns_are_ranked_and_nothing_else(
    iris: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "captum"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "captum", None)
    rows = iris.folder / "rows.csv"
    rows.write_text("petal width (cm)\n1\n")
    with pytest.raises(
        UsageError, match=r"explain needs captum.*pip install 'tuitrain\[explain\]'"
    ):
        asked(iris, rows)
    assert len(asked(iris, None, method="permutation", repeats=1)["columns"]) == 4
