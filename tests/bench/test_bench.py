"""Figures of benchmarks: how they are compared, and what is called met."""

import pytest

from bench.figures import compare_pairs, interleaved, percentile, table


def test_a_ratio_is_the_median_of_its_pairs():
    figure = compare_pairs("beats", "beats/s", [(60, 100), (10, 100), (90, 100)], at_least=0.7)
    assert (figure.measured, figure.floor, figure.ratio) == (60, 100, 0.6)
    assert figure.spread == (0.1, 0.9)
    assert figure.met is False
    assert "NOT MET" in table([figure])


@pytest.mark.parametrize(("ratio", "met"), [(2, True), (3, True), (4, False)])
def test_a_bound_may_be_an_upper_one(ratio, met):
    assert compare_pairs("update", "ms", [(ratio, 1)], at_most=3).met is met


def test_what_is_compared_takes_turns_in_going_first():
    order = []
    interleaved(3, lambda: order.append("measured"), lambda: order.append("floor"))
    assert order == ["measured", "floor", "floor", "measured", "measured", "floor"]


def test_a_percentile_is_a_value_that_was_measured():
    assert percentile(range(1, 101), 95) == 95
    assert percentile([3, 1, 2], 50) == 2
    assert percentile([7], 99) == 7
