"""A run's model in files of other formats: they predict what the model does, anywhere."""

import ast
import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.test_evaluating import SENTENCE, TASKS, Trained, draw, train
from tuitrain.components.readers.rows import EncodedRows, TargetColumns
from tuitrain.errors import ExportError, UsageError
from tuitrain.training.exporting.export import Format, export_model
from tuitrain.training.exporting.script import predicting_script
from tuitrain.userdata.columns import ColumnEncoder

pytest.importorskip("onnxscript", reason="the extra export is not installed")
pytest.importorskip("onnxruntime", reason="the extra export is not installed")
pytest.importorskip("safetensors", reason="the extra export is not installed")

SUFFIXES: dict[Format, str] = {
    "onnx": ".onnx", "torchscript": ".pt", "pt2": ".pt2", "safetensors": ".safetensors",
}  # fmt: skip
WITHOUT_TUITRAIN = (
    "import runpy, sys, warnings; sys.modules['tuitrain'] = None; "
    "warnings.simplefilter('ignore'); sys.argv = sys.argv[1:]; "
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)
LINES = 27
"""Of a script with everything that images need; tables and texts take fewer."""
KINDS = {
    "images": 'task = "classification"\nmodel = { name = "cnn", channels = [4] }\n'
    'data = { name = "image_folder", path = "PLACE/pictures", size = [10, 8], resize = "pad" }\n',
    "stretched": 'task = "binary"\nmodel = { name = "cnn", channels = [4] }\ndata = { name = '
    '"image_folder", path = "PLACE/pictures", size = 8, resize = "stretch", channels = "grey" }\n',
    "rows": 'task = "regression"\nmodel = { name = "mlp", hidden = [8] }\n'
    'data = { name = "csv", path = "PLACE/rent.csv", target = "rent", missing = "mean" }\n',
    "classes": 'task = "classification"\nmodel = { name = "table_mlp", hidden = [8] }\n[data]\n'
    'name = "csv"\npath = "PLACE/rent.csv"\ntarget = "city"\nmissing = "drop"\nencode = "codes"\n',
    "tokens": TASKS["tokens"].replace("PATH", "PLACE/text.txt"),
    "words": 'task = "classification"\nmodel = { name = "gru", width = 8 }\n'
    'data = { name = "text_csv", path = "PLACE/texts.csv", length = 4 }\n',
}
SOURCES = {
    "images": "new", "stretched": "new", "rows": "more.csv", "classes": "whole.csv",
    "tokens": "lines.txt", "words": "lines.txt",
}  # fmt: skip


