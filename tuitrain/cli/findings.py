"""What `tuitrain doctor` looks at: a function a topic, each returns what it found.

Reads and never changes anything. Knows torch only as a child process that prints JSON.
"""

import json
import os
import platform
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TextIO

from tuitrain.config.wording import printable
from tuitrain.units import gib

Status = Literal["ok", "notice", "broken"]

PYTHON_NEEDED = (3, 11)
TERMINAL_NEEDED = (80, 24)
TORCH_TIMEOUT_S = 300
DISK_WANTED_BYTES = 2 * 1024**3
SHARED_MEMORY_WANTED_BYTES = 512 * 1024**2


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `broken` means that something needed does not work."""

    topic: str
    status: Status
    text: str
    advice: str = ""


def examine(runs_dir: Path | None, data_dir: Path | None) -> list[Finding]:
    """Look at everything, in the order in which it is shown."""
    from tuitrain.config.folders import config_directory, data_directory
    from tuitrain.runs.directory import runs_root

    runs, data = runs_root(runs_dir), data_directory(data_dir, os.environ)
    return [
        python_finding(sys.version_info[:3]),
        *torch_findings(ask_torch()),
        *driver_findings(ask_driver()),
        *terminal_findings(sys.stdout, os.environ),
        folder_finding("runs folder", runs, private=True),
        folder_finding("data folder", data),
        folder_finding("settings", config_directory()),
        user_config_finding(os.environ),
        disk_finding("runs disk", runs),
        disk_finding("data disk", data),
        file_system_finding(runs),
        shared_memory_finding(Path("/dev/shm")),
        slurm_finding(os.environ),
    ]


def python_finding(version: tuple[int, ...]) -> Finding:
    """Say which Python runs, on what."""
    text = f"{'.'.join(map(str, version))}, {platform.system()} {platform.machine()}"
    if version[:2] >= PYTHON_NEEDED:
        return Finding("python", "ok", text)
    return Finding("python", "broken", text, "install Python 3.11 or newer")


def ask_torch(python: str = sys.executable, folder: Path | None = None) -> dict[str, Any]:
    """Return what `tuitrain.training.devices` says, or `{"error": ...}` where it says nothing.

    `folder` is put first on the child's import path; the package's own follows.
    """
    package = str(Path(__file__).parent.parent.parent)
    paths = [str(folder or ""), package, os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [python, "-P", "-m", "tuitrain.training.devices"]
    try:
        result = subprocess.run(
            command,
            capture_output=True,
            check=False,
            text=True,
            env=environment,
            timeout=TORCH_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"no answer within {TORCH_TIMEOUT_S} s"}
    except OSError as error:
        return {"error": f"{python} can't be started: {error.strerror}"}
    if result.returncode < 0:
        return {"error": f"its process was ended by {signal.Signals(-result.returncode).name}"}
    if result.returncode or not result.stdout.strip():
        said = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
        return {"error": said[-1]}
    # What an import prints comes before the line that this asks for.
    facts: dict[str, Any] = json.loads(result.stdout.strip().splitlines()[-1])
    return facts


def torch_findings(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """Say which torch there is and which devices it finds."""
    reinstall = "pip install --force-reinstall torch torchvision"
    if "error" in facts:
        text = f"can't be used: {printable(facts['error'])}"
        yield Finding("torch", "broken", text, reinstall)
        return
    yield Finding("torch", "ok", f"{facts['torch']} ({_build(facts)})")
    if facts["torchvision_error"]:
        text = f"can't be used: {printable(facts['torchvision_error'])}"
        yield Finding("torchvision", "broken", text, reinstall)
    else:
        yield Finding("torchvision", "ok", facts["torchvision"])
    for warning in facts["warnings"]:
        yield Finding("torch", "notice", f"warns: {printable(warning)}")
    yield from map(device_finding, facts["devices"])
    if len(facts["devices"]) == 1:
        yield _no_accelerator(facts)


def device_finding(device: Mapping[str, Any]) -> Finding:
    """Say what a device has free and whether it computes in bf16."""
    topic = device["device"]
    if device["error"]:
        text = f"{device['name']} can't be used: {printable(device['error'])}".lstrip()
        return Finding(topic, "notice", text, "nvidia-smi shows who uses it and how")
    bf16 = {True: "bf16", False: "no bf16", None: "bf16 unknown"}[device["bf16"]]
    memory = f"{gib(device['free_bytes'])} of {gib(device['total_bytes'])} free"
    return Finding(topic, "ok", f"{device['name']}, {memory}, {bf16}")


def ask_driver() -> dict[str, Any]:
    """Return what the GPUs' driver says of them, as `tuitrain.telemetry` gives it."""
    from tuitrain.telemetry.sampler import open_gpus

    gpus = open_gpus()
    gpus.read()
    facts = gpus.facts()
    gpus.close()
    return facts


