"""Who may import whom: on the imports as written, and on what a fresh interpreter has loaded."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "tuitrain"
BASE = {
    "__version__",
    "checkpoint_files",
    "errors",
    "extras",
    "file_lock",
    "help",
    "lang",
    "messages",
    "metric_names",
    "ranks",
    "units",
    "whole_file",
}
READ = {"alerts", "analysis", "config", "failures", "traces", "runs"}
ALLOWED = {
    "__init__": {"api", "script"},
    "integrations": {"script"},
    "api": BASE | READ | {"supervisor"},
    "__main__": {"cli"},
    "checkpoint_files": set(),
    "errors": set(),
    "script": {"ranks", "tracing"},
    "tracing": {"metric_names"},
    "extras": {"errors"},
    "failures": set(),
    "file_lock": {"errors"},
    "help": {"errors", "lang"},
    "lang": set(),
    "metric_names": set(),
    "ranks": set(),
    "units": {"lang"},
    "whole_file": set(),
    "messages": set(),
    "config": {"errors"},
    "runs": BASE | {"config"},
    "analysis": BASE | {"config", "failures", "runs"},
    "foreign": BASE | {"config", "runs"},
    "userdata": {"errors", "file_lock", "units"},
    "telemetry": set(),
    "traces": BASE,
    "alerts": BASE | {"config", "failures"},
    "components": {"errors", "extras", "config", "userdata"},
    "training": BASE | {"components", "config", "tracing"},
    "supervisor": BASE | {"alerts", "config", "failures", "runs", "script", "telemetry", "traces"},
    "sweeps": BASE | {"config", "runs", "supervisor", "telemetry"},
    "remote": BASE | {"config", "runs"},
    "trackers": BASE | {"alerts", "config", "runs"},
    "trained": BASE | READ | {"supervisor"},
    "view": BASE | READ | {"sweeps"},
    "plots": BASE | READ | {"supervisor", "trained", "view"},
    "report": BASE | READ | {"plots", "supervisor", "trained", "view"},
    "ui": BASE | READ | {"remote", "supervisor", "sweeps", "telemetry", "trained", "view"},
    "cli": BASE
    | READ
    | {
        "foreign",
        "plots",
        "remote",
        "report",
        "supervisor",
        "sweeps",
        "telemetry",
        "trackers",
        "trained",
        "ui",
        "userdata",
        "view",
    },
}
OWNERS = {
    "torch": {"components", "tracing", "training"},
    "torchvision": {"components", "training"},
    "sklearn": {"components", "analysis"},
    "textual": {"ui"},
    "plotext": {"view"},
    "matplotlib": {"plots"},
    "typer": {"cli"},
    "sqlite3": {"foreign", "runs"},
    "PIL": {"foreign", "trackers", "userdata"},
    "onnx": {"training"},
    "onnxruntime": {"training"},
    "onnxscript": {"training"},
    "safetensors": {"training"},
    "pynvml": {"telemetry"},
    "fastapi": {"training"},
    "uvicorn": {"training"},
    "prometheus_client": {"training"},
    "captum": {"training"},
    "gradio": {"training"},
    "tensorboard": {"trackers"},
    "wandb": {"trackers"},
    "mlflow": {"trackers"},
    "pyarrow": {"trackers"},
    "optuna": {"sweeps"},
    "transformers": {"integrations"},
    "lightning": {"integrations"},
    "keras": {"integrations"},
    "accelerate": {"integrations"},
    "ultralytics": {"integrations"},
}
"""Libraries with one place in the package; scikit-learn's reports are made in analysis."""


def imports() -> Iterator[tuple[str, str, str]]:
    """Yield (file, part of the package, imported module) for every import anywhere in a file."""
    for path in sorted(PACKAGE.rglob("*.py")):
        relative = path.relative_to(PACKAGE)
        part = relative.parts[0] if len(relative.parts) > 1 else relative.stem
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{relative}: relative imports hide the layer"
                own = node.module == "tuitrain"
                names = [f"tuitrain.{a.name}" for a in node.names] if own else [str(node.module)]
            else:
                continue
            yield from ((str(relative), part, name) for name in names)


def test_each_part_imports_only_the_parts_below_it() -> None:
    wrong = [
        f"{file} imports {name}"
        for file, part, name in imports()
        if name.startswith("tuitrain.")
        and name.split(".")[1] != part
        and name.split(".")[1] not in ALLOWED[part]
    ]
    assert not wrong


def test_components_know_of_the_configuration_only_its_types() -> None:
    known = {"tuitrain.config.schema"}
    parts = {name for _file, part, name in imports() if part == "components"}
    assert {name for name in parts if name.startswith("tuitrain.config")} <= known


def test_each_library_is_imported_in_its_own_part_only() -> None:
    wrong = [
        f"{file} imports {name}"
        for file, part, name in imports()
        if part not in OWNERS.get(name.split(".")[0], {part})
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        (
            "import sys; sys.argv = ['tuitrain', '--help']\n"
            "from tuitrain.__main__ import main\n"
            "try: main()\nexcept SystemExit: pass",
            "torch torchvision sklearn textual plotext numpy pydantic sqlite3 matplotlib",
        ),
        (
            "import tuitrain.supervisor.supervisor, tuitrain.supervisor.background",
            "torch torchvision sklearn textual plotext numpy typer",
        ),
        ("import tuitrain.supervisor.child, tuitrain.training.worker", "torch textual typer"),
        (
            "import pathlib, tuitrain.training.session\n"
            "from tuitrain.components.data import DataContext\n"
            "from tuitrain.components.datasets.digits import digits\n"
            "digits(DataContext(pathlib.Path(), print))",
            "textual plotext typer sqlite3 torchvision sklearn scipy",
        ),
        (
            "import tuitrain.ui.app, tuitrain.ui.screens.home, tuitrain.ui.screens.run",
            "torch torchvision sklearn numpy typer",
        ),
        (
            "import importlib, pkgutil, tuitrain.analysis, tuitrain.ui, tuitrain.view\n"
            "for part in (tuitrain.analysis, tuitrain.ui, tuitrain.view):\n"
            "    for found in pkgutil.walk_packages(part.__path__, part.__name__ + '.'):\n"
            "        importlib.import_module(found.name)",
            "torch torchvision sklearn typer",
        ),
    ],
    ids=[
        "tuitrain --help",
        "supervisor",
        "worker before its order",
        "worker",
        "first screens",
        "interface",
    ],
)
def test_a_fresh_interpreter_loads_nothing_that_it_does_not_need(code: str, absent: str) -> None:
    script = f"{code}\nimport sys\nprint(*sorted({{n.split('.')[0] for n in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=PACKAGE.parent,
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert not loaded & set(absent.split())
