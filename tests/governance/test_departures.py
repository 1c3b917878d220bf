"""What goes from a wave or a program, and what is left of it then."""

import pytest
from django.db import transaction

from governance.actions import resolve_blocker
from governance.gates import conditions
from governance.models import Evidence
from governance.replay import Replay
from kit.core.acts import act
from programs.actions import edit, start_wave
from programs.history import recording
from programs.models import Task, Wave
from tests.conftest import rule_of
from tests.database import as_administrator
from tests.factories import BlockerFactory, BuilderFactory, ProgramFactory, TaskFactory, WaveFactory
from tests.races import overlap, refusal
from tests.scenes import state_of

pytestmark = pytest.mark.django_db(transaction=True)
both_orders = pytest.mark.parametrize("turned", [False, True], ids=["as named", "turned round"])

DELETE = "DELETE FROM tasks WHERE task_id = %s"
MOVE = "UPDATE tasks SET wave_id = %s WHERE task_id = %s"


@pytest.fixture(autouse=True)
def _the_record_replays(transactional_db):
    yield
    assert Replay().first_difference() is None


@pytest.fixture
def nearly(wave):
    """A wave of which one task is completed and another is not; a second wave waits for it."""
    TaskFactory(wave=wave, state="completed", progress_percentage=100)
    WaveFactory(program=wave.program, state="planned", dependencies=[str(wave.pk)])
    return wave


@pytest.fixture
def last(nearly):
    return TaskFactory(wave=nearly, progress_percentage=30)


@pytest.fixture
def follower(nearly):
    return Wave.objects.exclude(pk=nearly.pk).get()


@pytest.fixture
def race(connect):
    """Run two lists of statements at once; return which rule refused each, as named."""

    def race(one, other, turned):
        errors = overlap(connect, *((other, one) if turned else (one, other)))
        rules = [error and rule_of(error) for error in errors]
        return tuple(reversed(rules) if turned else rules)

    return race


def progress_of(*entities):
    return [type(entity).objects.get(pk=entity.pk).progress_percentage for entity in entities]


def completions(entity):
    return Evidence.objects.of(entity).filter(witnessed=True, context__to="completed").count()


# --- the last unfinished task goes ----------------------------------------------------------------


def test_a_wave_is_completed_when_its_last_open_task_moves_away(nearly, last, follower, sql):
    sql(MOVE, follower.pk, last.pk)
    assert (state_of(nearly), state_of(nearly.program)) == ("completed", "in-progress")
    assert progress_of(nearly, follower, nearly.program) == [100, 30, 65]
    start_wave(follower, by=None)  # which had waited for it


def test_a_wave_is_completed_when_its_last_open_task_goes_to_another_program(nearly, last):
    elsewhere = WaveFactory()
    edit(last, wave=elsewhere, by=None)
    assert state_of(nearly) == "completed"
    assert progress_of(nearly, elsewhere, elsewhere.program) == [100, 30, 30]


def test_a_wave_is_completed_when_its_last_open_task_is_deleted(nearly, last, follower, sql):
    sql(DELETE, last.pk)
    assert state_of(nearly) == "completed"
    assert progress_of(nearly, nearly.program) == [100, 50]
    start_wave(follower, by=None)


def test_with_the_last_wave_its_program_is_completed(wave, sql):
    TaskFactory(wave=wave, state="completed", progress_percentage=100)
    sql(DELETE, TaskFactory(wave=wave).pk)
    assert (state_of(wave), state_of(wave.program)) == ("completed", "completed")
    assert progress_of(wave, wave.program) == [100, 100]
    assert (completions(wave), completions(wave.program)) == (1, 1)


def test_a_wave_goes_on_while_another_open_task_is_left(nearly, last, follower, sql):
    TaskFactory(wave=nearly)
    sql(MOVE, follower.pk, last.pk)
    assert state_of(nearly) == "in-progress"


def test_many_go_at_once(nearly, last, follower, sql):
    TaskFactory.create_batch(3, wave=nearly)
    sql("UPDATE tasks SET wave_id = %s WHERE state <> 'completed'", follower.pk)
    assert state_of(nearly) == "completed"
    assert (completions(nearly), follower.tasks.count()) == (1, 4)


