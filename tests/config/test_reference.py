from tuitrain.config.catalogue import read_catalogue
from tuitrain.config.reference import preset_reference
from tuitrain.config.schema import Preset


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
