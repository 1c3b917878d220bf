"""What follows from a completion, and what an override reaches."""

import pytest

from builders.actions import assign_task
from builders.models import Builder
from governance.models import Blocker, Evidence
from kit.core.acts import act
from programs.actions import complete_task, move
from programs.history import recording
from programs.models import Task
from tests.factories import (
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    TaskFactory,
    WaveFactory,
)
from tests.governance.consequences import turn_green, verbs
from tests.governance.test_consequences import runs
from tests.scenes import state_of

pytestmark = pytest.mark.django_db


def test_completing_frees_the_builder_and_completes_wave_and_program_with_the_last(held):
    other = TaskFactory(wave=held.wave, state="in-progress", qa_suite_location="",
                        evidence_location="s3://")  # fmt: skip
    sibling = WaveFactory(program=held.wave.program, state="in-progress")
    last = TaskFactory(wave=sibling, state="in-progress", qa_suite_location="",
                       evidence_location="s3://")  # fmt: skip
    turn_green(held)

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
    with recording({"file": "plan.yaml"}, override="The file is the record."):
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
