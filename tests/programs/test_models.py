"""What the models of the plan say without being asked to save."""

import uuid

import pytest
from django.core.exceptions import ValidationError

from programs.models import BuilderName, Program, Task, Wave
from tests.factories import ProgramFactory, TaskFactory, WaveFactory

pytestmark = pytest.mark.django_db


def test_a_new_row_knows_what_the_database_gave_it():
    program = Program.objects.create(name="P", description="")

    assert isinstance(program.pk, uuid.UUID)
    assert (program.objectives, program.progress_percentage, program.state) == ([], 0, "planned")
    assert program.created_at == program.updated_at


@pytest.mark.parametrize("factory", [ProgramFactory, WaveFactory, TaskFactory])
def test_a_form_is_told_of_a_wrong_state_before_the_database_is(factory):
    row = factory.build(state="asleep", progress_percentage=0)

    with pytest.raises(ValidationError) as refusal:
        row.clean_fields()
    assert "state" in refusal.value.message_dict


def test_a_form_hears_the_sentence_of_a_rule():
    ProgramFactory(name="One")

    with pytest.raises(ValidationError, match=r"A program of this name exists\."):
        Program(name="One", description="").validate_constraints()


def test_a_form_hears_of_a_second_wave_with_the_same_number(wave):
    twin = WaveFactory.build(program=wave.program, sequence_number=wave.sequence_number)

    with pytest.raises(ValidationError, match="has a wave with this sequence number"):
        twin.validate_constraints()


def test_a_program_lists_its_waves_in_sequence():
    program = ProgramFactory()
    for number in (3, 1, 2):
        WaveFactory(program=program, sequence_number=number)

    assert [wave.sequence_number for wave in program.waves.all()] == [1, 2, 3]


@pytest.mark.parametrize("factory", [ProgramFactory, WaveFactory])
def test_what_is_in_progress_or_blocked_is_active(factory):
    rows = {state: factory(state=state) for state in Wave.State.values}

    assert set(type(rows["planned"]).objects.active()) == {rows["in-progress"], rows["blocked"]}


def test_what_is_assigned_or_in_progress_is_running():
    rows = {state: TaskFactory(state=state) for state in Task.State.values}

    assert set(Task.objects.running()) == {rows["assigned"], rows["in-progress"]}


def test_dependencies_are_read_as_ids():
    keys = [uuid.uuid4(), uuid.uuid4()]

    assert Wave(dependencies=[str(key) for key in keys]).dependency_ids == keys


def test_a_builder_is_called_by_what_it_builds():
    assert [name.short for name in BuilderName] == ["ui", "api", "schema", "integration", "qa"]


def test_a_row_is_called_by_its_name(task):
    assert [str(row) for row in (task, task.wave, task.wave.program)] == [
        task.name,
        task.wave.name,
        task.wave.program.name,
    ]


def test_deleting_by_the_model_does_what_the_database_would(task):
    task.wave.program.delete()

    assert not Wave.objects.exists()
    assert not Task.objects.exists()