def test_tasks_that_change_places_leave_each_wave_as_it_then_is(nearly, last, sql):
    other = WaveFactory(program=nearly.program)
    done = TaskFactory(wave=other, state="completed", progress_percentage=100)
    sql(
        "UPDATE tasks SET wave_id = CASE task_id WHEN %s THEN %s ELSE %s END"
        " WHERE task_id IN (%s, %s)",
        *(last.pk, other.pk, nearly.pk, last.pk, done.pk),
    )
    assert (state_of(nearly), state_of(other)) == ("completed", "in-progress")
    assert progress_of(nearly, other) == [100, 30]


def test_a_wave_that_is_blocked_is_completed_when_nothing_blocks_it_any_more(nearly, last, sql):
    blocker = BlockerFactory(entity=nearly)
    sql(DELETE, last.pk)
    assert state_of(nearly) == "blocked"
    resolve_blocker(blocker, resolution_action="Opened.", by=None)
    assert state_of(nearly) == "completed"


def test_history_that_is_written_down_has_no_consequences(nearly, last, sql):
    with recording("plan.yaml"):
        sql(DELETE, last.pk)
    assert state_of(nearly) == "in-progress"


def test_an_override_forces_no_wave_to_its_end(nearly, last, follower, sql):
    TaskFactory(wave=nearly)
    with act(None, override="It belongs there."):
        sql(MOVE, follower.pk, last.pk)
    assert state_of(nearly) == "in-progress"
    with act(None, override="And this too."):
        nearly.tasks.exclude(state="completed").update(wave=follower)
    assert state_of(nearly) == "completed"


def test_it_is_asked_once_however_many_go_and_never_where_none_does(nearly, last, sql):
    TaskFactory.create_batch(3, wave=nearly)

    def asked(statement):
        with transaction.atomic():
            as_administrator("SET LOCAL track_functions = 'pl'")
            sql(statement)
            sql("SET CONSTRAINTS ALL IMMEDIATE")
            calls = dict(sql("SELECT funcname, calls FROM pg_stat_xact_user_functions"))
            transaction.set_rollback(True)
        return (
            calls.get("governance_follow_departures", 0),
            calls.get("governance_complete_what_is_done", 0),
        )

    assert asked("UPDATE tasks SET progress_percentage = 50") == (0, 0)
    assert asked("DELETE FROM tasks") == (5, 1)


def test_who_goes_later_in_the_transaction_is_asked_about_again(nearly, last, sql):
    another = TaskFactory(wave=nearly)
    with transaction.atomic():
        for each in (last, another):
            sql(DELETE, each.pk)
            sql("SET CONSTRAINTS ALL IMMEDIATE")
    assert state_of(nearly) == "completed"


# --- nothing is left ------------------------------------------------------------------------------


def test_a_wave_without_a_task_is_not_completed_and_says_what_it_wants(wave, sql):
    sql(DELETE, TaskFactory(wave=wave).pk)
    assert (state_of(wave), progress_of(wave)) == ("in-progress", [0])
    unmet = [each for each in conditions(wave, "completed") if not each.met]
    assert [(each.rule, each.detail) for each in unmet] == [
        ("tasks_completed", "The wave has no task: add one, or delete the wave.")
    ]


def test_an_empty_wave_is_completed_by_a_completed_task_that_comes(wave, sql):
    done = TaskFactory(state="completed", progress_percentage=100)
    TaskFactory(wave=done.wave)
    sql(MOVE, wave.pk, done.pk)
    assert (state_of(wave), state_of(done.wave)) == ("completed", "in-progress")


def test_a_wave_that_is_taken_apart_was_never_completed(nearly, last, follower, sql):
    """Also where it goes part by part, as Django deletes."""
    follower.delete()
    with act(None):
        sql(DELETE, last.pk)
        nearly.tasks.all().delete()
        nearly.delete()
    assert completions(nearly) == completions(nearly.program) == 0
    assert state_of(nearly.program) == "in-progress"


