"""What follows from what happens, in the same transaction or not at all."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.utils.timezone import now

from builders.actions import assign_task, release_task
from builders.models import Builder
from foreman_office.kit.acts import Refused, act
from governance.actions import raise_blocker, resolve_blocker, resolve_violation
from governance.models import Blocker, Evidence, GovernanceViolation, QAExecution
from governance.replay import Replay
from programs.actions import complete_task, move
from programs.models import Program, Task, Wave
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    QAExecutionFactory,
    TaskFactory,
    WaveFactory,
)
from tests.races import is_blocked, run, until

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(wave):
    """A task at work in a builder's hands."""
    task = TaskFactory(wave=wave, state="in-progress", evidence_location="s3://proof")
    BuilderFactory(current_task=task, state="active")
    return task


def state_of(entity):
    return type(entity).objects.get(pk=entity.pk).state


def trouble(entity, classification="protected_path"):
    return raise_blocker(entity, classification=classification, description="A lock.", by=None)


def resolve(blocker):
    blocker.refresh_from_db()
    resolve_blocker(blocker, resolution_action="Opened.", by=None)


def verbs(entity):
    trail = Evidence.objects.of(entity).filter(witnessed=True).order_by("sequence")
    return [row.action for row in trail]


# --- violations -----------------------------------------------------------------------------------


def test_a_violation_halts_its_task(held):
    GovernanceViolationFactory(task=held, violation_type="test debt", description="53 of them.")
    blocker = Blocker.objects.open().get()
    assert (blocker.classification, blocker.entity_id) == ("constitutional_violation", held.pk)
    assert blocker.description == "test debt: 53 of them."
    assert state_of(held) == "blocked"
    assert verbs(held)[-3:] == ["violation_recorded", "blocker_raised", "state_changed"]


def test_a_second_violation_is_counted_and_the_last_one_resolved_sets_free(held):
    violations = GovernanceViolationFactory.create_batch(2, task=held)
    assert Blocker.objects.get().occurrences == 2
    resolve_violation(violations[0], resolution="Repaid.", by=None)
    assert state_of(held) == "blocked"
    resolve_violation(violations[1], resolution="Repaid too.", by=None)
    assert Blocker.objects.get().resolution_action == "Repaid too."
    assert state_of(held) == "in-progress"


def test_a_violation_on_a_completed_task_is_kept_and_halts_nothing():
    done = TaskFactory(state="completed")
    GovernanceViolationFactory(task=done)
    assert GovernanceViolation.objects.count() == 1
    assert (state_of(done), Blocker.objects.count()) == ("completed", 0)


def test_a_violation_of_no_task_or_long_resolved_halts_nothing(held):
    GovernanceViolationFactory(task=None, builder_id="ui-builder")
    GovernanceViolationFactory(task=held, resolved_at=now())
    assert not Blocker.objects.exists()


# --- repeated failures ----------------------------------------------------------------------------


def runs(task, *passing, after=timedelta(0)):
    """Record runs of ten tests, so many of which pass, one after the other."""
    start = now() - timedelta(hours=1) + after
    for n, passes in enumerate(passing):
        QAExecutionFactory(
            task=task, passing_tests=passes, failing_tests=10 - passes,
            executed_at=start + timedelta(seconds=n),
        )  # fmt: skip


@pytest.mark.parametrize("passing", [(3, 3, 3), (3, 2, 1), (0, 0, 0), (9, 9, 8), (1, 5, 5, 5)])
def test_three_runs_in_a_row_without_progress_block_the_task(passing, held):
    runs(held, *passing)
    blocker = Blocker.objects.open().get()
    assert blocker.classification == "repeated_failures"
    assert blocker.description.endswith(", then ".join(map(str, passing[-3:])) + " tests pass.")
    assert state_of(held) == "blocked"


@pytest.mark.parametrize(
    "passing", [(3, 3), (1, 2, 3), (3, 3, 4), (3, 4, 4), (5, 3, 4), (10, 10, 10), (9, 9, 10)]
)
def test_progress_green_or_too_few_runs_do_not(passing, held):
    runs(held, *passing)
    assert not Blocker.objects.exists()


