"""Checkpoints on disk: names, crash-safe writing, checking, loading, making room.

A file is `checkpoints/step-NNNNNNNN.pt`; `last.pt`, `best.pt` and a user's own names are symbolic
links to one. Where ranks have written a part each, it is a folder of that name. Knows nothing of
the loop: state comes in as nested plain data with tensors.
"""

import errno
import os
import pickle
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from tuitrain.checkpoint_files import (
    ENDING,
    UNFINISHED,
    links_in,
    links_to,
    point,
    remove,
    sync_folder,
)
from tuitrain.errors import CheckpointError, DamagedCheckpointError
from tuitrain.training.checkpoints.parts import REST, WriteParts, whole_state, wrong_file
from tuitrain.training.checkpoints.saveable import SAFE_GLOBALS, digest_state

FORMAT = 1
"""Version of the dictionary in a checkpoint file; newer ones are refused."""

_DAMAGED = ".damaged"
_REPLACED = ".replaced"


class CheckpointFolder:
    """The checkpoints of one run."""

    def __init__(self, folder: Path, abandoned: Iterable[str] = ()) -> None:
        """Look after `folder`.

        Args:
            folder: where the files are.
            abandoned: names of files that belong to a history given up: they stay, and count for
                nothing.
        """
        self.folder = folder
        self._abandoned = set(abandoned)

    def prepare(self) -> None:
        """Make the folder, and remove what a killed writer left half-written."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in self.folder.glob(f".*{_REPLACED}"):
            # Killed between two renames: the one that was to be replaced is still the one.
            target = leftover.with_name(leftover.name.removeprefix(".").removesuffix(_REPLACED))
            remove(leftover) if target.exists() else leftover.rename(target)
        for leftover in self.folder.glob(f".*{UNFINISHED}"):
            remove(leftover)

    def path(self, step: int) -> Path:
        """Return the file of a step."""
        return self.folder / f"step-{step:08d}{ENDING}"

    def files(self) -> list[Path]:
        """Return all checkpoint files that count, newest step first."""
        found = self.folder.glob(f"step-*{ENDING}")
        return sorted((path for path in found if path.name not in self._abandoned), reverse=True)

    def abandon_after(self, step: int) -> None:
        """Let the files of later steps count for nothing: training goes on from `step`."""
        self._abandoned |= {path.name for path in self.files() if path > self.path(step)}

    def names(self, path: Path) -> tuple[str, ...]:
        """Return the names that point to a file."""
        return tuple(sorted(link.stem for link in links_to(path)))

    def write(self, state: Mapping[str, Any], step: int, *, prove: bool = False) -> Path:
        """Write a state so that the file is whole or absent, whatever happens meanwhile.

        torch gets an open file: given a path, its own writer slows training in other threads.

        Args:
            state: what `load_checkpoint` will return.
            step: names the file.
            prove: read the file back before it takes its place.

        Raises:
            OSError: the disk is full or the file can't be written; nothing is left behind.
            CheckpointError: what was written can't be read back; nothing is left behind.
        """
        target, temporary = self.path(step), self.temporary(step)
        try:
            with temporary.open("wb") as file:
                torch.save(state, file)
                file.flush()
                os.fsync(file.fileno())
            if prove:
                load_checkpoint(temporary)
            self._put(temporary, target)
        except RuntimeError as error:
            temporary.unlink(missing_ok=True)
            raise _behind(error) from error
        except Exception:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(self.folder)
        return target

    def write_parts(
        self, rest: Mapping[str, Any], step: int, write: WriteParts
    ) -> tuple[Path, str]:
        """Write a folder so that it is whole or absent: it gets its name at last.

        Args:
            rest: what `write` does not write; the list of its files is added.
            step: names the folder.
            write: writes into the folder that it is given.

        Returns:
            The folder, and the digest of the weights in it.

        Raises:
            OSError: it can't be written; nothing is left behind.
        """
        target, temporary = self.path(step), self.temporary(step)
        remove(temporary)
        try:
            temporary.mkdir(mode=0o700)
            written = write(temporary)
            about = {"digest": written.digest, "files": written.files}
            with (temporary / REST).open("wb") as file:
                torch.save({**rest, **about}, file)
                file.flush()
                os.fsync(file.fileno())
            sync_folder(temporary)
            self._put(temporary, target)
        except BaseException:
            remove(temporary)
            raise
        sync_folder(self.folder)
        return target, written.digest

    def temporary(self, step: int) -> Path:
        """Return where a step's checkpoint is until it is whole."""
        return self.folder / f".{self.path(step).name}{UNFINISHED}"

    def _put(self, temporary: Path, target: Path) -> None:
        """Let a checkpoint take its place; a folder can't be renamed over another in one step."""
        replaced = self.folder / f".{target.name}{_REPLACED}"
        if target.exists() and (target.is_dir() or temporary.is_dir()):
            remove(replaced)
            target.rename(replaced)
        temporary.replace(target)
        remove(replaced)
        self._abandoned.discard(target.name)

    def point(self, names: tuple[str, ...], path: Path) -> None:
        """Let names point to a file, each replaced in one step."""
        for name in names:
            point(name, path)
        sync_folder(self.folder)

    def make_room(self, keep: int) -> list[Path]:
        """Remove all but the newest `keep` files and those that a name points to."""
        named = {link.resolve() for link in links_in(self.folder)}
        removed = [path for path in self.files()[keep:] if path.resolve() not in named]
        for path in removed:
            remove(path)
        return removed

    def has_damaged(self) -> bool:
        """Say whether a damaged file was ever set aside."""
        return any(self.folder.glob(f"step-*{ENDING}{_DAMAGED}"))

    def set_aside(self, path: Path) -> Path:
        """Rename a damaged file so that it is neither loaded nor counted, but still there."""
        aside = path.rename(path.with_name(path.name + _DAMAGED))
        for link in links_in(self.folder):
            if not link.exists():
                link.unlink()
        return aside