class Trainings:
    """Runs of each kind, trained when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made: dict[str, Trained] = {}
        draw(folder / "pictures", 12)
        draw(folder / "new", 3)
        rows = [
            f"{'ABC'[n % 3]},{'' if n % 7 == 3 else 20 + n},{20 + n + 40 * (n % 3)},{'xy'[n % 2]}"
            for n in range(60)
        ]
        header = "city,size,rent,kind"
        (folder / "rent.csv").write_text("\n".join([header, *rows]) + "\n")
        (folder / "more.csv").write_text("\n".join([header, *rows[::5], "D,na,0,z"]) + "\n")
        whole = [row for row in rows if ",," not in row]
        (folder / "whole.csv").write_text("\n".join([header, *whole[:9]]) + "\n")
        texts = [f'"{"good day" if n % 2 else "bad night"} {n}",{n % 2}' for n in range(60)]
        (folder / "texts.csv").write_text("\n".join(["text,label", *texts]) + "\n")
        (folder / "text.txt").write_text(SENTENCE * 30)
        (folder / "lines.txt").write_text("A good day!\n\nthe quick brown fox jumps over\n")

    def __getitem__(self, kind: str) -> Trained:
        if kind not in self._made:
            text = KINDS[kind].replace("PLACE", str(self.folder))
            self._made[kind] = train(self.folder / kind, text)
        return self._made[kind]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Trainings:
    return Trainings(tmp_path_factory.mktemp("exported"))


def export(run: Trained, folder: Path, format: Format, **options: Any) -> dict[str, Any]:
    defaults = {
        "format": format, "folder": str(folder), "name": f"made{SUFFIXES[format]}", "run": "judged",
        "int8": False, "tolerance": 1e-4,
    }  # fmt: skip
    inspected, given = run.options({**defaults, **options})
    return export_model(inspected, **given)


@pytest.mark.parametrize("format", ["torchscript", "pt2", "safetensors"])
@pytest.mark.parametrize("kind", ["images", "rows", "classes", "tokens"])
def test_a_file_predicts_what_the_model_does(
    runs: Trainings, tmp_path: Path, kind: str, format: Format
) -> None:
    answer = export(runs[kind], tmp_path, format)
    check(answer, tmp_path, format)
    assert (answer["files"]["script"] is None) == (format == "safetensors")


def check(answer: dict[str, Any], folder: Path, format: Format) -> None:
    """Hold an answer against what is true of each file."""
    compared = answer["comparison"]
    assert compared["within"]
    assert compared["made_up_because"] is None
    assert compared["samples"] >= 4
    assert answer["input"]["shape"][0] == answer["output"]["shape"][0] == "batch"
    assert about_in(folder / answer["files"]["model"], format)["classes"] == answer["classes"]
    beside = json.loads((folder / answer["files"]["description"]).read_text())
    assert beside["comparison"] == compared


def about_in(path: Path, format: Format) -> dict[str, Any]:
    """Return what a file itself says of its model."""
    if format == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path)
        text = session.get_modelmeta().custom_metadata_map["tuitrain"]
    elif format == "safetensors":
        from safetensors import safe_open

        with safe_open(path, "pt") as file:
            text = file.metadata()["tuitrain"]
    else:
        files = {"tuitrain.json": ""}
        if format == "pt2":
            torch.export.load(path, extra_files=files)
        else:
            with pytest.warns(FutureWarning, match="deprecated"):
                torch.jit.load(path, _extra_files=files)  # type: ignore[no-untyped-call]
        text = files["tuitrain.json"]
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize(
    ("kind", "format"),
    [
        *((kind, "onnx") for kind in KINDS),
        ("images", "torchscript"),
        ("tokens", "pt2"),
    ],
)
def test_the_script_beside_a_file_predicts_the_same_without_tuitrain(
    runs: Trainings, tmp_path: Path, kind: str, format: Format
) -> None:
    answer = export(runs[kind], tmp_path, format, name=f'the "{kind}"{SUFFIXES[format]}')
    check(answer, tmp_path, format)
    source = runs.folder / SOURCES[kind]
    script = tmp_path / answer["files"]["script"]
    assert len(script.read_text().splitlines()) <= LINES
    given = sorted(map(str, source.rglob("*.png"))) if source.is_dir() else [str(source)]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TUITRAIN, str(script), *given],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    rows = list(csv.reader(done.stdout.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
    wanted = runs[kind].predict(source, top=1)
    assert len(rows) == len(wanted)
    for row, expected in zip(rows, wanted, strict=True):
        if "values" in expected:
            numbers = [float(value) for value in row[1:]]
            assert numbers == pytest.approx(expected["values"], rel=1e-4)
        else:
            best = expected["classes"][0]
            said = json.loads(row[1]) if kind == "tokens" else row[1]
            assert said == best["class"]
            assert float(row[2]) == pytest.approx(best["probability"], rel=1e-4)


def test_a_text_of_a_checkpoint_is_never_code_in_a_script() -> None:
    text = 'utf-8"); run("'
    reader = EncodedRows(
        ColumnEncoder((("size", 1.0),), (("city", ("A",)),), "one_hot", text),
        TargetColumns(("rent",), ".", (), False, 1.0),
        encoding=text,
        missing="mean",
    )
    about = {"says": "numbers", "format": "onnx"}
    script = predicting_script(about, ("x.onnx", "x.onnx.json"), reader)
    assert script is not None
    names = {node.id for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Name)}
    assert "run" not in names


@pytest.mark.parametrize(("kind", "format"), [("images", "onnx"), ("words", "torchscript")])
def test_weights_in_8_bits_are_told_with_what_they_cost(
    runs: Trainings, tmp_path: Path, kind: str, format: Format
) -> None:
    answer = export(runs[kind], tmp_path, format, int8=True)
    quantised = answer["quantised"]
    assert answer["comparison"]["difference"] < 1e-4 < quantised["difference"] < 0.5
    assert quantised["metric"] == "accuracy"
    recorded = runs[kind].course.last_evaluation["val/accuracy"]
    assert quantised["before"] == pytest.approx(recorded)
    assert 0 <= quantised["after"] <= 1


def test_without_the_data_set_made_up_samples_are_compared(tmp_path: Path) -> None:
    draw(tmp_path / "pictures", 8)
    run = train(tmp_path / "run", KINDS["images"].replace("PLACE", str(tmp_path)))
    (tmp_path / "pictures").rename(tmp_path / "elsewhere")
    answer = export(run, tmp_path, "onnx", int8=True)
    compared, quantised = answer["comparison"], answer["quantised"]
    assert compared["within"]
    assert str(tmp_path / "pictures") in compared["made_up_because"]
    assert (quantised["metric"], quantised["before"]) == (None, None)


def test_averaged_weights_are_written_where_they_are_asked_for(tmp_path: Path) -> None:
    run = train(tmp_path / "run", TASKS["classes"], ["ema"])
    averaged = export(run, tmp_path, "safetensors", averaged=True)
    assert (averaged["weights"], averaged["comparison"]["difference"]) == ("ema", 0.0)
    from safetensors.torch import load_file

    found = load_file(tmp_path / "made.safetensors")
    raw = run.course.parts.model.state_dict()
    assert found.keys() == raw.keys()
    assert not all(torch.equal(found[name], raw[name]) for name in raw)


OWN = """
import torch
from torch import nn

