from hypothesis import given
from hypothesis import strategies as st

from tuitrain.view.palette import MARKERS, SLOTS, assign_slots, marker_of, slot_of


def test_train_and_val_have_their_places() -> None:
    assert [slot_of(name) for name in ("train", "train/loss", "val", "val/accuracy")] == [
        0,
        0,
        1,
        1,
    ]


def test_a_series_has_the_same_slot_in_every_process() -> None:
    assert [slot_of(name) for name in ("lr", "grad_norm", "digits-cnn-k3f")] == [4, 5, 5]


@given(st.lists(st.text(max_size=8), unique=True, max_size=SLOTS))
def test_series_of_one_chart_differ_while_there_are_enough_slots(names: list[str]) -> None:
    slots = assign_slots(names)
    assert list(slots) == names
    assert len(set(slots.values())) == len(names)


@given(st.lists(st.text(max_size=8), max_size=30))
def test_any_number_of_series_gets_slots(names: list[str]) -> None:
    assert all(0 <= slot < SLOTS for slot in assign_slots(names).values())


def test_markers_differ_and_are_plain_ascii() -> None:
    assert len(set(MARKERS)) == SLOTS
    assert MARKERS.isascii()
    assert marker_of(9) == marker_of(1)
