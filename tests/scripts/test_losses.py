"""Losses that are seen in the backward pass: each is kept, in order, however it is read."""

from dataclasses import dataclass

from tuitrain.script.losses import SeenLosses


@dataclass
class Loss:
    """What is asked of a tensor."""

    value: float
    _version: int = 0

    def item(self) -> float:
        """Return the number."""
        return self.value


def test_each_loss_is_kept_whether_it_is_held_or_read_at_once() -> None:
    seen = SeenLosses()
    for update in range(1, 41):
        seen.follow(1e-4 if 10 < update <= 30 else 1e-2)
        if seen.holds:
            seen.hold(Loss(update / 8), update)
        else:
            seen.add(update / 8, update)
    assert seen.take() == (list(range(1, 41)), [update / 8 for update in range(1, 41)])
    assert seen.take() == ([], [])


def test_a_loss_that_the_script_changed_is_left_out_and_none_is_held_any_more() -> None:
    seen = SeenLosses()
    seen.follow(1e-4)
    for update in (1, 2, 3):
        seen.hold(Loss(float(update), _version=update == 2), update)
    assert seen.take() == ([1, 3], [1.0, 3.0])
    seen.follow(1e-4)
    assert not seen.holds
