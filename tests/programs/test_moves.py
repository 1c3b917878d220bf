"""Work moves only along its lifecycle, whoever writes."""

from datetime import UTC, datetime
from itertools import product

import pytest
from django.db import IntegrityError, transaction

from foreman_office.kit.acts import act
from programs.models import MOVES, TASK_MOVES, Program, State, Task, TaskState, Wave
from tests.conftest import rule_of
from tests.factories import ProgramFactory, TaskFactory, WaveFactory

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2025, 12, 3, 10, tzinfo=UTC)
# Nobody is assigned to the foreman's own work: it begins at once.
OWN_WORK = {old: new - {"assigned"} for old, new in TASK_MOVES.items()}
OWN_WORK["planned"] |= {"in-progress"}
# Each lifecycle: how a row of it is made, its states, its moves, the rule that refuses others.
LIFECYCLES = {
    "program": (ProgramFactory, State, MOVES, "programs_programs_moves"),
    "wave": (WaveFactory, State, MOVES, "programs_waves_moves"),
    "task": (
        lambda **state: TaskFactory(assigned_builder="ui-builder", **state),
        *(TaskState, TASK_MOVES, "programs_tasks_moves"),
    ),
    "task without a builder": (TaskFactory, TaskState, OWN_WORK, "programs_tasks_moves"),
}
every_pair = pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        (kind, old.value, new.value)
        for kind, (_, states, *_) in LIFECYCLES.items()
        for old, new in product(states, repeat=2)
    ],
)
every_kind = pytest.mark.parametrize("kind", LIFECYCLES)


def refusal(entity, **columns):
    """Update a row past every action; return the rule that refused it, if one did."""
    try:
        with transaction.atomic():
            assert type(entity).objects.filter(pk=entity.pk).update(**columns) == 1
    except IntegrityError as error:
        return rule_of(error)
    return None


@every_pair
def test_database_and_moves_agree(kind, old, new):
    make, _, moves, rule = LIFECYCLES[kind]
    entity = make(state=old)

    refused_by = refusal(entity, state=new)

    # A move that the lifecycle knows may still find a gate shut: that is another rule.
    assert (refused_by == rule) == (new != old and new not in moves[old])
    entity.refresh_from_db()
    assert entity.state == (old if refused_by else new)


@every_kind
def test_moves_without_a_gate_are_simply_done(kind):
    make, states, moves, _ = LIFECYCLES[kind]
    for old in states.values:
        for new in moves[old] & {"planned", "blocked", "failed"}:
            assert refusal(make(state=old), state=new) is None


@every_pair
def test_an_override_forces_any_move(kind, old, new):
    entity = LIFECYCLES[kind][0](state=old)
    with act(None, override="The owner wants it so."):
        assert refusal(entity, state=new) is None


@every_pair
def test_recorded_history_may_move_anyhow(kind, old, new):
    entity = LIFECYCLES[kind][0](state=old)
    with act(None, **{"import": {"file": "plan.yaml"}}):
        assert refusal(entity, state=new) is None


@every_kind
def test_a_row_may_arrive_in_any_state(kind):
    make, states, *_ = LIFECYCLES[kind]
    for state in states.values:
        assert make(state=state).state == state


@every_kind
def test_a_permission_ends_with_its_transaction(kind, sql):
    make, _, _, rule = LIFECYCLES[kind]
    entity = make(state="completed")
    with act(None, override="Once."):
        pass
    assert refusal(entity, state="planned") == rule


@every_kind
def test_an_override_without_a_reason_is_none(kind):
    make, _, _, rule = LIFECYCLES[kind]
    with act(None, override=""):
        assert refusal(make(state="completed"), state="planned") == rule


def test_many_rows_move_together_or_not_at_all(wave):
    TaskFactory(wave=wave, state="failed")
    done = TaskFactory(wave=wave, state="completed")

    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        Task.objects.update(state="planned")

    assert rule_of(refused.value) == "programs_tasks_moves"
    assert f"This task is {done.state}: it cannot become planned." in str(refused.value)
    assert set(Task.objects.values_list("state", flat=True)) == {"failed", "completed"}


def test_a_task_is_not_assigned_to_nobody(task):
    assert refusal(task, state="assigned") == "programs_tasks_moves"


def test_a_builder_is_not_passed_by(wave):
    """With its builder taken off in the same breath, planned work is the foreman's own."""
    task = TaskFactory(wave=wave, state="planned", assigned_builder="ui-builder")
    assert refusal(task, state="in-progress") == "programs_tasks_moves"
    assert refusal(task, state="in-progress", assigned_builder=None) == "governance_tasks_gate"


def test_what_the_pages_offer_is_what_the_database_allows():
    assert (Program.MOVES, Wave.MOVES, Task.MOVES) == (MOVES, MOVES, TASK_MOVES)


# --- the times of a task --------------------------------------------------------------------------


@pytest.fixture
def own_work(wave):
    """A task that needs nobody and nothing, so that no gate is in its way."""
    return TaskFactory(wave=wave, architecture_reference="", qa_suite_location="")


def times(task):
    task.refresh_from_db()
    return task.started_at, task.completed_at


def test_a_task_knows_when_it_began(own_work, sql):
    assert refusal(own_work, state="in-progress") is None
    assert times(own_work) == (sql("SELECT now()")[0][0], None)


def test_a_task_that_is_taken_up_again_keeps_its_first_start(wave):
    task = TaskFactory(wave=wave, state="failed", started_at=LONG_AGO, architecture_reference="",
                       qa_suite_location="")  # fmt: skip
    for state in ("planned", "in-progress"):
        assert refusal(task, state=state) is None
    assert times(task) == (LONG_AGO, None)


def test_a_completed_task_knows_when_and_is_whole(own_work, sql):
    for columns in ({"state": "in-progress"}, {"state": "completed", "evidence_location": "s3://"}):
        assert refusal(own_work, **columns) is None
    moment = sql("SELECT now()")[0][0]
    assert times(own_work) == (moment, moment)
    assert own_work.progress_percentage == 100


def test_a_time_that_the_writer_gives_is_kept(own_work):
    with act(None, override="It was then."):
        refusal(own_work, state="completed", started_at=LONG_AGO, completed_at=LONG_AGO)
    assert times(own_work) == (LONG_AGO, LONG_AGO)


def test_a_task_that_is_opened_again_is_not_complete(own_work):
    with act(None, override="Not done after all."):
        refusal(own_work, state="completed")
        refusal(own_work, state="in-progress")
    assert times(own_work)[1] is None


def test_recorded_history_keeps_its_own_times(own_work):
    with act(None, **{"import": {"file": "plan.yaml"}}):
        refusal(own_work, state="completed", progress_percentage=80)
    assert times(own_work) == (None, None)
    assert own_work.progress_percentage == 80
