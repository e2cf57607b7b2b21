"""The script beside a file: predicts with it where there is no tuitrain, in some twenty lines.

Decoding is written out as the run's reader does it; what is measured comes from the description.
Of a checkpoint's texts none becomes code: they are written as literals, or not at all.
"""

import json
from collections.abc import Mapping
from typing import Any

from tuitrain.components.readers.images import ImageReader
from tuitrain.components.readers.rows import EncodedRows, NumberRows
from tuitrain.components.readers.texts import CharacterReader, WordReader

_LIBRARIES = {"onnx": "onnxruntime", "torchscript": "torch", "pt2": "torch"}
_LOADED = {
    "onnx": "onnxruntime.InferenceSession(Path(__file__).with_name({file}))",
    "torchscript": "torch.jit.load(str(Path(__file__).with_name({file})))",
    "pt2": "torch.export.load(str(Path(__file__).with_name({file}))).module()",
}
_ASKED = {
    "onnx": 'model.run(None, {"inputs": inputs})[0][0]',
    "torchscript": "model(torch.from_numpy(inputs)).detach().numpy()[0]",
    "pt2": "model(torch.from_numpy(inputs)).detach().numpy()[0]",
}
_SAID = {
    "classes": "",
    "yes_no": "    outputs = np.append(0.0, outputs)",
    "next_token": "    outputs = outputs[-1]",
}
"""What makes scores of classes of a sample's outputs."""
_CLASSES = """\
    shares = np.exp(outputs - outputs.max()) / np.exp(outputs - outputs.max()).sum()
    print(name, {said}, f"{shares.max():.6g}", sep="\\t")"""
_NUMBERS = """\
    print(name, *(f"{value:.6g}" for value in outputs.ravel()), sep="\\t")"""


def predicting_script(about: Mapping[str, Any], names: tuple[str, str], reader: Any) -> str | None:
    """Return the script; None: nobody knows how samples are read, or what outputs say.

    Args:
        about: the file's description.
        names: the file's, and the description's.
        reader: of the run.
    """
    decoding = _decoding(reader)
    if decoding is None or about["says"] is None or about["format"] not in _LOADED:
        return None
    imports, read = decoding
    kind, says = about["format"], about["says"]
    said = 'about["classes"][shares.argmax()]'
    # A token may be the end of a line.
    said = f"json.dumps({said}, ensure_ascii=False)" if says == "next_token" else said
    library = _LIBRARIES[kind]
    packages = ["numpy", library, *(["pillow"] if isinstance(reader, ImageReader) else [])]
    about_it = f"Predicts with {names[0]}: give it {_TAKES[reader.takes]}; needs "
    lines = [
        json.dumps(f"{about_it}{', '.join(packages)}."),
        f"import {', '.join(sorted(['json', 'sys', *imports]))}",
        "from pathlib import Path",
        f"import numpy as np, {library}",
        *(["from PIL import Image, ImageOps"] if isinstance(reader, ImageReader) else []),
        f'about = json.loads(Path(__file__).with_name({json.dumps(names[1])}).read_text("utf-8"))',
        f"model = {_LOADED[kind].format(file=json.dumps(names[0]))}",
        *read,
        "for name, inputs in samples:",
        f"    outputs = {_ASKED[kind]}",
        *([_NUMBERS] if says == "numbers" else [_SAID[says], _CLASSES.replace("{said}", said)]),
    ]
    return "\n".join(line for line in lines if line) + "\n"


_TAKES = {"images": "images", "rows": "a table", "texts": "a file of texts, one a line"}


def _decoding(reader: Any) -> tuple[list[str], list[str]] | None:
    """Return which modules are imported, and lines that leave `samples`: pairs (name, inputs)."""
    if isinstance(reader, ImageReader):
        return [], _images(reader)
    if isinstance(reader, NumberRows | EncodedRows):
        return ["csv", "io"], _rows(reader)
    if isinstance(reader, WordReader):
        return ["re"], _words(reader)
    if isinstance(reader, CharacterReader):
        return [], _characters()
    return None