@pytest.mark.parametrize("state", ["planned", "assigned", "blocked", "failed", "completed"])
def test_only_work_that_goes_on_can_fail_repeatedly(state):
    runs(TaskFactory(state=state), 3, 3, 3)
    assert not Blocker.objects.exists()


def test_runs_of_another_suite_or_task_are_not_counted(held):
    runs(held, 3, 3)
    QAExecutionFactory(task=held, qa_suite_location="another/", passing_tests=3, failing_tests=7)
    runs(TaskFactory(state="in-progress"), 3)
    assert not Blocker.objects.exists()


def test_after_the_blocker_was_resolved_it_counts_anew(held):
    runs(held, 3, 3, 3)
    resolve(Blocker.objects.get())
    soon = timedelta(hours=1, minutes=1)
    runs(held, 3, 3, after=soon)
    assert state_of(held) == "in-progress"
    runs(held, 3, after=soon + timedelta(minutes=1))
    blocker = Blocker.objects.get()
    assert (blocker.occurrences, blocker.resolved_at, state_of(held)) == (2, None, "blocked")


def test_runs_that_arrive_together_are_counted_together(held):
    QAExecution.objects.bulk_create(
        QAExecutionFactory.build_batch(3, task=held, passing_tests=3, failing_tests=2)
    )
    assert state_of(held) == "blocked"


# --- blocking and returning -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Program, Wave, Task])
@pytest.mark.parametrize("state", ["planned", "in-progress"])
def test_the_last_blocker_resolved_returns_what_was(kind, state):
    task = TaskFactory(state=state, wave__state=state, wave__program__state=state)
    entity = {Program: task.wave.program, Wave: task.wave, Task: task}[kind]
    blockers = [trouble(entity), trouble(entity, "impossible_requirements")]
    assert state_of(entity) == "blocked"
    resolve(blockers[0])
    assert state_of(entity) == "blocked"
    resolve(blockers[1])
    assert state_of(entity) == state


def test_an_assigned_task_returns_to_its_builder(wave):
    task = TaskFactory(wave=wave, state="assigned")
    builder = BuilderFactory(current_task=task)
    resolve(trouble(task))
    assert state_of(task) == "assigned"
    builder.refresh_from_db()
    assert builder.current_task == task


def test_a_task_let_go_while_it_was_blocked_is_planned_again(held):
    blocker = trouble(held)
    release_task(held, by=None)
    assert state_of(held) == "planned"
    resolve(blocker)
    assert state_of(held) == "planned"


def test_what_was_not_blocked_stays_where_it_is():
    failed = TaskFactory(state="failed")
    blocker = trouble(failed)
    assert state_of(failed) == "failed"
    resolve(blocker)
    assert state_of(failed) == "failed"


def test_the_same_trouble_again_is_counted_and_opened_again(task):
    blocker = trouble(task)
    again = trouble(task)
    assert (again.pk, again.occurrences) == (blocker.pk, 2)
    resolve(blocker)
    once_more = trouble(task)
    assert (once_more.pk, once_more.occurrences, once_more.resolved_at) == (blocker.pk, 3, None)
    assert (once_more.resolution_action, state_of(task)) == (None, "blocked")
    assert [verb for verb in verbs(task) if verb.startswith("blocker")] == [
        "blocker_raised", "blocker_edited", "blocker_resolved", "blocker_reopened",
    ]  # fmt: skip


def test_a_blocker_that_is_deleted_blocks_no_more(held):
    trouble(held).delete()
    assert state_of(held) == "in-progress"


def test_nothing_blocks_what_is_completed(refuses):
    done = TaskFactory(state="completed")
    with refuses("governance_blockers_not_on_completed"):
        trouble(done)
    old = BlockerFactory(entity=done, resolved_at=now())
    with refuses("governance_blockers_not_on_completed"):
        Blocker.objects.filter(pk=old.pk).update(resolved_at=None)


def test_a_wave_whose_tasks_were_all_done_meanwhile_completes_when_it_returns(wave):
    done = TaskFactory(wave=wave, state="completed")
    blocker = trouble(wave)
    resolve(blocker)
    assert state_of(done) == state_of(wave) == state_of(wave.program) == "completed"