def driver_findings(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """Say what the driver says of the GPUs that torch may not see, or can't use."""
    if facts["trouble"]:
        advice = "nvidia-smi should list the GPUs; an administrator can reload the driver"
        yield Finding("gpu driver", "notice", printable(facts["trouble"]), advice)
    elif facts["gpus"]:
        count = len(facts["gpus"])
        text = f"{printable(facts['driver'])}, {count} GPU{'' if count == 1 else 's'}"
        yield Finding("gpu driver", "ok", text)
    for gpu in facts["gpus"]:
        topic = f"gpu {gpu['index']}"
        slices = [f"slice {part['index']} {part['profile']}" for part in gpu["mig"] or ()]
        if gpu["mig"] is not None:
            text = f"cut into slices (MIG): {printable(', '.join(slices)) or 'none yet'}"
            yield Finding(topic, "ok", text, "" if slices else "nvidia-smi mig -cgi makes some")
        for error in gpu["errors"]:
            if error != facts["trouble"]:
                yield Finding(topic, "notice", f"{printable(gpu['name'])}: {printable(error)}")


def _build(facts: Mapping[str, Any]) -> str:
    if facts["cuda_build"]:
        return f"built for CUDA {facts['cuda_build']}"
    return f"built for ROCm {facts['hip_build']}" if facts["hip_build"] else "built without CUDA"


def _no_accelerator(facts: Mapping[str, Any]) -> Finding:
    text = "torch finds no GPU: training runs on the CPU"
    has_driver = Path("/proc/driver/nvidia/version").exists()
    if has_driver and not facts["cuda_build"]:
        return Finding("gpu", "notice", text, "an NVIDIA driver is here: install torch with CUDA")
    if has_driver:
        advice = "an NVIDIA driver is here: compare nvidia-smi's CUDA version and torch's, and "
        return Finding("gpu", "notice", text, advice + "see whether CUDA_VISIBLE_DEVICES is empty")
    return Finding("gpu", "notice", text)


def terminal_findings(stream: TextIO, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Say what kind of terminal this is; `tuitrain run` needs none."""
    term = environ.get("TERM", "")
    if not stream.isatty():
        yield Finding("terminal", "ok", "not a terminal: the interface can't open here, runs can")
    else:
        size = os.get_terminal_size(stream.fileno())
        yield _size_finding(size.columns, size.lines, printable(term) or "TERM not set")
    if term in ("", "dumb"):
        yield Finding(
            "terminal", "notice", f"TERM is {term or 'not set'}", "export TERM=xterm-256color"
        )
    encoding = (stream.encoding or "unknown").lower()
    if encoding.replace("-", "") == "utf8":
        yield Finding("characters", "ok", "UTF-8")
    else:
        text = f"{encoding}: curves are drawn in plain ASCII"
        yield Finding("characters", "notice", text, "export LANG=C.UTF-8")
    yield Finding("colours", "ok", _colours(environ))
    yield Finding("connection", "ok", _connection(environ))


def _size_finding(columns: int, lines: int, term: str) -> Finding:
    text = f"{columns}x{lines}, {term}"
    if columns >= TERMINAL_NEEDED[0] and lines >= TERMINAL_NEEDED[1]:
        return Finding("terminal", "ok", text)
    return Finding("terminal", "notice", text, "make it 80x24 or larger to see every panel")


def _colours(environ: Mapping[str, str]) -> str:
    if environ.get("NO_COLOR"):
        return "off (NO_COLOR)"
    if environ.get("COLORTERM", "") in ("truecolor", "24bit"):
        return "true colour"
    term = environ.get("TERM", "")
    if term in ("", "dumb"):
        return "none"
    return "256" if "256color" in term else "as TERM says"


def _connection(environ: Mapping[str, str]) -> str:
    names = {"SSH_CONNECTION": "SSH", "TMUX": "tmux", "STY": "screen"}
    found = [words for name, words in names.items() if environ.get(name)]
    return ", ".join(found) if found else "local"


def folder_finding(topic: str, folder: Path, *, private: bool = False) -> Finding:
    """Say whether a folder is there or can be made, can be written, and who else may read it."""
    shown = printable(str(folder))
    existing = existing_parent(folder)
    if not existing.is_dir():
        text = f"{shown}: {printable(str(existing))} is no folder"
        return Finding(topic, "broken", text, "name another folder, or move that file away")
    if not os.access(existing, os.W_OK | os.X_OK):
        text = f"{shown}: no permission to write in {printable(str(existing))}"
        return Finding(topic, "broken", text, "name another folder, or ask for the permission")
    if existing != folder:
        return Finding(topic, "ok", f"{shown}: will be made when needed")
    mode = stat.S_IMODE(folder.stat().st_mode)
    if private and mode & 0o022:
        text = f"{shown}: others may write in it (mode {mode:04o})"
        return Finding(topic, "notice", text, f"chmod go-w {shown}")
    readers = "others can list it" if mode & 0o044 else "yours alone"
    return Finding(topic, "ok", f"{shown}: writable, {readers} (mode {mode:04o})")


def user_config_finding(environ: Mapping[str, str]) -> Finding:
    """Say whether the user's own configuration is there and valid, and who is told of alerts."""
    from tuitrain.config.folders import user_config_path
    from tuitrain.config.user import load_user_config
    from tuitrain.errors import UsageError
    from tuitrain.supervisor.observers.services import form_of

    path = printable(str(user_config_path(environ)))
    try:
        notify = load_user_config(environ).notify
        form = form_of(notify, environ)
    except UsageError as error:
        return Finding("configuration", "broken", printable(str(error), keep="\n"))
    if not user_config_path(environ).exists():
        return Finding("configuration", "ok", f"none ({path}): everything is as by default")
    ways = [
        ("bell", notify.bell),
        ("desktop", notify.desktop != "off"),
        ("webhook" if notify.service == "json" else notify.service, form is not None),
    ]
    told = ", ".join(name for name, wanted in ways if wanted) or "screens and record alone"
    return Finding("configuration", "ok", f"{path}: alerts by {told}")


def disk_finding(topic: str, folder: Path) -> Finding:
    """Say how much room a folder's disk has."""
    usage = shutil.disk_usage(existing_parent(folder))
    text = f"{gib(usage.free)} of {gib(usage.total)} free"
    if usage.free >= DISK_WANTED_BYTES:
        return Finding(topic, "ok", text)
    return Finding(topic, "notice", text, "make room: training pauses when the disk is full")


def file_system_finding(folder: Path) -> Finding:
    """Say on what file system runs lie, and what a network one means."""
    from tuitrain.runs.storage.filesystem import file_system_type, is_network

    kind = file_system_type(folder)
    if not is_network(kind):
        return Finding("runs file system", "ok", f" {printable(kind)}, local")
    text = (
        f"{printable(kind)}, a network file system: records keep a rollback journal, "
        "which is slower"
    )
    return Finding(
        "runs file system", "notice", text, "--runs-dir or $TUITRAIN_RUNS on a local disk"
    )


def shared_memory_finding(folder: Path) -> Finding:
    """Say how large the memory is through which DataLoader workers hand over batches."""
    if not folder.is_dir():
        return Finding("shared memory", "ok", f"no {folder} on this system")
    usage = shutil.disk_usage(folder)
    text = f"{folder}: {gib(usage.free)} of {gib(usage.total)} free"
    if usage.free >= SHARED_MEMORY_WANTED_BYTES:
        return Finding("shared memory", "ok", text)
    advice = "DataLoader workers may crash: docker run --shm-size=2g, or data.workers=0"
    return Finding("shared memory", "notice", text, advice)


def slurm_finding(environ: Mapping[str, str]) -> Finding:
    """Say whether SLURM is here and whether this is inside a job."""
    if job := environ.get("SLURM_JOB_ID"):
        return Finding("slurm", "ok", f"inside job {printable(job)}")
    if shutil.which("sbatch"):
        text = "here, but this is not inside a job"
        return Finding("slurm", "ok", text, "sbatch a script with `tuitrain run PRESET`")
    return Finding("slurm", "ok", "not on this machine")


def existing_parent(path: Path) -> Path:
    """Return the path itself or the nearest folder above it that exists."""
    path = path.absolute()
    return next(each for each in (path, *path.parents) if os.path.lexists(each))
