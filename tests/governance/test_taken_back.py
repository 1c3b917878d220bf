"""What is completed and taken back: derived times, progress and the parents follow."""

import pytest

from kit.core.acts import act
from programs.actions import accept_dependencies
from programs.history import recording
from programs.models import Program, Task, Wave
from tests.conftest import rule_of
from tests.factories import TaskFactory, WaveFactory
from tests.races import overlap


@pytest.fixture
def done(db):
    """A task that is completed, and with it its wave and its program."""
    task = TaskFactory(state="in-progress", progress_percentage=40)
    Wave.objects.update(state="in-progress")
    Program.objects.update(state="in-progress")
    with act(None, override="It was built elsewhere."):
        Task.objects.filter(pk=task.pk).update(state="completed")
    return task


def states(task):
    task = Task.objects.select_related("wave__program").get(pk=task.pk)
    return task.state, task.wave.state, task.wave.program.state


def test_completing_the_last_task_completes_its_wave_and_program(done):
    assert states(done) == ("completed", "completed", "completed")


def test_a_task_taken_back_clears_its_times_and_reopens_its_parents(done):
    for state in ("failed", "planned", "blocked", "in-progress"):
        with act(None, override="Taken back."):
            Task.objects.filter(pk=done.pk).update(state=state)
        done.refresh_from_db()
        assert states(done) == (state, "in-progress", "in-progress")
        assert (done.completed_at, done.progress_percentage, done.worked_at) == (None, 0, None)
        assert (done.started_at is None) == (state != "in-progress")
        with act(None, override="Completed again."):
            Task.objects.filter(pk=done.pk).update(state="completed")
        assert states(done) == ("completed", "completed", "completed")


def test_the_reopening_of_the_parents_is_evidence_of_the_override(done, sql):
    with act(None, override="The proof was another's."):
        Task.objects.filter(pk=done.pk).update(state="failed")
    rows = sql(
        "SELECT entity_type, context ->> 'override' FROM evidence_trail"
        " WHERE context ->> 'from' = 'completed' ORDER BY sequence"
    )
    assert rows == [(kind, "The proof was another's.") for kind in ("task", "wave", "program")]


def test_a_wave_taken_back_reopens_its_program(done):
    with act(None, override="Taken back."):
        Wave.objects.update(state="failed")
    assert states(done) == ("completed", "failed", "in-progress")


def test_another_program_stays_completed(done):
    other = WaveFactory(state="completed")
    with act(None, override="Completed elsewhere."):
        Program.objects.filter(pk=other.program_id).update(state="completed")
    with act(None, override="Taken back."):
        Task.objects.filter(pk=done.pk).update(state="failed")
    other.program.refresh_from_db()
    assert other.program.state == "completed"


def test_a_wave_completed_by_moving_its_last_task_has_the_reason_of_the_act(wave, sql):
    target = WaveFactory(state="in-progress", program=wave.program)
    Program.objects.update(state="in-progress")
    Wave.objects.update(state="in-progress")
    TaskFactory(wave=wave, state="completed")
    moved = TaskFactory(wave=wave, state="planned")
    with act(None), act(None, note="Moved to where it belongs."):
        Task.objects.filter(pk=moved.pk).update(wave=target)
    assert sql(
        "SELECT context ->> 'note' FROM evidence_trail"
        " WHERE entity_id = %s AND context ->> 'to' = 'completed'",
        wave.pk,
    ) == [("Moved to where it belongs.",)]


# --- what an override adds to what is completed ---------------------------------------------------

ADD = (
    "INSERT INTO tasks (wave_id, name, architecture_reference, qa_suite_location,"
    " acceptance_criteria, state) VALUES (%s, 'One more', '', '', '', %s)"
)
ADD_WAVE = "INSERT INTO waves (program_id, name, sequence_number, state) VALUES (%s, 'W', 99, %s)"


def test_a_task_that_is_added_to_a_completed_wave_is_refused(done, sql, refuses):
    with refuses("governance_waves_open"):
        sql(ADD, done.wave_id, "planned")


def test_a_task_that_an_override_adds_to_a_completed_wave_reopens_the_parents(done, sql):
    with act(None, override="One was forgotten."):
        sql(ADD, done.wave_id, "completed")
    assert states(done) == ("completed", "completed", "completed")
    with act(None, override="One was forgotten."):
        sql(ADD, done.wave_id, "planned")
    assert states(done) == ("completed", "in-progress", "in-progress")
    rows = sql(
        "SELECT entity_type, context ->> 'override' FROM evidence_trail"
        " WHERE context ->> 'from' = 'completed' ORDER BY sequence"
    )
    assert rows == [(kind, "One was forgotten.") for kind in ("wave", "program")]


def test_a_task_that_an_override_moves_into_a_completed_wave_reopens_it(done, sql):
    task = TaskFactory(wave=WaveFactory(state="planned"))
    with act(None, override="It belongs here."):
        sql("UPDATE tasks SET wave_id = %s WHERE task_id = %s", done.wave_id, task.pk)
    assert states(done) == ("completed", "in-progress", "in-progress")


def test_a_wave_that_an_override_adds_to_or_moves_into_a_completed_program_reopens_it(done, sql):
    program = done.wave.program_id
    with act(None, override="One was forgotten."):
        sql(ADD_WAVE, program, "completed")
    assert states(done)[2] == "completed"
    with act(None, override="One was forgotten."):
        sql("UPDATE waves SET sequence_number = 98 WHERE sequence_number = 99")
        sql(ADD_WAVE, program, "planned")
    assert states(done) == ("completed", "completed", "in-progress")


