"""Where runs are kept, what lies where in a run's directory, and how a new one comes to be.

Knows the names of files, not what is in them.
"""

import errno
import os
import random
import re
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuitrain.errors import FolderError, UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RESERVED_NAMES = frozenset({"last"})
_SUFFIX_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_ATTEMPTS = 1000
_REMOTE = "ssh:"
"""Begins the folder in the root directory that stands for a host."""
STAMP_FORMAT = "%Y%m%d-%H%M"
"""The minute of a run's creation in UTC, with which its id begins."""
STAMP_LENGTH = len("20261121-0412-")


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """One run's folder; its name is the run's id."""

    path: Path

    @property
    def id(self) -> str:
        """The run's id."""
        return self.path.name

    @property
    def config_path(self) -> Path:
        """The resolved preset: running it repeats the run."""
        return self.path / "config.toml"

    @property
    def database_path(self) -> Path:
        """The record."""
        return self.path / "run.db"

    @property
    def lock_path(self) -> Path:
        """Held by the supervisor while it lives."""
        return self.path / "run.lock"

    @property
    def worker_lock_path(self) -> Path:
        """Held by the worker while it lives."""
        return self.path / "worker.lock"

    @property
    def script_lock_path(self) -> Path:
        """Held by that process of a script which speaks for the run."""
        return self.path / "script.lock"

    @property
    def log_path(self) -> Path:
        """What the worker wrote to stdout and stderr."""
        return self.path / "worker.log"

    @property
    def supervisor_log_path(self) -> Path:
        """What a supervisor in the background wrote, which is nothing unless it failed."""
        return self.path / "supervisor.log"

    @property
    def launch_path(self) -> Path:
        """How the newest attempt was started, for the supervisor that does so."""
        return self.path / "launch.json"

    @property
    def stacks_path(self) -> Path:
        """Where the worker's processes write their stacks when asked; gone with the supervisor."""
        return self.path / "stacks.txt"

    @property
    def summary_path(self) -> Path:
        """A copy of the record's gist for fast lists, there only while the run is at rest."""
        return self.path / "summary.json"

    @property
    def details_path(self) -> Path:
        """A copy of settings and metrics for fast tables, there as long as the summary is."""
        return self.path / "details.json"

    @property
    def labels_path(self) -> Path:
        """What people wrote on the run: tags and a note."""
        return self.path / "labels.json"

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def profiles(self) -> Path:
        """The folder of profiles."""
        return self.path / "profiles"

    @property
    def samples(self) -> Path:
        """The folder of what a model made of validation samples, by the hook of that name."""
        return self.path / "samples"

    @property
    def code_diff_path(self) -> Path:
        """What was changed since the last commit when the run was started; often not there."""
        return self.path / "code.diff"

    @property
    def exports(self) -> Path:
        """The folder of what was exported."""
        return self.path / "exports"


def runs_root(
    option: Path | None, environ: Mapping[str, str] = os.environ, cwd: Path | None = None
) -> Path:
    """Return the folder of all runs: the option, else $TUITRAIN_RUNS, else ./runs.

    Raises:
        UsageError: $TUITRAIN_RUNS names the home of nobody.
        FolderError: the current folder is gone.
    """
    try:
        found = option or Path(environ.get("TUITRAIN_RUNS") or "runs").expanduser()
        return found if found.is_absolute() else (cwd or Path.cwd()) / found
    except RuntimeError as error:
        raise UsageError(f"TUITRAIN_RUNS={environ.get('TUITRAIN_RUNS')}: {error}") from error
    except FileNotFoundError as error:
        raise FolderError("the current folder was removed: go to one that exists.") from error


def folder_error(root: Path, error: OSError, what: str) -> FolderError:
    """Say why the folder of all runs can't be used, and how another one is taken."""
    advice = "--runs-dir or TUITRAIN_RUNS takes another folder"
    link = dangling_link(root)
    if link is not None:
        return FolderError(
            f"the runs folder {root} {what}: {link} is a link to {link.readlink()}, which is "
            f"missing; {advice}."
        )
    if isinstance(error, FileExistsError):
        error = NotADirectoryError(errno.ENOTDIR, "")
    return FolderError.of(f"the runs folder {root}", error, what, advice)


def dangling_link(path: Path) -> Path | None:
    """Return the link that leads nowhere, where `path` is one or lies below one."""
    try:
        links = [each for each in (path, *path.parents) if each.is_symlink()]
    except PermissionError:
        return None
    return next((link for link in links if not os.access(link, os.F_OK)), None)


def remote_path(host: str, run_id: str) -> str:
    """Return the path that stands for a run on another machine; it leads nowhere here."""
    return f"/{_REMOTE}{host}/{run_id}"


