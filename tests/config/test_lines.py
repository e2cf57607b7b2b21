import tomllib

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from tuitrain.config.lines import line_of, line_of_syntax_error

TEXT = '''# a comment
name = "x" # [train]

train.epochs = 3
data.text = """
epochs = 4
[train]
"""

data.list = [
  1,

  2, # ] not yet
]
[optimizer] # lr = 5
# lr = 6
lr = 7
"quoted key" = 1
model = { name = "m", size.width = 2 }
[[steps]]
a = 1
[[steps]]
a = 2
[ outer . inner ]
z = 1
'''


def test_a_key_is_found_on_the_line_where_its_statement_begins():
    assert line_of(TEXT, ("name",)) == 2
    assert line_of(TEXT, ("train",)) == 4
    assert line_of(TEXT, ("train", "epochs")) == 4
    assert line_of(TEXT, ("data", "text")) == 5
    assert line_of(TEXT, ("data", "list")) == 10
    assert line_of(TEXT, ("data", "list", 1)) == 10
    assert line_of(TEXT, ("optimizer",)) == 15
    assert line_of(TEXT, ("optimizer", "lr")) == 17
    assert line_of(TEXT, ("optimizer", "quoted key")) == 18
    assert line_of(TEXT, ("optimizer", "model", "size", "width")) == 19
    assert line_of(TEXT, ("steps", 1)) == 22
    assert line_of(TEXT, ("steps", 1, "a")) == 23
    assert line_of(TEXT, ("outer", "inner", "z")) == 25


def test_a_key_that_is_not_set_has_no_line():
    for path in [("lr",), ("train", "lr"), ("steps", 2), ("name", "x"), ("steps", "a")]:
        assert line_of(TEXT, path) is None


def test_lines_are_counted_the_same_with_windows_line_ends():
    assert line_of(TEXT.replace("\n", "\r\n"), ("optimizer", "lr")) == 17


def paths(value, path=()):
    if path:
        yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*path, key))


KEYS = st.text("abcdefg .#=[]\"'\n", min_size=1, max_size=5)
VALUES = st.recursive(
    st.integers() | st.text("ab\n\"'\\#=[]{} ", max_size=9) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=5), st.booleans())
def test_the_line_is_the_first_without_which_the_key_is_not_there(values, multiline):
    text = tomli_w.dumps(values, multiline_strings=multiline)
    lines = text.split("\n")
    for path in paths(values):
        line = line_of(text, path)
        # Everything before the statement is whole without it, and does not hold the key.
        before = tomllib.loads("\n".join(lines[: line - 1]))
        assert path not in set(paths(before))
        assert lines[line - 1].strip()


@pytest.mark.parametrize(
    ("text", "line"), [("a = 1\nb = \nc = 2", 2), ("a = 1\nb = [1,\n\n", 2), ("a 1", 1)]
)
def test_a_syntax_error_is_on_the_line_that_tomllib_means(text, line):
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    assert line_of_syntax_error(caught.value, text) == line
