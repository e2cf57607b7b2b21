from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.traces.traces import cuda_events
from tuitrain.traces.digest import digest_events
from tuitrain.view.flame import cursor_lines, flame_lines, lay_out, move, node_at, short_name
from tuitrain.view.spans import SpanLine, line_width


def node(name: str, us: float, *parts: dict[str, Any], kind: str = "operator") -> dict[str, Any]:
    return {"name": name, "kind": kind, "us": us, "device_us": 0.0, "parts": list(parts)}


TREE = node(
    "step",
    100.0,
    node("train.py(3): forward", 60.0, node("aten::conv2d", 40.0), node("aten::relu", 10.0),
         kind="python"),
    node("aten::add_", 30.0),
    kind="step",
)  # fmt: skip


def text(lines: list[SpanLine]) -> list[str]:
    return ["".join(span.text for span in line) for line in lines]


def draw(root: dict[str, Any], focus: tuple[int, ...] = (), cursor: tuple[int, ...] = ()) -> Any:
    cells = lay_out(root, focus, 40, 10)
    return text(flame_lines(root, cells, cursor, 40, ascii=True))


def test_a_row_is_a_depth_and_a_width_is_a_time() -> None:
    assert draw(TREE) == [
        ">step                                   ",
        "|forward                |add_           "[:40],
        "|conv2d         |rel                    ",
    ]


def test_zooming_in_fills_the_width_with_one_call() -> None:
    lines = draw(TREE, focus=(0,), cursor=(0, 1))
    assert lines[0].startswith("|forward") and len(lines[0]) == 40
    assert lines[1].startswith("|conv2d") and ">relu" in lines[1]


def test_arrows_lead_to_neighbours_callers_and_the_longest_callee() -> None:
    cells = lay_out(TREE, (), 40, 10)
    assert move(cells, (), "down") == (0,)
    assert move(cells, (0,), "right") == (1,)
    assert move(cells, (1,), "right") == (1,)
    assert move(cells, (1,), "left") == (0,)
    assert move(cells, (0,), "down") == (0, 0)
    assert move(cells, (0, 1), "up") == (0,)
    assert move(cells, (0,), "up") == () == move(cells, (), "up")
    assert move(cells, (0, 0), "down") == (0, 0)


def test_the_cursor_says_all_about_its_call() -> None:
    shown = "\n".join(text(cursor_lines(TREE, (0,), (0,), 80)))
    assert "train.py(3): forward" in shown
    assert "60.0 us per step, 60 % of it" in shown and "self 10.0 us" in shown
    assert "inside step" in shown


def test_shares_are_of_the_step_also_where_other_threads_stand_beside_it() -> None:
    flame = digest_events("p", cuda_events())["flame"]
    shown = "\n".join(text(cursor_lines(flame, (), (1,), 80)))
    assert "pt_autograd_0" in shown and "20 % of it" in shown
    assert "200 us on the device" in shown


def test_names_are_short_and_harmless() -> None:
    assert short_name(node("aten::\x1b[2J", 1.0)) == "\\x1b[2J"
    assert short_name(node("a/b.py(1): f: g", 1.0, kind="python")) == "g"
    assert "\x1b" not in "".join(text(cursor_lines(node("\x1b", 1.0), (), (), 40)))


trees = st.recursive(
    st.builds(node, st.text(max_size=8), st.floats(0, 1e6)),
    lambda inner: st.builds(
        lambda name, own, parts: node(name, own + sum(p["us"] for p in parts), *parts),
        st.text(max_size=30),
        st.floats(0, 1e6),
        st.lists(inner, max_size=4),
    ),
    max_leaves=25,
)


@given(trees, st.integers(1, 200), st.booleans())
def test_any_tree_fills_rows_exactly_and_cells_never_overlap(
    root: dict[str, Any], width: int, ascii: bool
) -> None:
    cells = lay_out(root, (), width, 12)
    for row in cells:
        ends = [0]
        for cell in row:
            assert cell.left >= ends[-1] and cell.width > 0
            ends.append(cell.left + cell.width)
            assert node_at(root, cell.path)
        assert ends[-1] <= width
    for line in flame_lines(root, cells, (), width, ascii=ascii):
        assert line_width(line) == width


@pytest.mark.parametrize("key", ["left", "right", "up", "down"])
def test_a_tree_of_one_call_has_nowhere_to_go(key: str) -> None:
    assert move(lay_out(node("step", 0.0), (), 40, 5), (), key) == ()
