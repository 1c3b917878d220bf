"""The dependencies between waves: a JSON array that the database keeps sound."""

import json
import uuid
from contextlib import nullcontext
from itertools import pairwise

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from programs.models import Wave
from tests.examples import examples
from tests.factories import ProgramFactory, WaveFactory
from tests.races import overlap, refusal


@pytest.fixture
def program(db):
    return ProgramFactory()


@pytest.fixture
def waves(program):
    return WaveFactory.create_batch(2, program=program)


@pytest.fixture
def depend(db):
    """Make a wave depend on others, past the actions, and run the deferred rule at once."""

    def depend(wave, *others):
        Wave.objects.filter(pk=wave.pk).update(
            dependencies=[str(getattr(other, "pk", other)) for other in others]
        )
        look()

    return depend


def look():
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS programs_waves_dependencies IMMEDIATE")
        cursor.execute("SET CONSTRAINTS programs_waves_dependencies DEFERRED")


@pytest.fixture
def refused(refuses):
    return lambda: refuses("programs_waves_dependencies")


@pytest.mark.parametrize(
    "wrong", ["null", "{}", '"text"', "7", "[7]", "[null]", "[[]]", '[{"id": 1}]', "true"]
)
def test_dependencies_are_an_array_of_strings(wrong, wave, sql, refused):
    with refused():
        sql("UPDATE waves SET dependencies = %s", wrong)
        look()


def test_an_array_wraps_nothing_but_ids(waves, sql, refused):
    one, other = waves
    with refused():
        sql(
            "UPDATE waves SET dependencies = %s WHERE wave_id = %s",
            *(json.dumps({str(other.pk): 1}), one.pk),
        )
        look()


def test_a_wave_depends_on_others_of_its_program(waves, depend):
    one, other = waves
    depend(one, other)

    assert Wave.objects.get(pk=one.pk).dependency_ids == [other.pk]


def test_a_dependency_is_named_once(waves, depend, refused):
    one, other = waves
    with refused():
        depend(one, other, other)


@pytest.mark.parametrize(
    "id_", [uuid.UUID(int=0), "", "wave 1", "%", "00000000-0000-4000-8000-00000000000"]
)
def test_a_dependency_exists(id_, wave, depend, refused):
    with refused():
        depend(wave, id_)


def test_a_dependency_is_written_as_the_database_writes_ids(waves, depend, refused):
    one, other = waves
    with refused():
        depend(one, str(other.pk).upper())
    with refused():
        depend(one, f"{{{other.pk}}}")
    with refused():
        depend(one, other.pk.hex)


def test_a_wave_of_another_program_is_no_dependency(wave, depend, refused):
    with refused():
        depend(wave, WaveFactory())


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_a_circle_is_refused(length, program, depend, refused):
    waves = WaveFactory.create_batch(length, program=program)
    for wave, next_ in pairwise(waves):
        depend(wave, next_)

    with refused():
        depend(waves[-1], waves[0])


def test_a_wave_that_depends_on_itself_is_told_so(wave, depend):
    with pytest.raises(IntegrityError, match=r"dependencies of wave .* name the wave itself"):
        depend(wave, wave)


def test_a_circle_written_at_once_is_refused(program, refused, sql):
    waves = WaveFactory.create_batch(3, program=program)
    with refused():
        for n, wave in enumerate(waves):
            Wave.objects.filter(pk=wave.pk).update(dependencies=[str(waves[n - 1].pk)])
        look()


def test_a_diamond_is_no_circle(program, depend):
    top, left, right, bottom = WaveFactory.create_batch(4, program=program)
    depend(left, top)
    depend(right, top)
    depend(bottom, left, right, top)

    assert len(Wave.objects.get(pk=bottom.pk).dependencies) == 3


def test_a_plan_may_arrive_in_any_order_within_a_transaction(program):
    ids = [uuid.uuid4() for _ in range(3)]
    for n, id_ in enumerate(ids):
        later = [str(key) for key in ids[n + 1 :]]
        WaveFactory(wave_id=id_, program=program, dependencies=later)
    look()

    assert Wave.objects.count() == 3


def test_what_is_undone_within_the_transaction_is_not_held_against_it(waves, sql):
    one, other = waves
    Wave.objects.filter(pk=one.pk).update(dependencies=[str(one.pk)])
    Wave.objects.filter(pk=one.pk).update(dependencies=[str(other.pk)])
    Wave.objects.filter(pk=other.pk).update(dependencies=[str(one.pk)])
    Wave.objects.filter(pk=other.pk).update(dependencies=[])
    look()