# --- completing -----------------------------------------------------------------------------------


def make_ready(task):
    QAExecutionFactory(task=task, passing_tests=0, failing_tests=5)
    QAExecutionFactory(task=task, passing_tests=5)


def test_completing_frees_the_builder_and_completes_wave_and_program_with_the_last(held):
    other = TaskFactory(wave=held.wave, state="in-progress", qa_suite_location="",
                        evidence_location="s3://")  # fmt: skip
    sibling = WaveFactory(program=held.wave.program, state="in-progress")
    last = TaskFactory(wave=sibling, state="in-progress", qa_suite_location="",
                       evidence_location="s3://")  # fmt: skip
    make_ready(held)

    complete_task(held, by=None)
    builder = Builder.objects.get(pk="ui-builder")
    assert (builder.current_task, builder.state) == (None, "idle")
    assert state_of(held.wave) == "in-progress"

    complete_task(other, by=None)
    assert (state_of(held.wave), state_of(held.wave.program)) == ("completed", "in-progress")

    complete_task(last, by=None)
    assert (state_of(sibling), state_of(held.wave.program)) == ("completed", "completed")
    assert verbs(held.wave.program).count("state_changed") == 1


@pytest.mark.parametrize("state", ["planned", "completed", "failed"])
def test_a_builder_lets_go_of_what_is_not_at_work(state, held):
    with act(None, override="So be it."):
        move(held, state, by=None)
    assert Builder.objects.get(pk="ui-builder").current_task is None
    assert verbs(Builder(pk="ui-builder"))[-1] == "released"


def test_recorded_history_has_no_consequences(wave):
    task = TaskFactory(wave=wave, state="in-progress")
    with act(None, **{"import": {"file": "plan.yaml"}}):
        GovernanceViolationFactory(task=task)
        BlockerFactory(entity=task)
        runs(task, 3, 3, 3)
        Task.objects.filter(pk=task.pk).update(state="completed")
    assert (state_of(task), state_of(wave), Blocker.objects.count()) == (
        "completed", "in-progress", 1,
    )  # fmt: skip


# --- override -------------------------------------------------------------------------------------


def test_an_override_is_in_every_row_of_its_transaction_and_of_no_other(wave):
    task = TaskFactory(wave=wave)
    before = Evidence.objects.latest("sequence").sequence
    assign_task(task, BuilderFactory(), by=None, override="It cannot wait.")
    complete_task(task, evidence_location="s3://proof", by=None, override="I saw it work.")
    forced = Evidence.objects.filter(sequence__gt=before)
    told = [(row.entity_type, row.action, row.context["override"])
            for row in forced.order_by("sequence")]  # fmt: skip
    first, second = "It cannot wait.", "I saw it work."
    assert told == [
        ("task", "state_changed", first),
        ("builder", "assigned", first),
        ("task", "edited", second),
        ("task", "state_changed", second),
        ("builder", "released", second),
        ("wave", "state_changed", second),
        ("program", "state_changed", second),
    ]
    Task.objects.filter(pk=task.pk).update(name="Another")
    assert "override" not in Evidence.objects.latest("sequence").context


def test_an_override_inside_an_act_ends_with_it(task, refuses):
    with act(None):
        move(task, "failed", by=None, override="Superseded.")
        with refuses("programs_tasks_moves"):
            move(task, "completed", by=None)


# --- all or nothing -------------------------------------------------------------------------------


