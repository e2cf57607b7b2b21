"""Images of people's own: every kind of file, every layout, and what is said of faults."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.catalogue.pictures import Said, as_bytes, pixels, write_classes
from tuitrain.components.datasets.images import image_folder
from tuitrain.errors import DataUnavailableError, TuitrainError
from tuitrain.userdata.image_decode import decode
from tuitrain.userdata.image_files import find_images
from tuitrain.userdata.image_format import BrokenImageError, ImageFormat

RGB = ImageFormat(12, 16, "stretch", "rgb", 255)
GREY = ImageFormat(12, 16, "stretch", "grey", 255)


def solid(mode: str, colour: Any, size: tuple[int, int] = (16, 12)) -> Image.Image:
    return Image.new(mode, size, colour)


def sixteen_bits() -> Image.Image:
    return Image.fromarray(np.full((12, 16), 0x40FF, dtype=np.uint16))


def with_hole() -> Image.Image:
    """Return a palette image whose one colour is transparent."""
    image = solid("P", 3)
    image.putpalette([10, 20, 30] * 256)
    image.info["transparency"] = 3
    return image


@pytest.mark.parametrize(
    ("image", "ending", "expected"),
    [
        (solid("RGB", (200, 10, 20)), ".png", (200, 10, 20)),
        (solid("RGB", (200, 10, 20)), ".bmp", (200, 10, 20)),
        (solid("RGB", (200, 10, 20)), ".jpg", (200, 10, 20)),
        (solid("L", 77), ".jpg", (77, 77, 77)),
        (solid("1", 1), ".png", (255, 255, 255)),
        (solid("P", 0), ".gif", (0, 0, 0)),
        (with_hole(), ".png", (255, 255, 255)),
        (solid("RGBA", (200, 10, 20, 0)), ".png", (255, 255, 255)),
        (solid("RGBA", (200, 10, 20, 255)), ".webp", (200, 10, 20)),
        (solid("LA", (40, 255)), ".png", (40, 40, 40)),
        (solid("CMYK", (0, 0, 0, 255)), ".jpg", (0, 0, 0)),
        (solid("CMYK", (0, 0, 0, 0)), ".tif", (255, 255, 255)),
        (solid("YCbCr", (100, 128, 128)), ".jpg", (100, 100, 100)),
        (sixteen_bits(), ".png", (0x40, 0x40, 0x40)),
        (sixteen_bits(), ".tif", (0x40, 0x40, 0x40)),
    ],
    ids=lambda value: getattr(value, "mode", None) or str(value),
)
def test_every_mode_becomes_rgb_of_8_bits(
    tmp_path: Path, image: Image.Image, ending: str, expected: tuple[int, ...]
) -> None:
    path = tmp_path / f"image{ending}"
    image.save(path)
    found = decode(str(path), RGB)
    assert (found.shape, found.dtype) == ((3, 12, 16), np.uint8)
    assert np.abs(found.mean((1, 2)) - expected).max() <= 3
    assert decode(str(path), GREY).shape == (1, 12, 16)


def test_what_is_not_resized_keeps_its_pixels(tmp_path: Path) -> None:
    Image.fromarray(pixels(1)).save(tmp_path / "a.png")
    found = decode(str(tmp_path / "a.png"), RGB)
    assert np.array_equal(found.transpose(1, 2, 0), pixels(1))


def test_a_picture_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter to the right to be seen upright
    image = solid("RGB", (0, 0, 0), (16, 32))
    image.paste((255, 255, 255), (0, 16, 16, 32))
    image.save(tmp_path / "a.jpg", exif=exif, quality=95)
    found = decode(str(tmp_path / "a.jpg"), ImageFormat(16, 32, "stretch", "grey", 0))[0]
    assert found[:, :14].mean() > 240
    assert found[:, 18:].mean() < 15


def test_crop_takes_the_middle_pad_adds_background_and_stretch_keeps_the_edges(
    tmp_path: Path,
) -> None:
    image = solid("L", 100, (40, 20))
    image.paste(200, (10, 0, 30, 20))
    image.save(tmp_path / "a.png")

    def made(resize: Any) -> np.ndarray:
        return decode(str(tmp_path / "a.png"), ImageFormat(10, 10, resize, "grey", 7))[0]

    assert (made("crop")[:, 1:-1] == 200).all()
    assert (made("pad")[[0, 1, 8, 9]] == 7).all()
    assert made("pad")[5, 0] == 100
    assert made("stretch")[5, 0] == 100
    assert made("stretch")[5, 5] == 200


def damaged(path: Path, kind: str) -> None:
    Image.fromarray(pixels(0, 200, 200)).save(path.with_suffix(".jpg"))
    data = path.with_suffix(".jpg").read_bytes()
    path.with_suffix(".jpg").unlink()
    content = {"empty": b"", "cut": data[: len(data) // 2], "text": b"no image at all"}
    if kind == "link":
        path.symlink_to("nowhere.jpg")
    elif kind == "numbers":
        Image.fromarray(np.zeros((4, 4), dtype=np.float32)).save(path, format="TIFF")
    else:
        path.write_bytes(content[kind])


BROKEN = {
    "empty": "is empty",
    "cut": "is damaged: ",
    "text": "is no image that can be read",
    "link": "can't be opened: no such file",
    "numbers": "holds floating-point numbers",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_an_image_that_is_broken_is_said_to_be_so_and_why(tmp_path: Path, kind: str) -> None:
    damaged(tmp_path / "bad.png", kind)
    with pytest.raises(BrokenImageError, match=BROKEN[kind]):
        decode(str(tmp_path / "bad.png"), RGB)


@pytest.mark.parametrize("cache", [True, False])
def test_broken_images_are_refused_by_name_or_left_out_and_told(
    tmp_path: Path, cache: bool
) -> None:
    root = tmp_path / "own"
    write_classes(root, {"cat": 6, "dog": 6})
    for kind in BROKEN:
        damaged(root / "cat" / f"{kind}.png", kind)
    said = Said(tmp_path)
    if cache:
        with pytest.raises(DataUnavailableError) as caught:
            image_folder(said.context, path="own", size=8)
        text = str(caught.value)
        assert "5 of 17 images" in text
        assert "cat/empty.png is empty" in text
        assert 'data.broken = "skip"' in text
        assert "\n" not in text
    splits = image_folder(said.context, path="own", size=8, broken="skip", cache=cache)
    assert len(splits.train) + len(splits.validation) == 12
    [warning] = said.warnings
    assert "5 of 17 images can't be read and left out" in warning


def test_a_broken_image_in_a_set_that_streams_is_named_when_it_is_read(tmp_path: Path) -> None:
    root = tmp_path / "own"
    write_classes(root, {"cat": 4, "dog": 4})
    damaged(root / "cat" / "bad.png", "cut")
    splits = image_folder(Said(tmp_path).context, path="own", size=8, cache=False)
    with pytest.raises(TuitrainError, match=r"cat/bad.png is damaged.*broken = \"skip\""):
        list(map(splits.train.__getitem__, range(len(splits.train))))
        list(map(splits.validation.__getitem__, range(len(splits.validation))))


def test_a_class_of_which_nothing_is_whole_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "own"
    write_classes(root, {"cat": 4})
    (root / "dog").mkdir()
    for number in range(3):
        damaged(root / "dog" / f"{number}.png", "text")
    with pytest.raises(DataUnavailableError, match="leaves no image of dog to train on"):
        image_folder(Said(tmp_path).context, path="own", size=8, broken="skip")


# --- layouts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("validation", ["val", "valid", "validation", "Val", "test"])
def test_two_parts_are_found_by_their_usual_names(tmp_path: Path, validation: str) -> None:
    write_classes(tmp_path / "own" / "train", {"cat": 3, "dog": 2})
    write_classes(tmp_path / "own" / validation, {"cat": 1, "dog": 2}, first=50)
    found = find_images(tmp_path / "own", 0.2, 0)
    assert found.classes == ("cat", "dog")
    assert [file.label for file in found.train] == [0, 0, 0, 1, 1]
    assert [file.name for file in found.validation] == [
        f"{validation}/cat/0050.png", f"{validation}/dog/0050.png", f"{validation}/dog/0051.png",
    ]  # fmt: skip


def test_class_folders_alone_are_split_with_each_class_in_its_share(tmp_path: Path) -> None:
    write_classes(tmp_path / "own", {"cat": 20, "dog": 10, "eel": 2})

    def held(seed: int) -> list[str]:
        return [file.name for file in find_images(tmp_path / "own", 0.2, seed).validation]

    labels = [name.partition("/")[0] for name in held(0)]
    assert [labels.count(name) for name in ("cat", "dog", "eel")] == [4, 2, 1]
    assert held(0) == held(0)
    assert held(0) != held(1)


def test_a_class_may_be_called_as_a_part_is(tmp_path: Path) -> None:
    write_classes(tmp_path / "own", {"car": 3, "plane": 3, "train": 3})
    assert find_images(tmp_path / "own", 0.2, 0).classes == ("car", "plane", "train")


@pytest.mark.parametrize("with_parts", [False, True])
def test_a_table_of_labels_names_the_classes(tmp_path: Path, with_parts: bool) -> None:
    write_classes(tmp_path / "own", {"a": 4, "b": 4})
    names = [f"{folder}/000{n}.png" for folder in "ab" for n in range(4)]
    lines = ["file,label" + ",part" * with_parts]
    for number, name in enumerate(names):
        part = ("train", "train", "val", "test")[number % 4]
        lines.append(f"{name},{10 if number < 4 else 9}" + f",{part}" * with_parts)
    (tmp_path / "own" / "labels.csv").write_text("\n".join(lines))
    splits = image_folder(Said(tmp_path).context, path="own", labels="labels.csv", size=8)
    assert splits.classes == ("9", "10")
    counts = (len(splits.train), len(splits.validation))
    assert counts == ((4, 2) if with_parts else (6, 2))


def test_names_of_any_bytes_and_scripts_are_found_and_shown(tmp_path: Path) -> None:
    root = tmp_path / "own"
    names = [as_bytes(b"caf\xe9"), "犬", "a b\n"]
    write_classes(root, dict.fromkeys(names, 2))
    odd = root / names[0] / as_bytes(b"\xff\xfe.png")
    Image.fromarray(pixels(5)).save(odd)
    splits = image_folder(Said(tmp_path).context, path="own", size=8)
    assert sorted(splits.classes) == ["a b\\n", "caf\\xe9", "犬"]
    assert len(splits.train) + len(splits.validation) == 7
    odd.write_bytes(b"")
    with pytest.raises(DataUnavailableError, match=r"caf\\xe9/\\xff\\xfe.png is empty") as caught:
        image_folder(Said(tmp_path).context, path="own", size=8)
    str(caught.value).encode("utf-8")


def test_links_are_followed_and_loops_hidden_and_other_files_passed_by(tmp_path: Path) -> None:
    root = tmp_path / "own"
    write_classes(root, {"cat": 2, "dog": 2, ".git": 1, "__MACOSX": 1})
    write_classes(tmp_path, {"elsewhere": 3})
    (root / "eel").symlink_to(tmp_path / "elsewhere")
    (root / "cat" / "again").symlink_to(root)
    (root / "cat" / "itself").symlink_to("itself")
    (root / "cat" / "deep").mkdir()
    Image.fromarray(pixels(9)).save(root / "cat" / "deep" / "a.JPEG")
    (root / "cat" / ".hidden.png").write_bytes(b"")
    (root / "cat" / "notes.txt").write_text("a")
    found = find_images(root, 0.5, 0)
    assert found.classes == ("cat", "dog", "eel")
    assert sorted(file.label for file in found.files) == [0, 0, 0, 1, 1, 2, 2, 2]
    assert found.notes == ("2 files left out, as no image of a class: cat/itself, cat/notes.txt",)


def no_classes(root: Path) -> None:
    Image.fromarray(pixels(0)).save(root / "a.png")


def other_classes(root: Path) -> None:
    write_classes(root / "train", {"cat": 2, "dog": 2})
    write_classes(root / "val", {"cat": 2, "dogs": 2})


def no_train(root: Path) -> None:
    write_classes(root / "val", {"cat": 2, "dog": 2})


def empty_class(root: Path) -> None:
    write_classes(root, {"cat": 2, "dog": 2, "eel": 0})


def labels(*lines: str) -> Any:
    def write(root: Path) -> None:
        write_classes(root, {"a": 2})
        (root / "labels.csv").write_text("\n".join(lines))

    return write


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda root: root.rmdir(), "there is no such folder"),
        (lambda _root: None, "own is empty: it must have a folder of images for each class"),
        (no_classes, "has 1 image in no class's folder"),
        (lambda root: write_classes(root, {"cat": 3}), "has one class only, cat"),
        (other_classes, "has the class dogs, which train lacks .did you mean dog?"),
        (no_train, "has val and no folder train"),
        (empty_class, "has no images in eel"),
        (lambda root: write_classes(root, {"train": 3, "val": 2}), "has 3 images in no class"),
        (lambda root: write_classes(root, {"cat": 3, "dog": 1}), "there is 1 of dog"),
        (labels("file,lable", "a/0000.png,1"), "needs a column label; it has file, lable"),
        (labels("file,label", *["a/0000.png,1"] * 2), "a/0000.png twice, on lines 2 and 3"),
        (labels("file,label", "a/0000.png,1", "b.png,2"), "names 1 file that .*: b.png .line 3"),
        (labels("file,label", "a/0000.png,1", "a/0001.png,"), "line 3: a file and a label"),
        (labels("file,label", "a/0000.png,1", "a/0001.png,1"), "has one label only, 1"),
    ],
)  # fmt: skip
def test_a_folder_that_can_not_be_trained_on_is_told_in_one_sentence(
    tmp_path: Path, make: Any, expected: str
) -> None:
    (tmp_path / "own").mkdir()
    make(tmp_path / "own")
    table = "labels.csv" if (tmp_path / "own" / "labels.csv").exists() else ""
    with pytest.raises(DataUnavailableError, match=expected) as caught:
        image_folder(Said(tmp_path).context, path="own", labels=table, size=8)
    assert "\n" not in str(caught.value)


def test_an_estimate_reads_no_pixels_and_writes_nothing(tmp_path: Path) -> None:
    write_classes(tmp_path / "own", {"cat": 4, "dog": 4})
    damaged(tmp_path / "own" / "cat" / "bad.png", "cut")
    context = Said(tmp_path).context
    asked = type(context)(context.folder, context.report, context.warn, estimate=True)
    splits = image_folder(asked, path="own", size=[6, 8])
    assert tuple(splits.train.inputs.shape) == (7, 3, 6, 8)
    assert splits.train.inputs.dtype == torch.uint8
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own"]
