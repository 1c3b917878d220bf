"""Archiving while work begins, is blocked or is added: whoever is second sees the first."""

import pytest

from governance.replay import Replay
from kit.core.acts import act
from programs.models import Program
from tests.conftest import rule_of
from tests.factories import ProgramFactory, TaskFactory, WaveFactory
from tests.races import overlap

pytestmark = pytest.mark.django_db(transaction=True)

FORCE = "SELECT set_config('foreman.override', 'A scene.', true)"
REASON = "SELECT set_config('foreman.context', '{\"reason\": \"Away.\"}', true)"


@pytest.fixture
def program():
    """An abandoned program with a planned task."""
    task = TaskFactory(wave=WaveFactory(program=ProgramFactory()))
    with act(None, override="A scene."):
        Program.objects.update(state="failed")
    return task.wave.program


def archive(program):
    """Do in SQL what `actions.archive_program` does."""
    inside = "SELECT wave_id FROM waves WHERE program_id = %s"
    lock = "ORDER BY 1 FOR NO KEY UPDATE"
    return [
        REASON,
        (f"SELECT task_id FROM tasks WHERE wave_id IN ({inside}) {lock}", [program.pk]),
        (f"{inside} {lock}", [program.pk]),
        ("UPDATE programs SET archived_at = now() WHERE program_id = %s", [program.pk]),
    ]


def begin(program):
    return [FORCE, "UPDATE tasks SET state = 'in-progress'"]


def block(program):
    return [
        "INSERT INTO blockers (entity_type, entity_id, classification, description)"
        " SELECT 'task', task_id, 'protected_path', 'A scene.' FROM tasks"
    ]


def edit(program):
    return ["UPDATE tasks SET name = 'Another'"]


def add(program):
    return [
        FORCE,
        "INSERT INTO tasks (wave_id, name, architecture_reference, qa_suite_location,"
        " acceptance_criteria, state) SELECT wave_id, 'New', '', '', '', 'planned' FROM waves",
    ]


@pytest.mark.parametrize(
    ("change", "after_it", "before_it"),
    [
        (begin, "governance_programs_gate", "programs_plan_archived"),
        (block, "governance_programs_gate", "governance_blockers_unarchived"),
        (edit, None, "programs_plan_archived"),
        (add, None, "programs_plan_enters_archived"),
    ],
)
@pytest.mark.parametrize("archived_first", [True, False])
def test_who_comes_second_sees_the_first(
    connect, program, change, after_it, before_it, archived_first
):
    steps = archive(program), change(program)
    errors = overlap(connect, *(steps if archived_first else steps[::-1]))
    rules = [error and rule_of(error) for error in errors]
    assert rules == [None, before_it if archived_first else after_it]
    program.refresh_from_db()
    assert program.is_archived is (archived_first or after_it is None)
    assert Replay().first_difference() is None