def _images(reader: ImageReader) -> list[str]:
    form = reader.form
    mode, size = ("RGB" if form.channels == "rgb" else "L"), (int(form.width), int(form.height))
    grey = (int(form.background),) * 3
    return [
        "def read(path):",
        "    image = Image.open(path)",
        f"    image.draft(None, {(max(size), max(size))})",
        "    image = ImageOps.exif_transpose(image)",
        '    if image.mode[:4] == "I;16":',
        '        image = Image.fromarray((np.asarray(image) >> 8).astype("uint8"))',
        "    if image.has_transparency_data:",
        f'        behind = Image.new("RGBA", image.size, {(*grey, 255)})',
        '        image = Image.alpha_composite(behind, image.convert("RGBA"))',
        f'    image, size = image.convert("{mode}"), {size}',
        *_resizing(form.resize, grey if mode == "RGB" else grey[0]),
        "    return np.atleast_3d(np.asarray(image)).transpose(2, 0, 1)[None]",
        "samples = ((path, read(path)) for path in sys.argv[1:])",
    ]


def _resizing(way: str, fill: object) -> list[str]:
    resize = "image.resize({size}, Image.Resampling.BILINEAR{box}, reducing_gap=2.0)"
    if way == "stretch":
        return [f"    image = {resize.format(size='size', box='')}"]
    if way == "crop":
        return [
            "    (w, h), (width, height) = image.size, size",
            "    w, h = min(w, h * width / height), min(h, w * height / width)",
            "    left, top = (image.width - w) / 2, (image.height - h) / 2",
            f"    image = {resize.format(size='size', box=', box=(left, top, left + w, top + h)')}",
        ]
    inner = "[max(1, round(side * scale)) for side in image.size]"
    return [
        "    scale = min(size[0] / image.width, size[1] / image.height)",
        f"    small = {resize.format(size=inner, box='')}",
        f"    image = Image.new(small.mode, size, {fill})",
        "    image.paste(small, [(side - used) // 2 for side, used in zip(size, small.size)])",
    ]


def _rows(reader: NumberRows | EncodedRows) -> list[str]:
    encoding = "utf-8-sig"
    if isinstance(reader, EncodedRows):
        encoding = reader.encoding or encoding
        values = _encoded_values(reader)
    else:
        values = ['    return [float(row[name]) for name in about["reader"]["state"]["columns"]]']
    return [
        f'text = Path(sys.argv[1]).read_text({json.dumps(encoding)})',
        'separator = max(",;\\t|", key=text.partition("\\n")[0].count)',
        'rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)',
        "def read(row):",
        *values,
        "samples = ((f\"row {n}\", np.array([read(row)], \"float32\")) for n, row in "
        "enumerate(rows, 1))",
    ]  # fmt: skip


def _encoded_values(reader: EncodedRows) -> list[str]:
    encoder = reader.encoder
    cell = "row[name].strip()"
    number = f"float({cell})"
    if encoder.decimal != ".":
        number = f'float({cell}.replace({json.dumps(encoder.decimal)}, "."))'
    if reader.missing == "mean":
        number = f"mean if {cell}.lower() in {sorted(reader.missing_texts)} else {number}"
    coded = "values += [float(cell == text) for text in texts]"
    if encoder.encode == "codes":
        coded = "values.append(texts.index(cell) + 1 if cell in texts else 0)"
    return [
        '    encoder = about["reader"]["state"]["encoder"]',
        f'    values = [{number} for name, mean in encoder["numbers"]]',
        '    for name, texts in encoder["categories"]:',
        f"        cell = {cell}",
        f"        {coded}",
        "    return values",
    ]


_LINES = "lines = [line for line in Path(sys.argv[1]).read_text(\"utf-8\").splitlines() if " \
    "line.strip()]"  # fmt: skip
_TEXTS = 'samples = ((line[:60], np.array([read(line)], "int64")) for line in lines)'


def _words(reader: WordReader) -> list[str]:
    length = int(reader.length)
    return [
        'words = {word: n for n, word in enumerate(about["reader"]["state"]["words"], 2)}',
        "def read(text):",
        f'    found = re.findall(r"[^\\W_]+", text.lower())[:{length}]',
        f"    return [words.get(word, 1) for word in found] + [0] * ({length} - len(found))",
        _LINES,
        _TEXTS,
    ]


def _characters() -> list[str]:
    return [
        'state = about["reader"]["state"]',
        'known = {character: n for n, character in enumerate(state["characters"])}',
        "def read(text):",
        '    return [known.get(character, 0) for character in text[-state["length"]:]]',
        _LINES,
        _TEXTS,
    ]
