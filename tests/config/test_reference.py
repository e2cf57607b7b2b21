from pathlib import Path

import pytest

from tuitrain.config.catalogue import read_catalogue
from tuitrain.config.reference import BEGIN_MARK, END_MARK, preset_reference
from tuitrain.config.schema import Preset

README = Path(__file__).parents[2] / "README.md"


def test_every_key_and_every_component_is_in_the_reference():
    reference = preset_reference()
    for section, field in Preset.model_fields.items():
        keys = getattr(field.annotation, "model_fields", {section: None})
        assert all(f"| `{key}` |" in reference for key in keys)
    for (_, name), info in read_catalogue().components.items():
        assert f"| `{name}` | {info.description}" in reference
        assert all(f"`{option}`: " in reference for option in info.fields)


def test_every_key_of_the_schema_says_what_it_means():
    for section, field in Preset.model_fields.items():
        keys = getattr(field.annotation, "model_fields", {section: field})
        assert all(inner.description for inner in keys.values()), section


def test_the_readme_holds_the_reference_of_this_version():
    if not README.exists():
        pytest.skip("there is no README.md yet")
    _, begin, rest = README.read_text("utf-8").partition(BEGIN_MARK)
    text, end, _ = rest.partition(END_MARK)
    assert begin and end, "README.md lacks the marks around the preset reference"
    assert text.strip() == preset_reference(), "python -m tuitrain.config.reference prints it"
