"""Documentation of modules that ship with Python, labelled by what they are about."""

import ast
import json
import os
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from platform import python_version
from typing import Annotated

from pydantic import Field, PositiveInt

from tuitrain.components.data import DataContext, Splits
from tuitrain.components.datasets.texts import text_splits
from tuitrain.components.readers.labelled_texts import Row
from tuitrain.components.registry import dataset
from tuitrain.config.schema import NonNegativeInt
from tuitrain.errors import DataUnavailableError

GROUPS: Mapping[str, tuple[str, ...]] = {
    "archives and files": (
        "_pyio", "bz2", "fileinput", "filecmp", "glob", "gzip", "lzma", "mailbox", "os", "pathlib",
        "posixpath", "shelve", "shutil", "tarfile", "tempfile", "zipfile", "zipimport",
    ),
    "concurrency": (
        "_threading_local", "asyncio", "concurrent", "contextlib", "contextvars", "multiprocessing",
        "queue", "sched", "selectors", "subprocess", "threading",
    ),
    "internet": (
        "ftplib", "http", "imaplib", "ipaddress", "poplib", "smtplib", "socket", "socketserver",
        "ssl", "urllib", "wsgiref", "xmlrpc",
    ),
    "language": (
        "_collections_abc", "abc", "ast", "collections", "copy", "dataclasses", "dis", "enum",
        "functools", "importlib", "inspect", "pickle", "pickletools", "pkgutil", "symtable",
        "tokenize", "types", "typing", "weakref",
    ),
    "mail and markup": (
        "base64", "csv", "email", "html", "json", "mimetypes", "plistlib", "quopri", "xml",
    ),
    "numbers and time": (
        "_pydatetime", "_pydecimal", "bisect", "calendar", "datetime", "fractions", "heapq",
        "numbers", "random", "statistics", "zoneinfo",
    ),
    "tests and tools": (
        "argparse", "bdb", "cmd", "configparser", "doctest", "logging", "optparse", "pdb",
        "profile", "pstats", "pydoc", "timeit", "trace", "traceback", "unittest", "venv",
        "warnings",
    ),
    "windows and drawing": ("tkinter", "turtle", "turtledemo", "colorsys"),
}  # fmt: skip
"""Modules by their group; those that a version of Python lacks are left out."""
_LEAST_WORDS = 8


@dataset("python_docs", tasks=("classification",))
def python_docs(
    context: DataContext,
    *,
    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2,
    length: PositiveInt = 64,
    vocabulary: PositiveInt = 4000,
    min_count: PositiveInt = 2,
    bucket: NonNegativeInt = 0,
) -> Splits:
    """Docstrings of Python's own modules in 8 groups by subject: the same for a Python version."""
    rows = _cached(context)
    source = _library()
    if len({group for _text, group in rows}) < len(GROUPS):
        lacking = sorted(set(GROUPS) - {group for _text, group in rows})
        raise DataUnavailableError(
            f"the sources of Python's modules on {', '.join(lacking)} are not in {source}; install "
            "the whole standard library, or take data.name = text_csv with texts of your own"
        )
    return text_splits([rows], [source], validation_fraction, length, vocabulary, min_count, bucket)


def _library() -> Path:
    return Path(sysconfig.get_path("stdlib"))


def _cached(context: DataContext) -> list[Row]:
    """Return the rows, from a file in the data folder where there is one: reading takes seconds."""
    file = context.folder / f"python-docs-{python_version()}.json"
    try:
        return [(text, group) for text, group in json.loads(file.read_bytes())]
    except (OSError, ValueError, TypeError):
        # There is none yet, or it broke off: it is made of what is at hand.
        pass
    context.report("reading the documentation of Python's modules")
    rows = list(_read(_library()))
    try:
        _write(file, json.dumps(rows))
    except OSError as error:
        context.report(f"the texts are not kept in {context.folder}: {error}")
    return rows


def _write(file: Path, text: str) -> None:
    """Put a file there in one piece: several runs may begin at once."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as written:
            written.write(text)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink()
        raise


def _read(library: Path) -> Iterator[Row]:
    """Yield each docstring of enough words once, with its group."""
    seen: set[str] = set()
    for group, modules in GROUPS.items():
        for module in modules:
            for path in _files(library, module):
                for text in _docstrings(path):
                    if text not in seen and len(text.split()) >= _LEAST_WORDS:
                        seen.add(text)
                        yield text, group


def _files(library: Path, module: str) -> list[Path]:
    alone = library / f"{module}.py"
    if alone.is_file():
        return [alone]
    paths = sorted((library / module).rglob("*.py"))
    # Some distributions leave the tests out.
    return [path for path in paths if not {"test", "tests", "idle_test"} & {*path.parts}]


def _docstrings(path: Path) -> Iterator[str]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(path.read_bytes())):
        text = ast.get_docstring(node) if isinstance(node, kinds) else None
        if text:
            yield text