def test_a_wave_that_others_wait_for_cannot_go(waves, depend, refused, sql):
    one, other = waves
    depend(one, other)

    with refused():
        sql("DELETE FROM waves WHERE wave_id = %s", other.pk)
        look()
    with refused():
        Wave.objects.filter(pk=other.pk).update(program=ProgramFactory())
        look()


def test_a_wave_that_waits_for_others_cannot_leave_them(waves, depend, refused):
    one, other = waves
    depend(one, other)

    with refused():
        Wave.objects.filter(pk=one.pk).update(program=ProgramFactory())
        look()


def test_waves_go_and_leave_together(waves, depend, sql):
    one, other = waves
    depend(one, other)

    sql("UPDATE waves SET program_id = %s", ProgramFactory().pk)
    look()
    sql("DELETE FROM waves")
    look()


def test_a_program_takes_dependent_waves_along(waves, depend, sql):
    one, other = waves
    depend(one, other)

    sql("DELETE FROM programs")
    look()

    assert not Wave.objects.exists()


@given(edges=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=10, unique=True))
@examples(10)
def test_exactly_the_graphs_without_a_circle_are_accepted(db, refuses, edges):
    def circular():
        left = set(range(5))
        while free := {n for n in left if not any(a == n and b in left for a, b in edges)}:
            left -= free
        return bool(left)

    with transaction.atomic():
        waves = WaveFactory.create_batch(5, program=ProgramFactory())
        with refuses("programs_waves_dependencies") if circular() else nullcontext():
            for n, wave in enumerate(waves):
                Wave.objects.filter(pk=wave.pk).update(
                    dependencies=[str(waves[b].pk) for a, b in edges if a == n]
                )
            look()
        transaction.set_rollback(True)


# --- dependencies, two transactions -------------------------------------------------------------


def depends(wave, *others):
    value = json.dumps([str(other.pk) for other in others])
    return "UPDATE waves SET dependencies = %s WHERE wave_id = %s", [value, wave.pk]


def gone(wave):
    return "DELETE FROM waves WHERE wave_id = %s", [wave.pk]


NOW = "SET CONSTRAINTS ALL IMMEDIATE"


def refused_by(error):
    return error and error.diag.constraint_name


@pytest.fixture
def committed(transactional_db):
    return WaveFactory.create_batch(3, program=ProgramFactory())


@pytest.mark.parametrize("looked", [[], [NOW]])
def test_two_transactions_cannot_close_a_circle_together(looked, connect, committed):
    a, b, c = committed
    assert refusal(connect(), [depends(b, c)]) is None

    errors = overlap(connect, [depends(a, b), *looked], [depends(c, a), *looked])

    # Whoever is looked at first wins: that is the second, if the first is not yet asked.
    winner = 0 if looked else 1
    assert errors[winner] is None
    assert refused_by(errors[1 - winner]) == "programs_waves_dependencies"
    assert [Wave.objects.get(pk=wave.pk).dependencies != [] for wave in (a, c)].count(True) == 1


@pytest.mark.parametrize("looked", [[], [NOW]])
def test_a_wave_deleted_first_is_no_dependency(looked, connect, committed):
    a, b, _ = committed

    first, second = overlap(connect, [gone(b), *looked], [depends(a, b), *looked])

    assert first is None
    assert refused_by(second) == "programs_waves_dependencies"
    assert Wave.objects.get(pk=a.pk).dependencies == []


@pytest.mark.parametrize("looked", [[], [NOW]])
def test_a_dependency_made_first_keeps_its_wave(looked, connect, committed):
    a, b, _ = committed

    first, second = overlap(connect, [depends(a, b), *looked], [gone(b), *looked])

    # Unlooked at, the two meet when they commit, and the delete came first to the program's lock.
    refused = [error for error in (first, second) if error]
    assert [refused_by(error) for error in refused] == ["programs_waves_dependencies"]
    kept = Wave.objects.filter(pk=b.pk).exists()
    assert Wave.objects.get(pk=a.pk).dependencies == ([str(b.pk)] if kept else [])
    assert kept if looked else not kept


def test_a_wave_that_leaves_first_is_no_dependency(connect, committed):
    a, b, _ = committed
    elsewhere = ProgramFactory()
    leave = "UPDATE waves SET program_id = %s WHERE wave_id = %s", [elsewhere.pk, b.pk]

    first, second = overlap(connect, [leave], [depends(a, b)])

    assert first is None
    assert refused_by(second) == "programs_waves_dependencies"


def test_a_refusal_at_commit_leaves_nothing_behind(connect, committed):
    a, _, _ = committed
    error = refusal(connect(), [depends(a, a)])

    assert isinstance(error, psycopg.errors.CheckViolation)
    assert refused_by(error) == "programs_waves_dependencies"
    assert Wave.objects.get(pk=a.pk).dependencies == []
