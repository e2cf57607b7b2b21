"""The callbacks that a loop without exec is given by hand."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.scripts.conftest import Scripts

PYTHON = sys.executable


def _require(package: str) -> None:
    if find_spec(package) is None:
        pytest.skip(f"{package} is of the extra `integrations`")


@pytest.mark.parametrize("framework", ["lightning", "transformers", "keras"])
def test_there_is_a_callback_of_each_framework_by_its_own_class(
    framework: str, scripts: Scripts
) -> None:
    # In a process of its own: importing such a framework warns.
    _require(framework)
    code = (
        f"from tuitrain.integrations.{framework} import TuitrainCallback as callback\n"
        "print(callback.__mro__[1].__module__, callback().__class__.__doc__)"
    )
    scripts.environ["KERAS_BACKEND"] = "torch"
    program = scripts.folder / "callback.py"
    program.write_text(code)
    run = scripts.run(PYTHON, "callback.py")
    assert run.log.splitlines()[-1].startswith(framework), run.log
    assert "paused" in run.log


def test_accelerate_logs_through_a_tracker_to_a_run_of_its_own(scripts: Scripts) -> None:
    _require("accelerate")
    program = scripts.folder / "tracked.py"
    program.write_text(
        "from accelerate import Accelerator\n"
        "from tuitrain.integrations.accelerate import TuitrainTracker\n"
        "accelerator = Accelerator(cpu=True, log_with=TuitrainTracker('tracked'))\n"
        "accelerator.init_trackers('project', config={'lr': 0.1})\n"
        "for step in range(1, 6):\n"
        "    accelerator.log({'fit/loss': 1 / step}, step=step)\n"
        "accelerator.end_training()\n"
    )
    subprocess.run([PYTHON, "tracked.py"], cwd=scripts.folder, env=scripts.environ, check=True)
    run = scripts.only()
    assert run.wait_end().state == "finished"
    assert run.points("fit/loss") == [(step, 1 / step) for step in range(1, 6)]
    assert run.config() == {"lr": 0.1}