def size_of(path: Path) -> int:
    """Return the bytes of a checkpoint."""
    files = path.iterdir() if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)


def _behind(error: RuntimeError) -> Exception:
    """Return the OSError that torch's zip writer turned into its own."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return error


def load_checkpoint(path: Path, *, checked: bool = True, whole: bool = True) -> dict[str, Any]:
    """Read and check a checkpoint, onto the CPU.

    torch does not compare the checksums that it writes, so the archive is tested first.

    Args:
        path: the file.
        checked: read all of it and hold it against its checksums; else only what is then looked
            at, of a file that another process has just checked.
        whole: of a folder read all parts; else what is sharded has no numbers, and "parts_in" says
            where they are.

    Raises:
        DamagedCheckpointError: the file is not whole, or not a checkpoint.
        CheckpointError: the file can't be read, is of a newer version, or is whole and holds what
            is never loaded.
    """
    if path.is_dir():
        return _load_folder(path, checked=checked, whole=whole)
    state = _read(path, checked=checked)
    if checked and digest_state(state["model"]) != state["digest"]:
        raise DamagedCheckpointError(f"{path} is damaged: the weights do not match their digest")
    return state


def _load_folder(path: Path, *, checked: bool, whole: bool) -> dict[str, Any]:
    state = _read(path / REST, checked=checked)
    wrong = wrong_file(path, state.get("files", {})) if checked else ""
    if wrong:
        raise DamagedCheckpointError(f"{path} is damaged: {wrong}")
    if not whole:
        return {**state, "parts_in": str(path)}
    found: dict[str, Any] = whole_state(state, path)
    return found


def _read(path: Path, *, checked: bool) -> dict[str, Any]:
    """Read a file and look whether it is one of a checkpoint."""
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip() if checked else None
        if broken is not None:
            raise DamagedCheckpointError(f"{path} is damaged: the checksum of {broken} is wrong")
        with safe_globals(SAFE_GLOBALS):
            state: dict[str, Any] = torch.load(
                path, map_location="cpu", weights_only=True, mmap=not checked
            )
    except (CheckpointError, MemoryError):
        raise
    except pickle.UnpicklingError as error:
        raise _unreadable(path, error) from error
    except Exception as error:
        # In a damaged archive zipfile, pickle and torch stumble over nearly anything: offsets
        # before the file's beginning, names that are no text, methods that do not exist.
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise CheckpointError(f"{path} can't be read: {error.strerror or error}") from error
        raise DamagedCheckpointError(f"{path} is damaged: {_first_line(error)}") from error
    if not isinstance(state, dict) or not {"format", "digest", "model"} <= state.keys():
        raise DamagedCheckpointError(f"{path} is not a checkpoint of tuitrain")
    if state["format"] > FORMAT:
        raise CheckpointError(
            f"{path} has checkpoint format {state['format']}, this tuitrain reads up to {FORMAT}: "
            "update tuitrain"
        )
    return state


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    """Tell a whole file that names what is never loaded from one that is damaged."""
    try:
        with safe_globals(SAFE_GLOBALS):
            named = sorted(get_unsafe_globals_in_checkpoint(str(path)))
    except Exception:  # not even its list of names can be read
        named = []
    if not named:
        return DamagedCheckpointError(f"{path} is damaged: {_first_line(error)}")
    return CheckpointError(
        f"{path} is whole, but holds {', '.join(named)}, which is never loaded, as it could run "
        "code; resume from an earlier one with `tuitrain resume RUN --from NAME`"
    )


_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def _first_line(error: Exception) -> str:
    text = _COLOURS.sub("", str(error)).strip()
    return (text.splitlines() or [type(error).__name__])[0]
