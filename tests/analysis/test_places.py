"""What differs of where runs ran, and whether results differ by more than seeds do."""

import pytest

from tuitrain.analysis.places import differing_places, environment
from tuitrain.analysis.seeds import noise_between

META = {
    "host": "box", "git_commit": "abc", "git_changes": "none", "data_directory": "/data",
    "environment": {"torch": "2.1", "data_fingerprint": "f0", "cpu_count": 4096},
}  # fmt: skip


def test_differences_of_places_are_told_by_what_they_are_of() -> None:
    other = {
        **META, "git_changes": "1 file +1 -0 (12345678)", "host": "other",
        "environment": {"torch": "2.2", "data_fingerprint": "f1", "cpu_count": 4096},
    }  # fmt: skip
    found = differing_places([environment(META), environment(other), {}])
    assert found == {
        "machine": {"host": ("box", "other", None)},
        "code": {"changes since the commit": ("none", "1 file +1 -0 (12345678)", None)},
        "packages": {"torch": ("2.1", "2.2", None)},
        "data": {"fingerprint of the data": ("f0", "f1", None)},
    }
    assert differing_places([environment(META), environment(META)]) == {}


@pytest.mark.parametrize(
    ("one", "other", "is_within"),
    [
        ([0.90, 0.91, 0.92], [0.905, 0.915], True),
        ([0.90, 0.91, 0.92], [0.50, 0.51], False),
        ([0.90, 0.91], [0.93], True),
        ([0.900, 0.901, 0.902], [0.93], False),
    ],
)
def test_a_difference_is_held_against_what_seeds_do(
    one: list[float], other: list[float], is_within: bool
) -> None:
    noise = noise_between(one, other)
    assert noise is not None and noise.is_within is is_within
    swapped = noise_between(other, one)
    assert swapped is not None and swapped.is_within is is_within


@pytest.mark.parametrize(("one", "other"), [([1.0], [2.0]), ([], [1.0, 2.0]), ([float("nan")], [])])
def test_without_two_runs_of_one_group_nothing_is_known_of_noise(
    one: list[float], other: list[float]
) -> None:
    assert noise_between(one, other) is None