def test_a_program_that_is_deleted_was_never_completed(nearly, last):
    program = nearly.program
    program.delete()
    assert completions(nearly) == completions(program) == 0


# --- the last unfinished wave goes ----------------------------------------------------------------


def complete_another_wave(program):
    done = TaskFactory(wave__program=program, state="completed", progress_percentage=100)
    Wave.objects.filter(pk=done.wave_id).update(state="completed")


@pytest.mark.parametrize("way", ["deleted", "moved"])
def test_a_program_is_completed_when_its_last_open_wave_goes(way, wave):
    program = wave.program
    complete_another_wave(program)
    if way == "deleted":
        wave.delete()
    else:
        Wave.objects.filter(pk=wave.pk).update(program=ProgramFactory())
    assert (state_of(program), progress_of(program)) == ("completed", [100])


def test_a_program_without_a_wave_is_not_completed(wave):
    wave.delete()
    assert state_of(wave.program) == "in-progress"


# --- what is under way ----------------------------------------------------------------------------


def under_way(wave, state):
    """A task that is, or will be again, at work."""
    task = TaskFactory(wave=wave, state="assigned" if state == "assigned" else "in-progress")
    BuilderFactory(current_task=task)
    if state == "blocked":
        BlockerFactory(entity=task)
    return task


@pytest.mark.parametrize("state", ["assigned", "in-progress", "blocked"])
@pytest.mark.parametrize("closed", ["planned", "blocked", "failed"])
def test_what_is_under_way_is_moved_to_no_wave_that_is_not(state, closed, wave, refuses, sql):
    task = under_way(wave, state)
    other = WaveFactory(program=wave.program, state=closed)
    with refuses("governance_waves_in_progress"):
        sql(MOVE, other.pk, task.pk)
    Wave.objects.filter(pk=other.pk).delete()
    sql(MOVE, WaveFactory(program=wave.program).pk, task.pk)


@pytest.mark.parametrize("state", ["planned", "blocked", "failed"])
def test_what_is_under_way_is_moved_to_no_program_that_is_not(state, wave, refuses, sql):
    task = under_way(wave, "in-progress")
    other = WaveFactory(program__state=state)
    with refuses("governance_waves_in_progress"):
        sql(MOVE, other.pk, task.pk)
    with refuses("governance_programs_in_progress"):
        Wave.objects.filter(pk=wave.pk).update(program=other.program)
    Wave.objects.filter(pk=wave.pk).update(program=ProgramFactory())


def test_a_wave_that_is_blocked_midway_is_under_way(wave, refuses):
    BlockerFactory(entity=wave)
    with refuses("governance_programs_in_progress"):
        Wave.objects.filter(pk=wave.pk).update(program=ProgramFactory(state="planned"))


@pytest.mark.parametrize("state", ["planned", "failed", "completed"])
def test_what_is_not_under_way_goes_to_any_wave_that_is_open(state, wave, sql):
    task = TaskFactory(wave=wave, state=state)
    for other in ("planned", "blocked", "failed", "in-progress"):
        sql(MOVE, WaveFactory(program__state="planned", state=other).pk, task.pk)


def test_the_refusal_says_what_is_wrong(wave, connect):
    task = TaskFactory(wave=wave, state="in-progress", name="Wire")
    other = WaveFactory(state="planned", program__state="planned")
    error = refusal(connect(), [(MOVE, [other.pk, task.pk])])
    assert error.diag.message_primary == (
        'Task "Wire" is under way: it can be moved only to a wave in progress.'
        " The wave is planned. The program is planned."
    )
    wave = WaveFactory(name="First")
    query = "UPDATE waves SET program_id = %s WHERE wave_id = %s"
    error = refusal(connect(), [(query, [other.program.pk, wave.pk])])
    assert error.diag.message_primary == (
        'Wave "First" is under way: it can be moved only to a program in progress.'
        " The program is planned."
    )


def test_an_override_moves_what_is_under_way(wave, sql):
    task = under_way(wave, "in-progress")
    other = WaveFactory(state="planned")
    with act(None, override="It began too early."):
        sql(MOVE, other.pk, task.pk)
    assert Task.objects.get(pk=task.pk).wave == other


