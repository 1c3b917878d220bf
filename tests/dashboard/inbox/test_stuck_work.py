"""Builders that are idle with work, and tasks that are stuck before they are ready."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from builders.actions import assign_task, pause_builder
from programs.actions import send_back_plan
from programs.models import PlanNote, Task
from tests.dashboard.inbox.decisions import hear_only, kinds, list_decisions, make_idle
from tests.factories import (
    HeartbeatFactory,
    TaskFactory,
    WaveFactory,
)
from tests.scenes import make_ready, take_up

pytestmark = pytest.mark.django_db


# --- idle with work, paused, never heard ----------------------------------------------------------


def test_a_builder_that_is_idle_with_a_task_is_broken_now():
    task = make_ready()
    builder = take_up(task)
    assert kinds() == []
    HeartbeatFactory(
        builder=builder, task=task, status="idle", timestamp=now() + timedelta(seconds=1)
    )
    (decision,) = list_decisions()
    assert (decision.kind, decision.broken) == ("idle", True)
    assert decision.key == f"idle-builder-ui-builder-{task.pk}"


def test_a_builder_that_was_given_a_task_a_moment_ago_may_still_say_idle():
    task = make_ready()
    builder = make_idle()
    assign_task(task, builder, by=None)
    HeartbeatFactory(builder=builder, status="idle", timestamp=now() + timedelta(seconds=1))
    assert kinds() == []


def test_no_builder_is_idle_that_is_paused_or_was_never_heard():
    make_ready()
    hear_only()  # as after migrate: the five builders are there
    assert kinds() == ["Not ready"]
    builder = make_idle("api-builder")
    assert kinds() == ["Ready to assign"]
    pause_builder(builder, reason="Lunch", until=now() + timedelta(hours=1), by=None)
    assert kinds() == ["Not ready"]


# --- stuck before ready ---------------------------------------------------------------------------


def test_a_task_without_a_validation_and_a_red_run_is_stuck_and_says_so_with_links():
    task = TaskFactory(name="Walls")
    (decision,) = list_decisions()
    assert (decision.title, decision.entity) == ("Not ready", task.wave)
    assert decision.happened == "1 task lacks a red run, 1 task lacks an architecture validation."
    assert [link.words for link in decision.links] == [
        "Upload a report for “Walls”",
        "Validate the architecture of “Walls”",
    ]
    assert all(link.address.startswith("/") for link in decision.links)


def test_a_wave_in_which_all_is_ready_but_no_builder_is_says_that():
    make_ready()
    hear_only()
    (decision,) = list_decisions()
    assert decision.happened == "1 task lacks a builder that is idle."
    assert [offer.label.partition(" ")[0] for offer in decision.offers] == ["Assign"]


def test_what_is_ready_merely_waits_while_builders_work():
    wave = WaveFactory()
    take_up(make_ready(wave=wave))
    make_ready(wave=wave)
    hear_only("ui-builder")
    assert kinds() == []


def test_an_idle_builder_with_unready_work_is_a_decision_although_others_work():
    wave = WaveFactory()
    take_up(make_ready(wave=wave))
    TaskFactory(wave=wave)
    hear_only("ui-builder")
    assert kinds() == []
    make_idle("api-builder")
    assert kinds() == ["Not ready"]


def test_a_manual_task_can_be_started_from_its_card():
    task = TaskFactory(qa_suite_location="", architecture_reference="", name="Sign the contract")
    (decision,) = list_decisions()
    assert decision.happened == "1 manual task can be started by hand."
    assert [(offer.label, offer.main) for offer in decision.offers] == [
        ("Start “Sign the contract”", True)
    ]
    assert decision.entity == task.wave


# --- plans that are sent back ---------------------------------------------------------------------


def test_a_plan_that_is_sent_back_waits_for_its_author_until_it_is_changed():
    task = TaskFactory(wave__state="planned", wave__program__state="planned")
    program = task.wave.program
    assert kinds() == ["Plan to approve"]
    send_back_plan(program, note="The first wave is too large.", by=None)
    PlanNote.objects.update(created_at=now() + timedelta(seconds=1))
    assert kinds() == []
    PlanNote.objects.update(created_at=now() - timedelta(days=1))
    Task.objects.filter(pk=task.pk).update(name="Smaller")
    assert kinds() == ["Plan to approve"]
