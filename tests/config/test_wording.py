import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuitrain.config.wording import nearest, one_of, printable, show, words_for


@settings(deadline=None)
@given(st.text())
def test_what_is_made_printable_can_not_act_on_a_terminal(text):
    assert printable(text).isprintable()
    assert printable(text) == text or not text.isprintable()


@settings(deadline=None)
@given(st.recursive(st.text() | st.floats() | st.booleans(), st.lists))
def test_a_shown_value_fits_a_line_and_can_not_act_on_a_terminal(value):
    assert show(value).isprintable()
    assert len(show(value)) <= 60


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "true"),
        (0.5, "0.5"),
        ("a\tb", '"a\\tb"'),
        ([1, ["x"]], '[1, ["x"]]'),
        ({"a": 1}, "{a = 1}"),
    ],
)
def test_values_are_shown_as_toml_writes_them(value, shown):
    assert show(value) == shown


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer"}, "a whole number"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1},
         "a number greater than 0 and at most 1"),
        ({"type": "array", "items": {"type": "integer", "minimum": 1}},
         "a list of whole numbers of at least 1"),
        ({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
         "a list of 2 numbers"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1},
         "a list of at least 1 texts"),
        ({"enum": ["a", "b", "c"]}, "one of a, b or c"),
        ({"const": "a"}, "a"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text"),
        ({"anyOf": [{"type": "boolean"}, {"type": "number"}]}, "true or false or a number"),
        ({"$ref": "#/x"}, "a table"),
        ({"pattern": "^x$", "type": "string", "words": "an x"}, "an x"),
    ],
)  # fmt: skip
def test_what_is_allowed_is_put_into_words(schema, words):
    assert words_for(schema) == words


def test_names_are_joined_as_people_do():
    assert [one_of(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "", "a", "a or b", "a, b or c"
    ]  # fmt: skip


def test_near_misses_are_found_whatever_the_case():
    assert nearest("AdamW", ["adam", "adamw", "sgd"])[0] == "adamw"
    assert nearest("lt", ["lr", "eps"]) == ["lr"]
    assert nearest("zebra", ["lr", "eps"]) == []