def test_a_wave_that_an_override_moves_into_a_completed_program_reopens_it(done, sql):
    wave = WaveFactory(state="planned", sequence_number=99)
    with act(None, override="It belongs here."):
        sql("UPDATE waves SET program_id = %s WHERE wave_id = %s", done.wave.program_id, wave.pk)
    assert states(done) == ("completed", "completed", "in-progress")


def test_history_adds_to_what_is_completed_and_reopens_nothing(done, sql):
    with recording({"file": "plan.yaml"}):
        sql(ADD, done.wave_id, "planned")
    assert states(done) == ("completed", "completed", "completed")


FORCE = "SELECT set_config('foreman.override', 'Forgotten.', true)"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("add_first", [True, False])
def test_adding_by_force_and_completing_the_wave_at_once_leave_it_open(connect, add_first):
    task = TaskFactory(
        state="in-progress", qa_suite_location="", evidence_location="s3://proof"
    )  # fmt: skip
    add = [FORCE, (ADD, [task.wave_id, "planned"])]
    complete = [FORCE, ("UPDATE tasks SET state = 'completed' WHERE task_id = %s", [task.pk])]
    errors = overlap(connect, *((add, complete) if add_first else (complete, add)))
    assert errors == (None, None)
    assert states(task) == ("completed", "in-progress", "in-progress")


# --- what depends on what was taken back ----------------------------------------------------------

TAKEN_BACK = "SELECT name, state FROM governance_taken_back_dependencies(%s)"


@pytest.fixture
def begun(done):
    """A wave that began after the one that it depends on was completed."""
    with act(None, override="The scene."):
        wave = WaveFactory(
            program=done.wave.program, name="Roof", state="planned",
            dependencies=[str(done.wave_id)],
        )  # fmt: skip
        Program.objects.update(state="in-progress")
    with act(None):
        Wave.objects.filter(pk=wave.pk).update(state="in-progress")
    return wave


def take_back(task):
    with act(None, override="The proof was another's."):
        Task.objects.filter(pk=task.pk).update(state="failed")


def test_a_wave_that_began_is_told_of_a_dependency_taken_back(begun, done, sql):
    assert sql(TAKEN_BACK, begun.pk) == []
    take_back(done)
    assert sql(TAKEN_BACK, begun.pk) == [(done.wave.name, "in-progress")]
    with act(None, override="Completed again."):
        Task.objects.filter(pk=done.pk).update(state="completed")
    assert sql(TAKEN_BACK, begun.pk) == []


@pytest.mark.parametrize("state", ["planned", "blocked", "completed", "failed"])
def test_only_a_wave_in_progress_is_told(begun, done, sql, state):
    take_back(done)
    with act(None, override="The scene."):
        Wave.objects.filter(pk=begun.pk).update(state=state)
    assert sql(TAKEN_BACK, begun.pk) == []


def test_a_wave_that_was_started_by_an_override_since_was_decided_about(begun, done, sql):
    take_back(done)
    with act(None, override="It goes on."):
        Wave.objects.filter(pk=begun.pk).update(state="planned")
        Wave.objects.filter(pk=begun.pk).update(state="in-progress")
    assert sql(TAKEN_BACK, begun.pk) == []


def test_that_it_goes_on_is_accepted_for_a_reason_only(begun, done, sql, refuses):
    take_back(done)
    accept = "UPDATE waves SET dependencies_accepted_at = now() WHERE wave_id = %s"
    with refuses("programs_waves_reason"):
        sql(accept, begun.pk)
    accept_dependencies(begun, reason="The parts are apart.", by=None)
    assert sql(TAKEN_BACK, begun.pk) == []
    (told,) = sql(
        "SELECT context ->> 'reason' FROM evidence_trail"
        " WHERE entity_id = %s AND action = 'edited' AND context -> 'changes'"
        " ? 'dependencies_accepted_at'",
        begun.pk,
    )
    assert told == ("The parts are apart.",)


@pytest.mark.django_db(transaction=True)
def test_an_acceptance_holds_until_the_dependency_is_taken_back_again(begun, done, sql):
    take_back(done)
    accept_dependencies(begun, reason="The parts are apart.", by=None)
    with act(None, override="Completed again."):
        Task.objects.filter(pk=done.pk).update(state="completed")
    take_back(done)
    assert sql(TAKEN_BACK, begun.pk) == [(done.wave.name, "in-progress")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("start_first", [True, False])
def test_a_start_and_a_taking_back_at_once_are_told_or_refused(
    connect, begun, done, sql, start_first
):
    with act(None, override="The scene."):
        Wave.objects.filter(pk=begun.pk).update(state="planned")
    start = [("UPDATE waves SET state = 'in-progress' WHERE wave_id = %s", [begun.pk])]
    back = [FORCE, ("UPDATE tasks SET state = 'failed' WHERE task_id = %s", [done.pk])]
    errors = overlap(connect, *((start, back) if start_first else (back, start)))
    if start_first:
        assert errors == (None, None)
        assert sql(TAKEN_BACK, begun.pk) == [(done.wave.name, "in-progress")]
    else:
        assert (errors[0], rule_of(errors[1])) == (None, "governance_waves_gate")
