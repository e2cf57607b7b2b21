"""Which image files there are, of which class and part; reads names and sizes, no pixels.

Names may be any bytes: they are kept as python's `os` gives them, and shown by `words.shown`.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from tuitrain.errors import DataUnavailableError, FolderError
from tuitrain.userdata.split import held_out
from tuitrain.userdata.words import counted, listed, shown

EXTENSIONS = frozenset(
    {
        ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".dib", ".webp", ".tif", ".tiff",
        ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".ico", ".avif", ".jp2", ".j2k",
    }
)  # fmt: skip
TRAIN = ("train", "training")
VALIDATION = ("val", "valid", "validation")
TEST = ("test", "testing")
_SYSTEM = frozenset({"__MACOSX", "lost+found"})


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One image file."""

    name: str
    """Relative to the set's folder."""
    label: int
    size_bytes: int
    """0 for a link that leads nowhere."""
    changed_ns: int
    """When its content was changed last, in nanoseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class ImageSet:
    """The files of a data set."""

    root: Path
    classes: tuple[str, ...]
    train: tuple[ImageFile, ...]
    validation: tuple[ImageFile, ...]
    notes: tuple[str, ...] = ()
    """What was left out or decided on the way, a sentence each."""

    @property
    def files(self) -> tuple[ImageFile, ...]:
        """All of them, the training part first."""
        return (*self.train, *self.validation)

    def path(self, file: ImageFile) -> str:
        """Return where a file is."""
        return os.path.join(self.root, file.name)  # noqa: PTH118 - a name of any bytes


@dataclass(slots=True)
class _Found:
    """What a walk over one part meets."""

    by_class: dict[str, list[ImageFile]] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    """Files that are no images by their names, and images outside every class's folder."""


def find_images(root: Path, share: float, seed: int) -> ImageSet:
    """Find the images of a folder: parts with a folder a class, or class folders alone.

    Args:
        root: the folder.
        share: of each class, held out where the folder has no validation part.
        seed: of that choice.

    Raises:
        DataUnavailableError: it holds nothing that can be trained on; the text says why.
        FolderError: a folder can't be read.
    """
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "there is no such folder"
        raise DataUnavailableError(f"{shown(root)}: {what}")
    folders = [entry.name for entry in _entries(root, "") if _is_folder(entry)]
    train, validation, note = _parts(root, folders)
    notes = [note] if note else []
    if train is None:
        return _one_folder(root, _walk(root, ""), share, seed, notes)
    found = _walk(root, train)
    if validation is None:
        return _one_folder(root, found, share, seed, [*notes, f"{shown(train)} is split"])
    return _two_folders(root, (train, found), (validation, _walk(root, validation)), notes)


def _parts(root: Path, folders: Sequence[str]) -> tuple[str | None, str | None, str]:
    """Return the folders of both parts, where there are such, and what was decided."""
    others = [name for name in folders if name.lower() not in (*TRAIN, *VALIDATION, *TEST)]
    if others and not any(_has_folders(root, name) for name in folders):
        # Among other classes `train` may be one.
        return None, None, ""
    by_name = {name.lower(): name for name in sorted(folders, reverse=True)}
    train, validation, test = (
        next((by_name[name] for name in names if name in by_name), None)
        for names in (TRAIN, VALIDATION, TEST)
    )
    if train is None:
        only_parts = folders and all(f.lower() in (*VALIDATION, *TEST) for f in folders)
        if only_parts:
            raise DataUnavailableError(
                f"{shown(root)} has {listed([shown(f) for f in sorted(folders)])} and no folder "
                "train: it must have both, or one folder a class"
            )
        return None, None, ""
    if validation is not None:
        return train, validation, f"{shown(test)} is left out" if test else ""
    return train, test, f"{shown(test)} is taken for validation" if test else ""


def _has_folders(root: Path, name: str) -> bool:
    return any(_is_folder(entry) for entry in _entries(root, name))


def _one_folder(root: Path, found: _Found, share: float, seed: int, notes: list[str]) -> ImageSet:
    classes = _classes(root, found)
    files = [file for name in classes for file in found.by_class[name]]
    labels = [file.label for file in files]
    small = [shown(name) for name in classes if len(found.by_class[name]) < 2]
    if small:
        raise DataUnavailableError(
            f"{shown(root)}: a class needs 2 images or more, one for each part; there is 1 of "
            f"{listed(small)}"
        )
    held = held_out(labels, share, seed)
    return ImageSet(
        root,
        tuple(shown(name) for name in classes),
        tuple(file for file, out in zip(files, held, strict=True) if not out),
        tuple(file for file, out in zip(files, held, strict=True) if out),
        (*notes, *_left_out(found)),
    )


def _two_folders(
    root: Path, train: tuple[str, _Found], validation: tuple[str, _Found], notes: list[str]
) -> ImageSet:
    classes = _classes(root / train[0], train[1])
    other = validation[1].by_class
    strange = sorted(set(other) - set(classes), key=os.fsencode)
    if strange:
        near = get_close_matches(strange[0], classes, n=1)
        hint = f" (did you mean {shown(near[0])}?)" if near else ""
        raise DataUnavailableError(
            f"{shown(root / validation[0])} has the class {listed([shown(s) for s in strange])}, "
            f"which {shown(train[0])} lacks{hint}; both parts must have the same classes: "
            f"{listed([shown(name) for name in classes])}"
        )
    numbers = {name: number for number, name in enumerate(classes)}
    held = [replace(f, label=numbers[name]) for name in classes for f in other.get(name, ())]
    if not held:
        raise DataUnavailableError(f"{shown(root / validation[0])} holds no images")
    missing = [shown(name) for name in classes if not other.get(name)]
    if missing:
        notes = [*notes, f"{shown(validation[0])} has no images of {listed(missing)}"]
    return ImageSet(
        root,
        tuple(shown(name) for name in classes),
        tuple(file for name in classes for file in train[1].by_class[name]),
        tuple(held),
        (*notes, *_left_out(train[1]), *_left_out(validation[1])),
    )


