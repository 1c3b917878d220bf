"""Places in the record: what is in them, joined, written, and read on from in any interleaving."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foreman_office.dashboard.handover.span import between
from governance import handover
from governance.handover import place_now, settled_numbers
from governance.models import Evidence
from governance.record_places import MOST_MISSING, Place, Reach, bounded_reach, reach_from
from governance.sealing.settled import Settled
from kit.core.snapshot import snapshot
from tests.examples import examples
from tests.factories import TaskFactory

MOST = 30
numbers = st.sets(st.integers(1, MOST))


def reach_of(seen):
    """Return the reach of a set of numbers: up to its last one, without those that lack."""
    upto = max(seen, default=0)
    lacking = [number for number in range(1, upto) if number not in seen]
    ranges = []
    for number in lacking:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return Reach(upto, tuple(ranges))


def seen_by(reach):
    return {number for number in range(1, MOST + 1) if number in reach}


@given(numbers, numbers)
def test_what_is_read_on_two_devices_is_read(one, other):
    joined = reach_of(one) | reach_of(other)
    assert seen_by(joined) == one | other
    assert joined == reach_of(other) | reach_of(one)


@given(numbers, numbers)
def test_a_place_is_the_same_after_it_was_written(evidence, office):
    place = Place(reach_of(evidence), reach_of(office))
    assert Place.parse(str(place)) == place


@given(numbers, st.integers(0, MOST))
def test_a_part_of_a_place_has_what_is_in_it(seen, upto):
    part = reach_of(seen).clipped(upto)
    assert seen_by(part) == {number for number in seen if number <= upto}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "_",
        "5_",
        "a_b",
        "5~3-9_0",
        "5~4~3_0",
        "5~3-2_0",
        "-1_0",
        "5~_0",
        "5_0_0",
        "\u0665_0",
    ],
)
def test_what_is_no_place_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011  whatever it says
        Place.parse(text)


def test_a_reach_ends_before_more_than_so_many_ranges():
    missing = [(number, number) for number in range(10, 10 + 4 * MOST_MISSING, 2)]
    reach = bounded_reach(10_000, missing, least=5)
    assert len(reach.missing) == MOST_MISSING
    assert reach.upto == missing[MOST_MISSING][0] - 1
    assert len(bounded_reach(10_000, missing, least=10_000).missing) == 2 * MOST_MISSING


# --- with real transactions -----------------------------------------------------------------------

WRITE = "INSERT INTO task_notes (task_id, text, written_by) VALUES (%s, 'Seen.', 'foreman')"
SESSIONS = 3
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["write", "commit", "rollback"]), st.integers(0, SESSIONS - 1)),
        st.just(("read", 0)),
    ),
    max_size=25,
)


@pytest.fixture
def settled(monkeypatch):
    """What this process knows of the order, without a rest between two looks."""
    made = Settled(margin=0)
    monkeypatch.setattr(handover, "_evidence", made)
    return made


def read_on(place):
    """Return what a handover from a place has, and the place after it."""
    known = settled_numbers()
    with snapshot():
        end = place_now(place, known)
        found = list(between(place, end).values_list("sequence", flat=True))
    return found, end


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_whatever_commits_in_which_order_is_handed_over_once(connect, settled):
    tasks = TaskFactory.create_batch(SESSIONS)
    sessions = [connect() for _ in tasks]
    began = Evidence.objects.latest("sequence").sequence

    @examples(40)
    @given(STEPS)
    def check(steps):
        _, place = read_on(Place(Reach(began)))
        before = set(Evidence.objects.values_list("sequence", flat=True))
        handed: list[int] = []
        under_way = set()
        for act, number in [*steps, *(("commit", each) for each in range(SESSIONS))]:
            session = sessions[number]
            if act == "read":
                found, place = read_on(place)
                handed += found
            elif act == "write":
                if number not in under_way:
                    session.execute("BEGIN")
                    under_way.add(number)
                session.execute(WRITE, [tasks[number].pk])
            elif number in under_way:
                session.execute(act.upper())
                under_way.discard(number)
        found, place = read_on(place)
        handed += found
        there = set(Evidence.objects.values_list("sequence", flat=True)) - before
        assert len(handed) == len(set(handed))  # nothing twice
        assert set(handed) == there  # nothing missed
        assert read_on(place)[0] == []

    check()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first_to_commit", [0, 1])
def test_both_orders_of_two_transactions_are_handed_over_once(connect, settled, first_to_commit):
    tasks = TaskFactory.create_batch(2)
    sessions = [connect(), connect()]
    _, start = read_on(Place())
    for session, task in zip(sessions, tasks, strict=True):
        session.execute("BEGIN")
        session.execute(WRITE, [task.pk])
    sessions[first_to_commit].execute("COMMIT")
    first, place = read_on(start)
    sessions[1 - first_to_commit].execute("COMMIT")
    second, place = read_on(place)
    assert len(first) == len(second) == 1
    assert (first < second) == (first_to_commit == 0)
    assert read_on(place)[0] == []


@pytest.mark.django_db(transaction=True)
def test_a_handover_of_more_than_is_read_at_once_goes_on_after_it(settled):
    TaskFactory.create_batch(3)
    last = Evidence.objects.latest("sequence").sequence
    everything = list(Evidence.objects.order_by("sequence").values_list("sequence", flat=True))
    reach, found = Reach(everything[0] - 1), []
    while reach.upto < last:
        known = settled.advance()
        with snapshot():
            after = reach_from("evidence_trail", reach, known, 2)
            rows = Evidence.objects.filter(reach.unread(), after.read()).order_by("sequence")
            found += rows.values_list("sequence", flat=True)
        assert after.upto > reach.upto
        reach = after
    assert found == everything
