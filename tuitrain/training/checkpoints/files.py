"""Checkpoints on disk: names, crash-safe writing, checking, loading, making room.

A file is `checkpoints/step-NNNNNNNN.pt`; `last.pt`, `best.pt` and a user's own names are symbolic
links to one. Knows nothing of the loop: state comes in as nested plain data with tensors.
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

from tuitrain.errors import CheckpointError, DamagedCheckpointError
from tuitrain.training.checkpoints.saveable import SAFE_GLOBALS, digest_state

FORMAT = 1
"""Version of the dictionary in a checkpoint file; newer ones are refused."""

_SUFFIX = ".pt"
_TEMPORARY = ".tmp"
_DAMAGED = ".damaged"


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
        for leftover in self.folder.glob(f".*{_TEMPORARY}"):
            leftover.unlink()

    def path(self, step: int) -> Path:
        """Return the file of a step."""
        return self.folder / f"step-{step:08d}{_SUFFIX}"

    def files(self) -> list[Path]:
        """Return all checkpoint files that count, newest step first."""
        found = self.folder.glob(f"step-*{_SUFFIX}")
        return sorted((path for path in found if path.name not in self._abandoned), reverse=True)

    def abandon_after(self, step: int) -> None:
        """Let the files of later steps count for nothing: training goes on from `step`."""
        self._abandoned |= {path.name for path in self.files() if path > self.path(step)}

    def names(self, path: Path) -> tuple[str, ...]:
        """Return the names that point to a file."""
        links = (link for link in self.folder.glob(f"*{_SUFFIX}") if link.is_symlink())
        return tuple(sorted(link.stem for link in links if link.readlink() == Path(path.name)))

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
        target = self.path(step)
        temporary = self.folder / f".{target.name}{_TEMPORARY}"
        try:
            with temporary.open("wb") as file:
                torch.save(state, file)
                file.flush()
                os.fsync(file.fileno())
            if prove:
                load_checkpoint(temporary)
            temporary.replace(target)
            self._abandoned.discard(target.name)
        except RuntimeError as error:
            temporary.unlink(missing_ok=True)
            raise _behind(error) from error
        except Exception:
            temporary.unlink(missing_ok=True)
            raise
        self._sync()
        return target

    def point(self, names: tuple[str, ...], path: Path) -> None:
        """Let names point to a file, each replaced in one step."""
        for name in names:
            temporary = self.folder / f".{name}{_SUFFIX}{_TEMPORARY}"
            temporary.unlink(missing_ok=True)
            temporary.symlink_to(path.name)
            temporary.replace(self.folder / f"{name}{_SUFFIX}")
        self._sync()

    def make_room(self, keep: int) -> list[Path]:
        """Remove all but the newest `keep` files and those that a name points to."""
        named = {link.resolve() for link in self.folder.glob(f"*{_SUFFIX}") if link.is_symlink()}
        removed = [path for path in self.files()[keep:] if path.resolve() not in named]
        for path in removed:
            path.unlink()
        return removed

    def has_damaged(self) -> bool:
        """Say whether a damaged file was ever set aside."""
        return any(self.folder.glob(f"step-*{_SUFFIX}{_DAMAGED}"))

    def set_aside(self, path: Path) -> Path:
        """Rename a damaged file so that it is neither loaded nor counted, but still there."""
        aside = path.rename(path.with_name(path.name + _DAMAGED))
        for link in self.folder.glob(f"*{_SUFFIX}"):
            if link.is_symlink() and not link.exists():
                link.unlink()
        return aside

    def _sync(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _behind(error: RuntimeError) -> Exception:
    """Return the OSError that torch's zip writer turned into its own."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return error


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read and check a checkpoint, onto the CPU.

    torch does not compare the checksums that it writes, so the archive is tested first.

    Raises:
        DamagedCheckpointError: the file is not whole, or not a checkpoint.
        CheckpointError: the file can't be read, is of a newer version, or is whole and holds what
            is never loaded.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
        if broken is not None:
            raise DamagedCheckpointError(f"{path} is damaged: the checksum of {broken} is wrong")
        with safe_globals(SAFE_GLOBALS):
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
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
    if digest_state(state["model"]) != state["digest"]:
        raise DamagedCheckpointError(f"{path} is damaged: the weights do not match their digest")
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
