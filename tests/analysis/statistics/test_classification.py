import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuitrain.analysis.statistics.classification import class_figures
from tuitrain.messages import PerClassCounts

MATRICES = st.integers(2, 5).flatmap(
    lambda size: st.lists(
        st.lists(st.integers(0, 20), min_size=size, max_size=size), min_size=size, max_size=size
    )
)


def counts(
    matrix: list[list[int]], *, pairs: bool, classes: tuple[str, ...] | None = None
) -> PerClassCounts:
    size = range(len(matrix))
    return PerClassCounts(
        classes=classes,
        support=tuple(sum(row) for row in matrix),
        predicted=tuple(sum(row[i] for row in matrix) for i in size),
        correct=tuple(matrix[i][i] for i in size),
        confusion=tuple(map(tuple, matrix)) if pairs else None,
    )


@settings(deadline=None)
@given(MATRICES.filter(lambda matrix: any(map(any, matrix))))
def test_figures_are_the_same_with_and_without_the_pairs(matrix: list[list[int]]) -> None:
    with_pairs = class_figures(counts(matrix, pairs=True))
    without = class_figures(counts(matrix, pairs=False))
    for one, other in zip(with_pairs, without, strict=True):
        assert (one.name, one.support) == (other.name, other.support)
        assert one.precision == pytest.approx(other.precision)
        assert one.recall == pytest.approx(other.recall)
        assert one.f1 == pytest.approx(other.f1)


def test_figures_follow_their_definitions() -> None:
    cat, dog, macro, weighted = class_figures(
        counts([[8, 2], [1, 3]], pairs=True, classes=("cat", "dog"))
    )
    assert (cat.name, cat.precision, cat.recall, cat.support) == ("cat", 8 / 9, 0.8, 10)
    assert (dog.precision, dog.recall) == (3 / 5, 3 / 4)
    assert macro.recall == pytest.approx(0.775)
    assert weighted.recall == pytest.approx(11 / 14)


def test_nothing_evaluated_gives_zeros_not_an_error() -> None:
    for pairs in (True, False):
        assert {row.f1 for row in class_figures(counts([[0, 0], [0, 0]], pairs=pairs))} == {0.0}
