"""Images of people's own, from folders or a table of labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import torch
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor

from tuitrain.components.data import DataContext, Facts, Samples, Splits
from tuitrain.components.readers.images import ImageReader, StoredSizes
from tuitrain.components.registry import dataset
from tuitrain.config.schema import NonNegativeInt
from tuitrain.errors import DataUnavailableError, TrainingError
from tuitrain.userdata.image_files import ImageFile, ImageSet, find_images
from tuitrain.userdata.image_format import BrokenImageError, ImageFormat
from tuitrain.userdata.image_labels import find_labelled
from tuitrain.userdata.words import counted, listed, shown

if TYPE_CHECKING:
    from tuitrain.userdata.image_cache import ImageCache

_STATISTICS_SAMPLES = 1024
"""Mean and deviation of a channel over so many images are as good as over all; a set that streams
has to decode them first."""


@dataset("image_folder", tasks=("classification", "binary"))
def image_folder(
    context: DataContext,
    *,
    path: Annotated[str, Field(min_length=1)],
    labels: str = "",
    size: PositiveInt | Annotated[Sequence[PositiveInt], Field(min_length=2, max_length=2)] = 64,
    resize: Literal["crop", "pad", "stretch"] = "crop",
    channels: Literal["rgb", "grey"] = "rgb",
    background: Annotated[int, Field(ge=0, le=255)] = 255,
    validation_share: Annotated[float, Field(gt=0, lt=1)] = 0.2,
    split_seed: NonNegativeInt = 0,
    broken: Literal["refuse", "skip"] = "refuse",
    cache: bool = True,
    cache_gib: PositiveFloat = 20.0,
) -> Splits:
    """Images of your own: folders train and val with a folder a class, class folders, or a CSV."""
    root = context.folder / Path(path).expanduser()
    context.report(f"looking for images in {shown(root)}")
    images = (
        find_labelled(root, labels, validation_share, split_seed)
        if labels
        else find_images(root, validation_share, split_seed)
    )
    for note in images.notes:
        context.report(note)
    height, width = (size, size) if isinstance(size, int) else size
    form = ImageFormat(height, width, resize, channels, background)
    if context.estimate:
        return _sizes_only(images, form)
    from tuitrain.userdata.image_cache import ImageCache

    store = ImageCache(context.folder / "cache" / "images", cache_gib * 2**30, context.report)
    refusal = store.refusal(images, form) if cache else ""
    if refusal:
        context.warn(f"the images are decoded as they are needed: to keep them, {refusal}")
    if cache and not refusal:
        return _kept(images, form, store, broken, context)
    return _streamed(images, form, broken, context)


def _sizes_only(images: ImageSet, form: ImageFormat) -> Splits:
    parts = [
        # One byte, seen as the whole set.
        Samples(torch.zeros((), dtype=torch.uint8).expand(len(part), *form.shape), _labels(part))
        for part in (images.train, images.validation)
    ]
    return _splits(parts[0], parts[1], images, form)


def _kept(
    images: ImageSet, form: ImageFormat, store: "ImageCache", broken: str, context: DataContext
) -> Splits:
    """Return the decoded pixels, mapped into memory."""
    decoded = store.open(images, form)
    whole = _without(images, decoded.broken, broken, context)
    pixels = torch.from_numpy(decoded.pixels)
    held = len(whole.train)
    return _splits(
        Samples(pixels[:held], _labels(whole.train)),
        Samples(pixels[held:], _labels(whole.validation)),
        whole,
        form,
    )


def _streamed(images: ImageSet, form: ImageFormat, broken: str, context: DataContext) -> Splits:
    if broken == "skip":
        from tuitrain.userdata.image_cache import read_broken

        images = _without(images, read_broken(images, form, context.report), broken, context)
    parts = [_ImageFiles(images, part, form) for part in (images.train, images.validation)]
    return _splits(parts[0], parts[1], images, form)


def _splits(train: object, validation: object, images: ImageSet, form: ImageFormat) -> Splits:
    return Splits(
        train,
        validation,
        classes=images.classes,
        kind="image",
        statistics_samples=_STATISTICS_SAMPLES,
        facts=lambda: _facts(images),
        reader=ImageReader(form, images.classes),
    )


def _facts(images: ImageSet) -> Facts:
    names = [shown(file.name) for file in images.validation]
    return Facts(
        names, True, {"size": StoredSizes([images.path(file) for file in images.validation])}
    )


def _labels(files: tuple[ImageFile, ...]) -> Tensor:
    return torch.tensor([file.label for file in files], dtype=torch.int64)


class _ImageFiles:
    """Images that are decoded when they are asked for."""

    def __init__(self, images: ImageSet, files: tuple[ImageFile, ...], form: ImageFormat) -> None:
        from tuitrain.userdata.image_decode import decode

        self._decode = decode
        self._paths = [images.path(file) for file in files]
        self._labels = [file.label for file in files]
        self._form = form

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, number: int) -> tuple[Tensor, int]:
        try:
            pixels: np.ndarray = self._decode(self._paths[number], self._form)
        except BrokenImageError as error:
            raise TrainingError(f"{shown(self._paths[number])} {error}; {_ADVICE}") from error
        return torch.from_numpy(pixels), self._labels[number]


_ADVICE = 'repair or remove it, or leave out what is broken with data.broken = "skip"'


def _without(
    images: ImageSet, faults: dict[int, str], broken: str, context: DataContext
) -> ImageSet:
    """Return the set without its broken images.

    Raises:
        DataUnavailableError: there are some and the preset refuses them, or a class has no others.
    """
    if not faults:
        return images
    files = images.files
    named = listed([f"{shown(files[number].name)} {why}" for number, why in faults.items()])
    count = f"{len(faults):,} of {counted(len(files), 'image')}"
    if broken == "refuse":
        raise DataUnavailableError(
            f"{count} in {shown(images.root)} can't be read: {named}; {_ADVICE}"
        )
    held = len(images.train)
    train = tuple(f for n, f in enumerate(images.train) if n not in faults)
    validation = tuple(f for n, f in enumerate(images.validation, held) if n not in faults)
    _refuse_empty(images, train, validation, count)
    context.warn(f"{count} can't be read and left out: {named}")
    return ImageSet(images.root, images.classes, train, validation, images.notes)


def _refuse_empty(
    images: ImageSet,
    train: tuple[ImageFile, ...],
    validation: tuple[ImageFile, ...],
    count: str,
) -> None:
    left = {file.label for file in train}
    gone = [name for number, name in enumerate(images.classes) if number not in left]
    if gone or not validation:
        what = f"no image of {listed(gone)} to train on" if gone else "none to validate on"
        raise DataUnavailableError(
            f"{count} in {shown(images.root)} can't be read, which leaves {what}"
        )
