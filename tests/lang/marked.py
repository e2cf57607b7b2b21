"""The words that the source marks for translation, and the sentences that it puts together."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

from pydantic import BaseModel

from tuitrain.alerts.catalogue import KINDS as ALERTS
from tuitrain.config.catalogue import KINDS, read_catalogue
from tuitrain.config.schema import Preset
from tuitrain.config.wording import words_for
from tuitrain.ui.keys import SOURCES
from tuitrain.view.glossary import MEANINGS
from tuitrain.view.run.runtext import STATE_STYLES

PACKAGE = Path(__file__).parents[2] / "tuitrain"
TITLES = {title for title, _module, _name in SOURCES}
_MARKS = {"tr": "texts", "term": "texts", "key_word": "keys"}
_FIELD = re.compile(r"\{(\w*)[^}]*\}")


def fields(text: str) -> set[str]:
    """Return the names of a text's fields."""
    return set(_FIELD.findall(text))


def shape(text: str) -> str:
    """Return a sentence with its fields without names, as an f-string has it."""
    return _FIELD.sub("{}", text)


@cache
def trees() -> dict[Path, ast.Module]:
    """Return the package's modules by their files."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}


@cache
def marked() -> dict[str, set[str]]:
    """Return what the calls of `tr`, `term` and `key_word` name, by the table of a file."""
    found: dict[str, set[str]] = {
        "texts": {*MEANINGS.values(), *STATE_STYLES, *TITLES, *(kind.name for kind in ALERTS)},
        "keys": set(),
    }
    for tree in trees().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args:
                name = ast.unparse(node.func).rpartition(".")[2]
                if name in _MARKS:
                    found[_MARKS[name]].update(_literals(node.args[0]))
                elif name == "Binding" and len(node.args) > 2:
                    found["keys"] |= _literals(node.args[2])
                    tips = [each.value for each in node.keywords if each.arg == "tooltip"]
                    found["texts"] |= {text for tip in tips for text in _literals(tip)}
    return {table: texts - {""} for table, texts in found.items()}


def _literals(node: ast.expr) -> set[str]:
    """Return the text of an argument, or both of one that depends on something."""
    if isinstance(node, ast.IfExp):
        return _literals(node.body) | _literals(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def descriptions() -> set[str]:
    """Return what presets say of themselves: it may have a translation."""
    paths = PACKAGE.parent.glob("presets/*.toml")
    return {tomllib.loads(path.read_text(encoding="utf-8"))["description"] for path in paths}


@cache
def literals(folder: str = "") -> set[str]:
    """Return every text of the source in the shape of `shape`: a sentence must be among them."""
    found: set[str] = set()
    for path, tree in trees().items():
        for node in ast.walk(tree) if (PACKAGE / folder) in path.parents else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(shape(node.value))
            elif isinstance(node, ast.JoinedStr):
                found.add("".join(map(_part, node.values)))
    return found


@cache
def allowed_words() -> set[str]:
    """Return what messages about settings say is allowed, for each key there is."""
    found: set[str] = set()
    models: list[type[BaseModel]] = [Preset]
    models += [info.options for kind in KINDS for info in read_catalogue().of_kind(kind)]
    for model in models:
        schema = model.model_json_schema()
        for table in (schema, *schema.get("$defs", {}).values()):
            found |= {words_for(value) for value in table.get("properties", {}).values()}
    finite = {words.replace("a number", "a finite number", 1) for words in found}
    return found | {words for words in finite if words.startswith("a finite number")}


def _part(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else "{}"
