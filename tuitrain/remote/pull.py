"""A run copied from another machine while it is live: what arrives can be read and resumed.

Checkpoints are opened before the record is copied: a record that knows of later steps than the
newest checkpoint is rewound by a resume, and nothing that a checkpoint counts on is missing.
"""

import contextlib
import io
import json
import os
import shutil
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO

from tuitrain.errors import FolderError, UsageError
from tuitrain.remote.connection import HostError
from tuitrain.remote.hosts import Host
from tuitrain.remote.protocol import HELLO, PROTOCOL, line_of
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.storage.backup import copy_record

_LEFT_BEHIND = frozenset(
    {"run.db", "run.db-wal", "run.db-shm", "run.db-journal", "run.lock", "worker.lock",
     "summary.json", "details.json", "stacks.txt", "launch.json", "trackers"}
)  # fmt: skip
"""What is of one machine, or follows from the record, which itself is copied apart."""
_BANNER_LINES = 200


def send_run(directory: RunDirectory, out: BinaryIO) -> None:
    """Write a run to a pipe: the far end's first line, then a tar.

    Raises:
        RecordError: the record can't be read.
    """
    out.write(line_of({HELLO: PROTOCOL, "run": directory.id}))
    with contextlib.ExitStack() as stack, tarfile.open(mode="w|", fileobj=out) as tar:
        opened = list(_open_files(directory.path, stack))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tuitrain-")))
        copy_record(directory, folder / "run.db")
        tar.add(folder / "run.db", arcname="run.db", filter=_nobodys)
        for member, file in opened:
            tar.addfile(member, file)
    out.flush()


def _open_files(
    root: Path, stack: contextlib.ExitStack
) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """Yield a run's files, open: one that is removed meanwhile is copied all the same."""
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if relative.parts[0] in _LEFT_BEHIND or _is_hidden(relative):
            continue
        with contextlib.suppress(FileNotFoundError):
            if path.is_symlink() or path.is_dir():
                member = tarfile.TarFile.gettarinfo(_tar(), path, arcname=str(relative))
                yield _nobodys(member), None
            elif path.is_file():
                file = stack.enter_context(path.open("rb"))
                yield _member(str(relative), file), file


def _is_hidden(path: Path) -> bool:
    """Return whether a file is a draft or the like; one of torch's in a checkpoint is none."""
    inner = path.parts[:-1] if path.name == ".metadata" else path.parts
    return any(part.startswith(".") for part in inner)


def _tar() -> tarfile.TarFile:
    return tarfile.open(mode="w", fileobj=io.BytesIO())


def _member(name: str, file: IO[bytes]) -> tarfile.TarInfo:
    """Return a member as long as the file is now: a log may grow meanwhile."""
    found = os.fstat(file.fileno())
    member = tarfile.TarInfo(name)
    member.size, member.mtime = found.st_size, int(found.st_mtime)
    member.mode = stat.S_IMODE(found.st_mode)
    return member


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def pull_run(host: Host, run: str, root: Path) -> RunDirectory:
    """Copy a run of a host into the folder of runs here; return it.

    It is there whole or not at all.

    Raises:
        HostError: the host can't be reached, or the copy broke off.
        UsageError: a run of this id is here already.
        FolderError: the folder can't be written.
    """
    if not hasattr(tarfile, "data_filter"):
        raise UsageError("pull needs Python 3.11.4 or newer, whose tar can't write elsewhere")
    try:
        root.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".pulling-", dir=root))
    except OSError as error:
        raise FolderError.of(root, error, "can't be written") from error
    try:
        with subprocess.Popen(
            host.words("--send", run), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            final = _receive(host, process, draft, root)
        draft.rename(final.path)
    except BaseException as error:
        shutil.rmtree(draft, ignore_errors=True)
        if isinstance(error, OSError):
            raise FolderError.of(root, error, "can't be written") from error
        raise
    return final


def _receive(
    host: Host, process: "subprocess.Popen[bytes]", draft: Path, root: Path
) -> RunDirectory:
    assert process.stdout is not None
    assert process.stderr is not None
    found = _greeting(process.stdout)
    if found is None:
        said = process.stderr.read().decode("utf-8", "replace").strip().splitlines()
        raise HostError(f"{host.name}: {said[-1] if said else 'tuitrain did not answer there'}")
    final = RunDirectory(root / Path(found).name)
    if final.path.exists():
        process.kill()
        raise UsageError(f"{final.id} is in {root} already: `tuitrain rm {final.id}` makes room")
    try:
        with tarfile.open(mode="r|", fileobj=process.stdout) as tar:
            tar.extractall(draft, filter="data")
    except tarfile.TarError as error:
        raise HostError(f"{host.name}: the copy broke off: {error}") from error
    said = process.stderr.read().decode("utf-8", "replace").strip().splitlines()
    if process.wait():
        raise HostError(f"{host.name}: {said[-1] if said else 'the copy broke off'}")
    return final


def _greeting(out: IO[bytes]) -> str | None:
    """Return the id of the run that is sent; None where nothing is."""
    for _line in range(_BANNER_LINES):
        line = out.readline()
        if not line:
            return None
        with contextlib.suppress(ValueError):
            hello = json.loads(line)
            if isinstance(hello, dict) and hello.get(HELLO) == PROTOCOL:
                return str(hello["run"])
    return None
