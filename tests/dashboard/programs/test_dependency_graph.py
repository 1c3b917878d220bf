"""The dependency graph as lanes: columns, edges, and the path that decides when a program ends."""

import re
from collections import Counter
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foreman_office.dashboard.programs.dependency_graph import lanes_of
from programs.models import Wave


def plan(*waves):
    """Waves as (state, unfinished tasks, the numbers of the waves that it waits for), from 1."""
    made = []
    for number, (state, unfinished, after) in enumerate(waves, 1):
        wave = Wave(
            wave_id=uuid4(),
            name=f"Wave {number}",
            sequence_number=number,
            state=state,
            dependencies=[str(made[other - 1].pk) for other in after],
        )
        wave.counts = Counter(planned=unfinished, completed=2)
        made.append(wave)
    return made


def numbers(waves):
    return [wave.sequence_number for wave in waves]


def columns(lanes):
    return [numbers(card.wave for card in column) for column in lanes.columns]


def test_a_wave_stands_after_the_longest_chain_that_it_waits_for():
    lanes = lanes_of(
        plan(
            ("completed", 0, []),
            ("completed", 0, [1]),
            ("planned", 1, [1, 2]),
            ("planned", 1, [1]),
        )
    )
    assert [sorted(column) for column in columns(lanes)] == [[1], [2, 4], [3]]


def test_what_another_edge_implies_is_not_drawn():
    lanes = lanes_of(plan(("planned", 1, []), ("planned", 1, [1]), ("planned", 1, [1, 2])))
    assert len(lanes.edges) == 2


def test_the_critical_path_has_the_most_unfinished_tasks_in_a_row():
    waves = plan(
        ("completed", 0, []),
        ("in-progress", 5, [1]),
        ("in-progress", 3, [1]),
        ("planned", 4, [3]),
        ("planned", 1, [2]),
    )
    lanes = lanes_of(waves)
    assert numbers(lanes.critical) == [3, 4]
    assert lanes.tasks_left == 7
    assert [edge.critical for edge in lanes.edges].count(True) == 1


def test_waves_without_tasks_count_where_tasks_are_equal():
    lanes = lanes_of(plan(("planned", 2, []), ("planned", 2, []), ("planned", 0, [2])))
    assert numbers(lanes.critical) == [2, 3]


def test_a_finished_plan_has_no_critical_path():
    assert lanes_of(plan(("completed", 0, []), ("completed", 0, [1]))).critical == []


def test_no_wave_is_a_plan_too():
    assert lanes_of([]).columns == []


def test_the_finished_beginning_of_a_long_plan_is_folded():
    chain = [("completed", 0, [number] if number else []) for number in range(9)]
    lanes = lanes_of(plan(*chain, ("in-progress", 3, [9]), ("planned", 3, [10])))
    assert numbers(lanes.earlier) == [1, 2, 3, 4, 5]
    assert columns(lanes) == [[6], [7], [8], [9], [10], [11]]
    assert len(lanes.edges) == 5


def test_an_unfinished_beginning_is_never_folded():
    chain = [("planned", 1, [number] if number else []) for number in range(9)]
    assert lanes_of(plan(*chain)).earlier == []


def test_waves_stand_beside_those_that_they_come_from():
    lanes = lanes_of(
        plan(
            ("planned", 1, []),
            ("planned", 1, []),
            ("planned", 1, []),
            ("planned", 1, [3]),
            ("planned", 1, [1]),
        )
    )
    assert columns(lanes) == [[1, 3, 2], [5, 4]]


def test_the_cards_of_a_row_have_room_for_its_fullest():
    lanes = lanes_of(plan(("planned", 20, []), ("planned", 1, [1]), ("planned", 100, [1])))
    assert [[card.deep for card in column] for column in lanes.columns] == [[3], [3, 2]]


plans = st.integers(1, 14).flatmap(
    lambda size: st.tuples(
        *(
            st.tuples(
                st.sampled_from(["planned", "in-progress", "completed"]),
                st.integers(0, 40),
                st.sets(st.integers(1, number), max_size=3) if number else st.just(()),
            )
            for number in range(size)
        )
    )
)


@given(plans)
def test_every_wave_is_shown_once_and_every_edge_goes_to_the_right(waves):
    waves = plan(*waves)
    lanes = lanes_of(waves)
    shown = numbers(lanes.earlier) + [number for column in columns(lanes) for number in column]
    assert sorted(shown) == numbers(waves)
    for edge in lanes.edges:
        x = [float(number) for number in re.findall(r"[MH ]?(-?[\d.]+)", edge.path)]
        assert x[0] < x[-2]


@given(plans)
def test_no_chain_has_more_unfinished_tasks_than_the_critical_path(waves):
    waves = plan(*waves)
    left = {wave.pk: 0 if wave.state == "completed" else wave.counts["planned"] for wave in waves}

    def longest(wave):
        by_id = {each.pk: each for each in waves}
        return left[wave.pk] + max((longest(by_id[key]) for key in wave.dependency_ids), default=0)

    assert lanes_of(waves).tasks_left == max(map(longest, waves))


@pytest.mark.parametrize("state", ["planned", "in-progress", "blocked", "failed"])
def test_whatever_is_not_completed_is_left_to_do(state):
    assert lanes_of(plan((state, 3, []))).tasks_left == 3