def test_released_and_moved_in_one_statement_it_is_under_way_no_more(wave, sql):
    task = under_way(wave, "assigned")
    other = WaveFactory(state="planned")
    sql("UPDATE tasks SET wave_id = %s, state = 'planned' WHERE task_id = %s", other.pk, task.pk)
    assert state_of(task) == "planned"


# --- at once --------------------------------------------------------------------------------------


def going(task, to):
    return [(MOVE, [to.pk, task.pk]) if to else (DELETE, [task.pk])]


@both_orders
@pytest.mark.parametrize("ways", ["moved, moved", "deleted, deleted", "moved, deleted"])
def test_the_last_two_open_tasks_go_at_once(ways, turned, nearly, last, follower, race):
    another = TaskFactory(wave=nearly)
    to = [follower if way == "moved" else None for way in ways.split(", ")]
    assert race(going(last, to[0]), going(another, to[1]), turned) == (None, None)
    assert (state_of(nearly), completions(nearly)) == ("completed", 1)


@both_orders
@pytest.mark.parametrize("way", ["moved", "deleted"])
def test_of_the_last_two_one_goes_while_the_other_is_completed(
    way, turned, nearly, last, follower, race
):
    own = TaskFactory(wave=nearly, state="in-progress", evidence_location="s3://proof",
                      architecture_reference="", qa_suite_location="")  # fmt: skip
    completing = [("UPDATE tasks SET state = 'completed' WHERE task_id = %s", [own.pk])]
    leaving = going(last, follower if way == "moved" else None)
    assert race(leaving, completing, turned) == (None, None)
    assert (state_of(nearly), completions(nearly)) == ("completed", 1)


@both_orders
@pytest.mark.parametrize("way", ["moved", "deleted"])
def test_a_task_is_added_while_the_last_open_one_goes(way, turned, nearly, last, follower, race):
    add = [
        (
            "INSERT INTO tasks (wave_id, name, architecture_reference, qa_suite_location,"
            " acceptance_criteria, state) VALUES (%s, 'One more', '', '', '', 'planned')",
            [nearly.pk],
        )
    ]
    leaving, adding = race(going(last, follower if way == "moved" else None), add, turned)
    assert (leaving, adding) == (None, None if turned else "governance_waves_open")
    assert state_of(nearly) == ("in-progress" if turned else "completed")


@both_orders
@pytest.mark.parametrize("parent", ["wave", "program"])
def test_the_wave_to_come_is_blocked_while_a_task_that_is_under_way_moves(
    parent, turned, wave, race
):
    task, other = under_way(wave, "in-progress"), WaveFactory()
    entity = other if parent == "wave" else other.program
    raising = [
        ("SELECT governance_raise_blocker(%s, %s, 'protected_path', 'No.')", [parent, entity.pk])
    ]
    moving, blocking = race(going(task, other), raising, turned)
    assert (moving, blocking) == ("governance_waves_in_progress" if turned else None, None)
    assert Task.objects.get(pk=task.pk).wave == (wave if turned else other)


@both_orders
def test_a_task_starts_while_it_is_moved_to_a_wave_that_has_not(turned, wave, race):
    task = TaskFactory(wave=wave, architecture_reference="", qa_suite_location="")
    other = WaveFactory(program=wave.program, state="planned")
    start = [("UPDATE tasks SET state = 'in-progress' WHERE task_id = %s", [task.pk])]
    starting, moving = race(start, going(task, other), turned)
    assert (starting, moving) == (
        ("governance_tasks_gate", None) if turned else (None, "governance_waves_in_progress")
    )


@both_orders
def test_the_last_two_open_waves_go_at_once(turned, wave, race):
    complete_another_wave(wave.program)
    another, elsewhere = WaveFactory(program=wave.program), ProgramFactory()
    delete = [("DELETE FROM waves WHERE wave_id = %s", [wave.pk])]
    leave = [("UPDATE waves SET program_id = %s WHERE wave_id = %s", [elsewhere.pk, another.pk])]
    assert race(delete, leave, turned) == (None, None)
    assert (state_of(wave.program), completions(wave.program)) == ("completed", 1)
