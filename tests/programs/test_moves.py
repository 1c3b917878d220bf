"""Work moves only along its lifecycle, whoever writes."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from kit.core.acts import act
from programs.history import recording
from programs.models import MOVES, TASK_MOVES, Program, State, Task, TaskState, Wave
from tests.conftest import rule_of
from tests.factories import ProgramFactory, TaskFactory, WaveFactory
from tests.scenes import state_of, undone

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


def refusal(entity, **columns):
    """Update a row past every action; return the rule that refused it, if one did."""
    try:
        with transaction.atomic():
            assert type(entity).objects.filter(pk=entity.pk).update(**columns) == 1
    except IntegrityError as error:
        return rule_of(error)
    return None


def try_every_move():
    """Yield each kind, old state, new state, and a row in the old; then undo it."""
    for kind, (make, states, *_) in LIFECYCLES.items():
        for old in states.values:
            entity = make(state=old)
            for new in states.values:
                with undone():
                    yield kind, old, new, entity


def test_database_and_moves_agree():
    tried = 0
    for kind, old, new, entity in try_every_move():
        *_, moves, rule = LIFECYCLES[kind]
        refused_by = refusal(entity, state=new)
        tried += 1
        # A move that the lifecycle knows may still find a gate shut: that is another rule.
        known = new == old or new in moves[old]
        assert (refused_by != rule) == known, (kind, old, new, refused_by)
        assert state_of(entity) == (old if refused_by else new), (kind, old, new)
    assert tried == 2 * 5**2 + 2 * 6**2


def test_moves_without_a_gate_are_simply_done():
    for kind, old, new, entity in try_every_move():
        if new in LIFECYCLES[kind][2][old] & {"planned", "blocked", "failed"}:
            assert refusal(entity, state=new) is None, (kind, old, new)


def test_an_override_forces_any_move():
    for kind, old, new, entity in try_every_move():
        with act(None, override="The owner wants it so."):
            assert refusal(entity, state=new) is None, (kind, old, new)
        assert state_of(entity) == new


def test_an_import_moves_what_exists_by_the_rules():
    for kind, old, new, entity in try_every_move():
        with recording({"file": "plan.yaml"}):
            refused = refusal(entity, state=new)
        assert refused == refusal(entity, state=new), (kind, old, new)
        with recording({"file": "plan.yaml"}, override="The file is the record."):
            assert refusal(entity, state=new) is None, (kind, old, new)
        assert state_of(entity) == new


def test_a_row_may_arrive_in_any_state():
    for make, states, *_ in LIFECYCLES.values():
        for state in states.values:
            assert state_of(make(state=state)) == state


def test_a_permission_ends_with_its_transaction():
    for make, _, _, rule in LIFECYCLES.values():
        entity = make(state="completed")
        with act(None, override="Once."):
            pass
        assert refusal(entity, state="planned") == rule


def test_an_override_without_a_reason_is_none():
    for make, _, _, rule in LIFECYCLES.values():
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
    """A task without a builder, an architecture or a suite, so that no gate is in its way."""
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
    with recording({"file": "plan.yaml"}, override="The file is the record."):
        refusal(own_work, state="completed", progress_percentage=80)
    assert times(own_work) == (None, None)
    assert own_work.progress_percentage == 80