STEPS = {
    "a violation": [
        "INSERT INTO governance_violations (task_id, builder_id, violation_type, description)"
        " SELECT task_id, 'ui-builder', 'test debt', '53' FROM tasks",
        "UPDATE governance_violations SET resolved_at = now(), resolution = 'Repaid.'",
        "UPDATE tasks SET name = 'Repaid'",
    ],
    "a completion": [
        "UPDATE tasks SET evidence_location = 's3://another'",
        "UPDATE tasks SET state = 'completed'",
        "UPDATE programs SET name = 'Done'",
    ],
    "a blocker": [
        "SELECT governance_raise_blocker('task', task_id, 'protected_path', 'A lock.') FROM tasks",
        "SELECT governance_raise_blocker('task', task_id, 'protected_path', 'Again.') FROM tasks",
        "UPDATE blockers SET resolved_at = now(), resolution_action = 'Opened.'",
    ],
    "an assignment": [
        "UPDATE tasks SET state = 'failed'",
        "UPDATE tasks SET state = 'planned'",
        "UPDATE tasks SET state = 'assigned', assigned_builder = 'api-builder'",
        "INSERT INTO heartbeats (builder_id, task_id, status, progress_percentage)"
        " SELECT 'api-builder', task_id, 'active', 10 FROM tasks",
    ],
}
# What each of them writes last of all: another connection holds it, so that the act waits there,
# with everything before it done.
LAST_WRITTEN = {
    "a violation": "tasks",
    "a completion": "programs",
    "a blocker": "tasks",
    "an assignment": "builders WHERE builder_id = 'api-builder'",
}
TABLES = ("programs", "waves", "tasks", "builders", "blockers", "governance_violations",
          "architecture_validations", "qa_executions", "heartbeats", "evidence_trail")  # fmt: skip


@pytest.fixture
def scene(transactional_db):
    """Work on which each of these acts can be done, to its end."""
    wave = WaveFactory()
    task = TaskFactory(wave=wave, state="in-progress", evidence_location="s3://proof")
    BuilderFactory(current_task=task, state="idle")
    ArchitectureValidationFactory(task=task)
    return task


def ready_for(act_name, task):
    if act_name == "an assignment":
        QAExecutionFactory(task=task, passing_tests=0, failing_tests=5)
    else:
        make_ready(task)


def everything():
    with connection.cursor() as cursor:
        rows = {}
        for table in TABLES:
            cursor.execute(f"SELECT to_jsonb({table})::text FROM {table} ORDER BY 1")
            rows[table] = cursor.fetchall()
    return rows


def kill(observer, victim):
    """End a connection, and see that the server has ended it."""
    pid = victim.info.backend_pid
    observer.execute("SELECT pg_terminate_backend(%s)", [pid])
    gone = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s)"
    until(lambda: observer.execute(gone, [pid]).fetchone()[0])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", STEPS)
def test_done_to_its_end_it_is_there_as_a_whole(name, scene, connect):
    ready_for(name, scene)
    before = everything()
    run(connect(), ["BEGIN", *STEPS[name], "COMMIT"])
    assert everything() != before
    assert Replay().first_difference() is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_killed_between_its_steps_nothing_is_left(name, steps, scene, connect):
    ready_for(name, scene)
    before = everything()
    victim, observer = connect(), connect()
    run(victim, ["BEGIN", *STEPS[name][:steps]])
    kill(observer, victim)
    with pytest.raises(psycopg.OperationalError):
        victim.execute("COMMIT")
    assert everything() == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", STEPS)
def test_killed_in_the_middle_of_a_statement_nothing_is_left(name, scene, connect, in_thread):
    ready_for(name, scene)
    before = everything()
    victim, holder, observer = connect(), connect(), connect()
    run(holder, ["BEGIN", f"SELECT FROM {LAST_WRITTEN[name]} FOR NO KEY UPDATE"])
    end = in_thread(lambda: run(victim, ["BEGIN", *STEPS[name], "COMMIT"]))
    until(lambda: is_blocked(observer, victim))
    kill(observer, victim)
    with pytest.raises(psycopg.OperationalError):
        end.result()
    holder.rollback()
    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_refused_at_the_last_step_nothing_is_left(scene):
    """The wave cannot be completed under a program that a trigger of another refuses to touch."""
    make_ready(scene)
    before = everything()
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE programs ADD CONSTRAINT not_today CHECK (state <> 'completed') NOT VALID"
        )
        try:
            with pytest.raises(Refused) as refused:
                complete_task(scene, evidence_location="s3://another", by=None)
        finally:
            cursor.execute("ALTER TABLE programs DROP CONSTRAINT not_today")
    assert refused.value.rule == "not_today"
    assert everything() == before


@pytest.fixture
def in_thread():
    with ThreadPoolExecutor(1) as thread:
        yield thread.submit
