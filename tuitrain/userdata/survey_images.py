"""What a folder of images holds, for a person and for a preset: counts, sizes, faults, copies.

Reads every header; decodes as many images as a person waits for.
"""

import hashlib
import statistics
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from tuitrain.userdata.image_cache import processors
from tuitrain.userdata.image_decode import decode
from tuitrain.userdata.image_files import ImageFile, ImageSet, find_images
from tuitrain.userdata.image_format import BrokenImageError, ImageFormat
from tuitrain.userdata.image_labels import find_labelled
from tuitrain.userdata.words import shown

DECODED = 2000
"""Images that are decoded whole, evenly spread; of more than these the headers alone are read."""
VALIDATION_SHARE = 0.2
_TELL_EVERY = 200
"""Images between two words on how far it is: a fifth of a second or so."""
Tell = Callable[[str], None]


def untold(_text: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class ImageSurvey:
    """What was found."""

    path: Path
    labels: str
    """The table of labels, relative to the path; empty: folders are the classes."""
    split: bool
    """Whether the parts are those of the folder; else a share is held out."""
    classes: dict[str, tuple[int, int]]
    """Of each class, images to train on and to validate on."""
    endings: dict[str, int]
    modes: dict[str, int]
    """How pixels are stored, as Pillow names it; the most frequent first."""
    widths: tuple[int, int, int]
    """The least, the median, the most."""
    heights: tuple[int, int, int]
    decoded: int
    broken: dict[str, str]
    """Files that can't be read, and why."""
    leaks: tuple[tuple[str, str], ...]
    """Files of equal content: one to train on, one to validate on."""
    conflicts: tuple[tuple[str, str], ...]
    """Files of equal content in two classes."""
    copies: int
    """Files whose content another file has too."""
    notes: tuple[str, ...]

    @property
    def images(self) -> int:
        """All images."""
        return sum(train + validation for train, validation in self.classes.values())


def survey_images(root: Path, labels: str = "", tell: Tell = untold) -> ImageSurvey:
    """Look at a folder of images; `tell` is given how far that is.

    Raises:
        DataUnavailableError: it holds nothing that can be trained on.
    """
    tell("listing the images")
    images = (
        find_labelled(root, labels, VALIDATION_SHARE, 0)
        if labels
        else find_images(root, VALIDATION_SHARE, 0)
    )
    looked = [_Looked(*each) for each in _look(images, tell)]
    whole = [each for each in looked if not each.why]
    tell("comparing files of equal size")
    copies = _copies(images)
    names = {file.name: shown(file.name) for file in images.files}
    held = {file.name for file in images.validation}
    return ImageSurvey(
        path=root,
        labels=labels,
        split=_has_parts(images),
        classes=_counts(images),
        endings=_most(Path(file.name).suffix.lower() for file in images.files),
        modes=_most(each.mode for each in whole),
        widths=_range([each.width for each in whole]),
        heights=_range([each.height for each in whole]),
        decoded=min(len(looked), DECODED),
        broken={
            names[file.name]: each.why
            for file, each in zip(images.files, looked, strict=True)
            if each.why
        },
        leaks=_pairs(copies, names, lambda file: file.name in held),
        conflicts=_pairs(copies, names, lambda file: file.label),
        copies=sum(len(group) - 1 for group in copies),
        notes=images.notes,
    )


@dataclass(frozen=True, slots=True)
class _Looked:
    mode: str
    width: int
    height: int
    why: str
    """Why it can't be read; empty: it can."""


def _has_parts(images: ImageSet) -> bool:
    """Say whether training and validation images lie in folders of their own."""
    first = {file.name.partition("/")[0] for file in images.train}
    return not first & {file.name.partition("/")[0] for file in images.validation}


def _counts(images: ImageSet) -> dict[str, tuple[int, int]]:
    train = Counter(file.label for file in images.train)
    held = Counter(file.label for file in images.validation)
    return {name: (train[number], held[number]) for number, name in enumerate(images.classes)}


def _most(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _range(values: Sequence[int]) -> tuple[int, int, int]:
    if not values:
        return 0, 0, 0
    return min(values), int(statistics.median_low(values)), max(values)


def _look(images: ImageSet, tell: Tell) -> list[tuple[str, int, int, str]]:
    """Return mode, width, height and fault of each image."""
    every = max(1, -(-len(images.files) // DECODED))
    jobs = [(images.path(file), not n % every) for n, file in enumerate(images.files)]
    # Pillow decodes without python's lock; filters of warnings are one for all threads.
    with warnings.catch_warnings(), ThreadPoolExecutor(processors()) as threads:
        warnings.simplefilter("ignore")
        found: list[tuple[str, int, int, str]] = []
        for each in threads.map(lambda job: _look_at(*job), jobs):
            if not len(found) % _TELL_EVERY:
                tell(f"images looked at: {len(found):,} of {len(jobs):,}")
            found.append(each)
        return found


def _look_at(path: str, whole: bool) -> tuple[str, int, int, str]:
    try:
        if whole:
            decode(path, ImageFormat(8, 8, "stretch", "grey", 255))
        with Image.open(path) as image:
            return image.mode, image.width, image.height, ""
    except BrokenImageError as error:
        return "", 0, 0, str(error)
    except Exception:
        # The header alone can't be read: `decode` says why.
        return _look_at(path, True) if not whole else ("", 0, 0, "is no image that can be read")


def _copies(images: ImageSet) -> list[list[ImageFile]]:
    """Return files of equal content; only those of equal size are read."""
    by_size: dict[int, list[ImageFile]] = {}
    for file in images.files:
        by_size.setdefault(file.size_bytes, []).append(file)
    found: dict[bytes, list[ImageFile]] = {}
    for size, files in by_size.items():
        for file in files if len(files) > 1 and size else ():
            found.setdefault(_digest(images.path(file)), []).append(file)
    return [group for group in found.values() if len(group) > 1]


def _digest(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "blake2b").digest()
    except OSError:
        # Named as broken; it is like no other file.
        return path.encode("utf-8", "surrogateescape")


def _pairs(
    groups: list[list[ImageFile]], names: dict[str, str], side: Callable[[ImageFile], object]
) -> tuple[tuple[str, str], ...]:
    """Return a pair from each group whose files are not all on one side."""
    found = []
    for group in groups:
        first = group[0]
        other = next((f for f in group if side(f) != side(first)), None)
        if other is not None:
            found.append((names[first.name], names[other.name]))
    return tuple(found)
