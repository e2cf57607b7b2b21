"""From values as Python has them to a preset that TOML can hold."""

import functools
import json
import types
from pathlib import Path
from typing import Any

import pytest

from tuitrain.config.presets import find_preset
from tuitrain.config.python_preset.plain import NotPlainError, plain_preset
from tuitrain.errors import PresetError

module = types.ModuleType("mine")
module.partial = functools.partial(dict, a=1)  # type: ignore[attr-defined]


def plain(**values: Any) -> dict[str, Any]:
    return plain_preset(values, module)


def test_classes_and_functions_become_names_that_import_them_again() -> None:
    assert plain(
        task=json.JSONDecoder,
        model=json.JSONEncoder,
        loss={"name": json.dumps, "indent": None, "depth": (1, 2), "path": Path("a/b")},
        optimizer="adamw",
        data={"name": "own", "augment": [json.loads, {"name": module.partial, "a": 1}]},
        hooks=(),
    ) == {
        "task": "json:JSONDecoder",
        "model": {"name": "json:JSONEncoder"},
        "loss": {"name": "json:dumps", "depth": [1, 2], "path": "a/b"},
        "optimizer": {"name": "adamw"},
        "data": {
            "name": "own",
            "augment": [{"name": "json:loads"}, {"name": "mine:partial", "a": 1}],
        },
        "hooks": [],
    }


def local() -> None:
    """Stands for a function that is not at the top level of its file."""


local.__qualname__ = "f.<locals>.local"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"model": {"name": local}}, "model.name: the function f.<locals>.local has no name"),
        ({"model": json.JSONEncoder()}, "model: found an object of json.encoder.JSONEncoder, must"),
        ({"model": {"act": json.dumps}}, "model.act: found the function dumps, must be a number"),
        ({"hooks": {"name": "ema"}}, "hooks: found an object of dict, must be a list"),
        ({"train": {"a": [1, {2}]}}, "train.a[1]: found an object of set"),
    ],
)
def test_what_can_not_be_written_is_told_with_its_place(values: dict[str, Any], said: str) -> None:
    with pytest.raises(NotPlainError) as error:
        plain(**values)
    assert str(error.value).startswith(said)


def test_a_python_file_is_found_with_the_name_in_it(tmp_path: Path) -> None:
    folder = tmp_path / ".python"
    folder.mkdir()
    (folder / "mine.py").write_text("")
    found = find_preset(".python/mine.py:small", tmp_path)
    assert (found.path, found.attribute) == (folder / "mine.py", "small")
    assert find_preset(str(folder / "mine.py")).attribute == "preset"
    with pytest.raises(PresetError, match="no such Python file"):
        find_preset("none.py:preset", tmp_path)