def _classes(folder: Path, found: _Found) -> list[str]:
    """Return the names of the class folders, in the order of their bytes.

    Raises:
        DataUnavailableError: there are fewer than two, or one is empty.
    """
    names = sorted(found.by_class, key=os.fsencode)
    layout = (
        "it must have a folder of images for each class, or folders train and val that have; "
        'labels of single files can stand in a CSV: data.labels = "labels.csv"'
    )
    if not names:
        there = [name for name in found.others if is_image(name)]
        what = f"has {counted(len(there), 'image')} in no class's folder" if there else "is empty"
        raise DataUnavailableError(f"{shown(folder)} {what}: {layout}")
    empty = [shown(name) for name in names if not found.by_class[name]]
    if empty:
        raise DataUnavailableError(
            f"{shown(folder)} has no images in {listed(empty)}: put some there, or remove the "
            f"folder; images are known by their names (.jpg, .png, .gif, .tif, ...)"
        )
    if len(names) < 2:
        raise DataUnavailableError(
            f"{shown(folder)} has one class only, {shown(names[0])}: there is nothing to tell "
            f"apart; {layout}"
        )
    for number, name in enumerate(names):
        found.by_class[name] = [replace(f, label=number) for f in found.by_class[name]]
    return names


def _left_out(found: _Found) -> list[str]:
    if not found.others:
        return []
    some = listed([shown(name) for name in found.others], 3)
    return [f"{counted(len(found.others), 'file')} left out, as no image of a class: {some}"]


def find_classes(root: Path) -> dict[str, list[ImageFile]]:
    """Return the images of each class's folder, by its name, in the order of their bytes.

    Raises:
        DataUnavailableError: there are none.
        FolderError: a folder can't be read.
    """
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "there is no such folder"
        raise DataUnavailableError(f"{shown(root)}: {what}")
    found = _walk(root, "").by_class
    filled = {name: found[name] for name in sorted(found, key=os.fsencode) if found[name]}
    if not filled:
        raise DataUnavailableError(
            f"{shown(root)} has no images in class folders: it must have a folder for each class"
        )
    return filled


def find_loose(root: Path) -> list[str]:
    """Return the paths of all images in a folder and those below it, in the order of their bytes.

    Raises:
        DataUnavailableError: there are none.
        FolderError: a folder can't be read.
    """
    found = [file.name for file, _name in _files(root, "", ()) if file is not None]
    if not found:
        raise DataUnavailableError(f"{shown(root)} has no images")
    return [os.path.join(root, name) for name in sorted(found, key=os.fsencode)]  # noqa: PTH118


def is_image(name: str) -> bool:
    """Say whether a file is an image by its name."""
    return os.path.splitext(name)[1].lower() in EXTENSIONS  # noqa: PTH122


def _walk(root: Path, part: str) -> _Found:
    """Find the images of one part: each folder in it is a class, with all folders below."""
    found = _Found()
    above = (_identity(root, ""), _identity(root, part))
    for entry in _entries(root, part):
        name = os.path.join(part, entry.name)  # noqa: PTH118
        if _is_folder(entry):
            files = found.by_class[entry.name] = []
            for each, other in _files(root, name, above):
                if isinstance(each, ImageFile):
                    files.append(each)
                else:
                    found.others.append(other)
        else:
            found.others.append(name)
    return found


def _files(
    root: Path, folder: str, above: tuple[tuple[int, int], ...]
) -> Iterator[tuple[ImageFile | None, str]]:
    """Yield the images of a folder and those below, and the names of other files.

    A link that leads to a folder above itself is passed by.
    """
    here = _identity(root, folder)
    if here in above:
        return
    for entry in _entries(root, folder):
        name = os.path.join(folder, entry.name)  # noqa: PTH118
        if _is_folder(entry):
            yield from _files(root, name, (*above, here))
        elif is_image(entry.name):
            yield image_file(root, name), name
        else:
            yield None, name


def _identity(root: Path, folder: str) -> tuple[int, int]:
    status = os.stat(os.path.join(root, folder))  # noqa: PTH116, PTH118
    return status.st_dev, status.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def image_file(root: Path, name: str, label: int = 0) -> ImageFile:
    """Return a file with its size and time; one that is not there has neither."""
    try:
        status = os.stat(os.path.join(root, name))  # noqa: PTH116, PTH118
    except OSError:
        return ImageFile(name, label, 0, 0)
    return ImageFile(name, label, status.st_size, status.st_mtime_ns)


def _entries(root: Path, folder: str) -> list[os.DirEntry[str]]:
    """Return what a folder holds in the order of its bytes; hidden and system entries apart."""
    path = os.path.join(root, folder)  # noqa: PTH118
    try:
        with os.scandir(path) as entries:
            there = [e for e in entries if not e.name.startswith(".") and e.name not in _SYSTEM]
    except OSError as error:
        raise FolderError.of(shown(path), error, "can't be read") from error
    return sorted(there, key=lambda entry: os.fsencode(entry.name))
