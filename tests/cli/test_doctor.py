import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tuitrain.cli.findings import (
    ask_torch,
    device_finding,
    disk_finding,
    driver_findings,
    folder_finding,
    python_finding,
    shared_memory_finding,
    slurm_finding,
    terminal_findings,
    torch_findings,
)

PROJECT = Path(__file__).parents[2]
FACTS = {
    "torch": "2.13",
    "cuda_build": None,
    "hip_build": None,
    "torchvision": "0.28",
    "torchvision_error": None,
    "warnings": [],
    "devices": [],
}
GPU = {
    "device": "cuda:0",
    "name": "A GPU",
    "total_bytes": 8 * 1024**3,
    "free_bytes": 3 * 1024**3,
    "bf16": True,
    "error": None,
}


@pytest.fixture
def doctor(tmp_path):
    """Run `doctor` as a command of its own, in an empty folder."""

    def run(*arguments, **environ):
        script = (
            "import typer; from tuitrain.cli.doctor import add_commands;"
            "app = typer.Typer(); add_commands(app); app()"
        )
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), "HOME": str(tmp_path), **environ}
        return subprocess.run(
            [sys.executable, "-c", script, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_machine_that_can_train_is_told_so(doctor, tmp_path):
    done = doctor("--json", SLURM_JOB_ID="77", TUITRAIN_DATA=str(tmp_path / "data"))
    findings = {finding["topic"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 0, done.stdout
    assert findings["torch"]["status"] == findings["cpu"]["status"] == "ok"
    assert "will be made" in findings["runs folder"]["text"]
    assert findings["data folder"]["text"].startswith(str(tmp_path / "data"))
    assert findings["slurm"]["text"] == "inside job 77"
    assert not (tmp_path / "runs").exists()


def test_what_is_broken_ends_in_exit_code_1_with_what_to_do(doctor, tmp_path):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("raise ImportError('libcudart is missing')")
    (tmp_path / "runs").write_text("a file")
    done = doctor(PYTHONPATH=f"{tmp_path}{os.pathsep}{PROJECT}")
    assert done.returncode == 1
    assert "torch" in done.stdout and "libcudart is missing" in done.stdout
    assert "-> pip install" in done.stdout
    assert "runs is no folder" in done.stdout


def test_a_torch_that_kills_its_process_is_a_finding(tmp_path):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("import os\nos.abort()")
    [finding] = torch_findings(ask_torch(folder=tmp_path))
    assert (finding.topic, finding.status) == ("torch", "broken")
    assert "SIGABRT" in finding.text


def test_what_torch_prints_while_it_is_imported_does_no_harm(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("print('hello')")
    assert "devices" in ask_torch(folder=tmp_path)


def test_a_torchvision_that_does_not_fit_torch_is_a_finding(tmp_path):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')"
    )
    findings = {f.topic: f for f in torch_findings(ask_torch(folder=tmp_path))}
    assert findings["torchvision"].status == "broken"
    assert "nms does not exist" in findings["torchvision"].text
    assert findings["torch"].status == "ok"


def test_a_python_that_is_too_old_is_broken():
    assert python_finding((3, 10, 4)).status == "broken"
    assert python_finding((3, 12, 0)).status == "ok"


def test_devices_are_shown_with_memory_and_bf16():
    assert device_finding(GPU).text == "A GPU, 3.0 GiB of 8.0 GiB free, bf16"
    busy = device_finding({**GPU, "error": "CUDA error: out of memory"})
    assert (busy.status, busy.text) == (
        "notice",
        "A GPU can't be used: CUDA error: out of memory",
    )


def test_without_a_gpu_training_is_said_to_run_on_the_cpu():
    cpu = {**GPU, "device": "cpu", "bf16": None}
    assert [f.topic for f in torch_findings({**FACTS, "devices": [cpu]})][-1] == "gpu"
    assert "gpu" not in [f.topic for f in torch_findings({**FACTS, "devices": [cpu, GPU]})]


def test_folders_are_reported_as_they_are(tmp_path):
    folder = tmp_path / "runs"
    assert "will be made" in folder_finding("runs", folder / "deep" / "er").text
    folder.mkdir(mode=0o700)
    assert folder_finding("runs", folder, private=True).text.endswith("yours alone (mode 0700)")
    folder.chmod(0o777)
    open_to_all = folder_finding("runs", folder, private=True)
    assert (open_to_all.status, open_to_all.advice) == ("notice", f"chmod go-w {folder}")
    (tmp_path / "file").write_text("")
    assert folder_finding("runs", tmp_path / "file" / "runs").status == "broken"
    assert disk_finding("disk", folder / "not" / "there").text.endswith("free")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_to_write_is_broken(tmp_path):
    tmp_path.chmod(0o500)
    finding = folder_finding("runs", tmp_path / "runs")
    tmp_path.chmod(0o700)
    assert finding.status == "broken"


def test_a_terminal_that_can_not_show_everything_is_told_what_to_do():
    plain = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    findings = list(terminal_findings(plain, {"TERM": "dumb", "TMUX": "x", "NO_COLOR": "1"}))
    assert [f.advice for f in findings if f.advice] == [
        "export TERM=xterm-256color",
        "export LANG=C.UTF-8",
    ]
    texts = {finding.topic: finding.text for finding in findings}
    assert (texts["connection"], texts["colours"]) == ("tmux", "off (NO_COLOR)")


def test_no_finding_about_the_environment_can_act_on_the_terminal():
    assert "\x1b" not in slurm_finding({"SLURM_JOB_ID": "\x1b[2J"}).text


def test_a_system_without_dev_shm_is_fine(tmp_path):
    assert shared_memory_finding(tmp_path / "none").status == "ok"


def test_what_the_driver_says_of_gpus_is_shown_with_errors_in_words():
    well = {"index": 0, "name": "NVIDIA H100", "mig": None, "errors": []}
    lost = {"index": 1, "name": "GPU\x1b 1", "mig": None, "errors": ["the GPU is lost: reset it"]}
    part = {"index": 3, "profile": "2g.20gb"}
    cut = {"index": 2, "name": "NVIDIA H100", "mig": [part], "errors": []}
    found = list(driver_findings({"driver": "580.65", "trouble": "", "gpus": [well, lost, cut]}))
    assert [(each.topic, each.status) for each in found] == [
        ("gpu driver", "ok"),
        ("gpu 1", "notice"),
        ("gpu 2", "ok"),
    ]
    assert found[0].text == "580.65, 3 GPUs"
    assert found[1].text == "GPU\\u001b 1: the GPU is lost: reset it"
    assert found[2].text == "cut into slices (MIG): slice 3 2g.20gb"


def test_a_driver_in_trouble_is_a_notice_and_no_driver_is_nothing():
    (found,) = driver_findings({"driver": "", "trouble": "the driver is not loaded", "gpus": []})
    assert (found.topic, found.status) == ("gpu driver", "notice")
    assert not list(driver_findings({"driver": "", "trouble": "", "gpus": []}))