class Rank(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.last = nn.Linear(spec.input_shape[0], spec.outputs)
    def forward(self, x):
        return self.last(x) + torch.linalg.svdvals(x).sum()

class Fixed(Rank):
    def forward(self, x):
        return self.last(x) + torch.zeros(len(x), 1)

class Choosing(Rank):
    def forward(self, x):
        return self.last(x) if x.sum() > 0 else self.last(-x)

class Extra(Rank):
    def forward(self, x):
        return self.last(x)
    def get_extra_state(self):
        return {"version": 2}
    def set_extra_state(self, state):
        pass
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "own_models.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    model = 'model = { name = "own_models:MODEL" }'
    yield f'task = "classification"\ndata = {{ name = "iris" }}\n{model}\n'
    del sys.modules["own_models"]


@pytest.mark.parametrize(
    ("model", "format", "fault"),
    [
        ("Rank", "onnx", r"the model uses aten\.\w+.*, for which there is no ONNX operator"),
        ("Choosing", "pt2", r"torch\.export refuses the model: "),
        ("Choosing", "onnx", r"torch\.export refuses the model: "),
        ("Fixed", "torchscript", r"does not take a batch of the shape \(29, 4\): .* can't be exp"),
        ("Extra", "safetensors", r"safetensors holds tensors alone, .* has _extra_state"),
    ],
)
def test_what_a_format_can_not_do_is_told_in_a_sentence(
    own: str, tmp_path: Path, model: str, format: Format, fault: str
) -> None:
    run = train(tmp_path / "run", own.replace("MODEL", model))
    with pytest.raises(ExportError, match=fault) as raised:
        export(run, tmp_path, format)
    assert "\n" not in str(raised.value)


def test_a_difference_beyond_the_tolerance_is_told(runs: Trainings, tmp_path: Path) -> None:
    answer = export(runs["rows"], tmp_path, "onnx", tolerance=0.0)
    compared = answer["comparison"]
    assert compared["within"] == (compared["difference"] == 0)
    assert np.isfinite(compared["difference"])


@pytest.mark.parametrize(
    ("format", "library"), [("onnx", "onnxscript"), ("safetensors", "safetensors")]
)
def test_a_library_that_is_not_installed_is_told_with_what_installs_it(
    runs: Trainings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    format: Format,
    library: str,
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    fault = f"export-model --format {format} needs {library}, .* 'tuitrain.export.'"
    with pytest.raises(UsageError, match=fault):
        export(runs["rows"], tmp_path, format)
