"""What lies at a path: images or a table, and the survey of it."""

from pathlib import Path

from tuitrain.errors import DataUnavailableError
from tuitrain.userdata.image_files import TEST, VALIDATION, is_image
from tuitrain.userdata.image_labels import is_label_table
from tuitrain.userdata.survey_images import ImageSurvey, Tell, survey_images, untold
from tuitrain.userdata.survey_table import TableSurvey, survey_table
from tuitrain.userdata.words import listed, shown

TABLES = (".csv", ".tsv", ".tab")
_JSON = (".json", ".jsonl", ".ndjson")


def survey(
    path: Path, target: str = "", encoding: str = "", tell: Tell = untold
) -> ImageSurvey | TableSurvey:
    """Look at a folder of images, a folder with tables, or a table.

    Args:
        path: the folder or file.
        target: of a table, the column to predict; empty: one that is called so, or the last.
        encoding: of a table's text; empty: told from a byte order mark, else UTF-8.
        tell: is given what takes long, a few words at a time.

    Raises:
        DataUnavailableError: there is nothing that can be trained on; the text says why.
    """
    if not path.exists():
        raise DataUnavailableError(f"{shown(path)}: there is no such file or folder")
    if path.is_file():
        return _of_file(path, target, encoding, tell)
    if not path.is_dir():
        raise DataUnavailableError(f"{shown(path)} is neither a file nor a folder")
    tables = sorted(file for file in path.iterdir() if file.suffix.lower() in TABLES)
    labels = [table for table in tables if is_label_table(table)]
    if labels and not target:
        return survey_images(path, labels[0].name, tell)
    if not tables or any(child.is_dir() and _holds_images(child) for child in path.iterdir()):
        return survey_images(path, tell=tell)
    return _of_tables(path, tables, target, encoding)


def _of_file(path: Path, target: str, encoding: str, tell: Tell) -> ImageSurvey | TableSurvey:
    if is_image(path.name):
        raise DataUnavailableError(f"{shown(path)} is one image; name the folder of all of them")
    if not target and is_label_table(path):
        return survey_images(path.parent, path.name, tell)
    if path.suffix.lower() in _JSON:
        raise DataUnavailableError(
            f"{shown(path)} is JSON, and this looks at images and CSV files; texts with labels, "
            'one object a line, train by data = {name = "jsonl", path = "FILE", text = "FIELD", '
            'label = "FIELD"}, as in `tuitrain presets show text-gru`'
        )
    try:
        return survey_table(path, target, encoding=encoding)
    except DataUnavailableError as error:
        if path.suffix.lower() in TABLES:
            raise
        hint = "if it is a text to learn to write: tuitrain run char-gpt --set data.path=FILE"
        raise DataUnavailableError(f"{error}; {hint}") from error


def _of_tables(path: Path, tables: list[Path], target: str, encoding: str) -> TableSurvey:
    by_stem = {table.stem.lower(): table for table in tables}
    held = next((by_stem[name] for name in (*VALIDATION, *TEST) if name in by_stem), None)
    if "train" in by_stem and held is not None:
        return survey_table(by_stem["train"], target, held.name, encoding)
    if len(tables) == 1:
        return survey_table(tables[0], target, encoding=encoding)
    raise DataUnavailableError(
        f"{shown(path)} has several tables ({listed([shown(table.name) for table in tables])}): "
        "name one of them, or call two train.csv and val.csv"
    )


def _holds_images(folder: Path) -> bool:
    return any(is_image(file.name) for file in folder.rglob("*"))