def host_of(path: str) -> str:
    """Return the machine that a run's path is of; empty: this one."""
    parts = Path(path).parts
    is_remote = len(parts) == 3 and parts[1].startswith(_REMOTE)
    return parts[1].removeprefix(_REMOTE) if is_remote else ""


def check_run_name(name: str) -> str:
    """Return `name` when a run may be called that.

    Raises:
        UsageError: it may not.
    """
    if name in _RESERVED_NAMES:
        raise UsageError(f"run name {name!r}: this word stands for the newest run; take another.")
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"run name {name!r}: allowed are 1 to 64 letters, digits, dots, dashes and "
            "underscores, the first a letter or digit."
        )
    return name


def create_run(
    root: Path,
    preset_name: str,
    name: str | None,
    config_text: str,
    *,
    command_line: Sequence[str] = (),
    data_directory: Path | None = None,
    now: float | None = None,
    rng: random.Random | None = None,
    facts: Mapping[str, object] | None = None,
) -> RunDirectory:
    """Make the directory of a new run, whole or not at all, with its state `queued`.

    It is built under a hidden name and then renamed: no list ever shows half a run, and of two
    that want the same id at once the second one's rename fails, so it takes another.

    Args:
        root: the folder of all runs, created with its parents when it does not exist.
        preset_name: name of the preset.
        name: what the user calls the run; the preset and the id's suffix when None.
        config_text: the resolved preset as TOML.
        command_line: the arguments that started it, for the record.
        data_directory: where its data sets are kept, for a later resume.
        now: seconds since the epoch; read from the clock when None.
        rng: source of the suffix; the system's when None.
        facts: more that is known of it, as plain JSON data.

    Raises:
        UsageError: the name is not allowed.
        RecordError: the database can't be written.
        FolderError: the folder can't be written.
    """
    if name is not None:
        check_run_name(name)
    try:
        return _create(
            root,
            preset_name,
            name,
            config_text,
            command_line=list(command_line),
            data_directory=str(data_directory) if data_directory else "",
            created=time.time() if now is None else now,
            source=rng or random.SystemRandom(),
            **(facts or {}),
        )
    except OSError as error:
        raise folder_error(root, error, "can't be written") from error


def _create(
    root: Path,
    preset_name: str,
    name: str | None,
    config_text: str,
    *,
    created: float,
    source: random.Random,
    **facts: object,
) -> RunDirectory:
    root.mkdir(parents=True, exist_ok=True)
    for _ in range(_ATTEMPTS):
        suffix = "".join(source.choice(_SUFFIX_CHARACTERS) for _ in range(3))
        stamp = time.strftime(STAMP_FORMAT, time.gmtime(created))
        final = RunDirectory(root / f"{stamp}-{name or preset_name}-{suffix}")
        if final.path.exists():
            continue
        identity = {
            "id": final.id,
            "name": name or f"{preset_name}-{suffix}",
            "preset": preset_name,
            "created": created,
            "config": config_text,
            **facts,
        }
        if build_run(final, identity, config_text):
            return final
    raise UsageError(f"{root} has no free id left for this minute and name: give another --name.")


def _record_code(directory: RunDirectory) -> dict[str, object]:
    """Keep what was changed since the last commit here; return how much that is, for the record."""
    from tuitrain.runs.writing.code import code_changes

    changes = code_changes(Path.cwd())
    if changes is None:
        return {}
    if changes.text:
        directory.code_diff_path.write_text(changes.text, encoding="utf-8")
    return {"git_changes": changes.words}


def build_run(
    final: RunDirectory,
    identity: Mapping[str, object],
    config_text: str,
    origin: Mapping[str, object] | None = None,
) -> bool:
    """Write a new run's directory in one move; return whether its id was still free then.

    Args:
        final: where it is to be.
        identity: id, name, preset, created and other facts, as plain JSON data.
        config_text: the resolved preset.
        origin: where and by whom it was started; this process, here, when None.

    Raises:
        RecordError: the database can't be written.
        OSError: the folder can't be written.
    """
    from tuitrain.runs.storage.database import create_database

    # mkdtemp makes folders with mode 0700, and the run's folder is to have just that.
    draft = RunDirectory(Path(tempfile.mkdtemp(prefix=".creating-", dir=final.path.parent)))
    try:
        draft.config_path.write_text(config_text, encoding="utf-8")
        identity = {**(_record_code(draft) if origin is None else {}), **identity}
        create_database(draft, identity, config_text, origin)
        for folder in (draft.checkpoints, draft.profiles, draft.exports):
            folder.mkdir(mode=0o700)
        try:
            draft.path.rename(final.path)
        except OSError:
            if not final.path.exists():
                raise
            shutil.rmtree(draft.path)
            return False
    except BaseException:
        shutil.rmtree(draft.path, ignore_errors=True)
        raise
    return True
