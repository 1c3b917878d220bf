"""Pages as of a moment: what was so then, marked as past, and nothing that acts."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from builders.actions import assign_task, pause_builder
from builders.models import Heartbeat
from governance.actions import raise_blocker, resolve_blocker
from governance.as_of_progress import ReportedProgress, mean_progress, progress_after
from kit.core.acts import act
from programs.actions import archive_program, delete, edit, fail, unarchive_program
from tests.factories import (
    BuilderFactory,
    ProgramFactory,
    TaskFactory,
    UserFactory,
    WaveFactory,
)

# Acts of one transaction have one time: here each has its own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def foreman(client):
    client.force_login(UserFactory(username="johan"))
    return client


def then(client, entity, moment):
    text = moment if isinstance(moment, str) else moment.isoformat()
    return client.get(entity.get_absolute_url(), {"as_of": text})


def beat(builder, task=None, **values):
    """Report as the API does: the office stamps it."""
    return Heartbeat.objects.create(builder=builder, task=task, **{"status": "active"} | values)


def main_of(response):
    return re.search(r"<main.*</main>", response.text, re.DOTALL).group()


def test_a_task_is_shown_as_it_was(foreman):
    task = TaskFactory(name="Escalation", acceptance_criteria="It rings.")
    builder = BuilderFactory(state="idle")
    before = now()
    assign_task(task, builder, by=None, override="a test")
    beat(builder, task, progress_percentage=40)
    blocker = raise_blocker(task, classification="protected_path", description="A lock", by=None)
    between = now()
    resolve_blocker(blocker, resolution_action="Open.", by=None)
    with act(None, reason="It is plainer."):
        edit(task, name="Escalation by mail", acceptance_criteria="It mails.", by=None)

    earlier, later = main_of(then(foreman, task, before)), main_of(then(foreman, task, between))

    assert "Planned" in earlier
    assert "It rings." in earlier
    assert "A lock" not in earlier
    assert "Escalation</h1>" in later
    assert "Blocked" in later
    assert "ui-builder" in later
    assert "40 %" in later
    assert "A lock" in later
    assert "Escalation by mail" not in later
    assert "Escalation by mail</h1>" in main_of(then(foreman, task, now()))


def test_a_due_date_is_shown_as_it_was_set_then_and_whether_it_was_late_then(foreman):
    task = TaskFactory(state="in-progress")
    wave, program = task.wave, task.wave.program
    undated, yesterday = now(), now().date() - timedelta(days=1)
    for entity in (task, wave, program):
        edit(entity, due_on=now().date() + timedelta(days=30), by=None)
    ahead = now()
    for entity in (task, wave, program):
        edit(entity, due_on=yesterday, by=None)
    late = now()
    fail(task, reason="Not needed.", by=None)
    over = now()
    for entity in (task, wave, program):
        edit(entity, due_on=None, by=None)

    def told(entity, moment):
        text = main_of(then(foreman, entity, moment)).partition("</h1>")[2].partition("</p>")[0]
        return "due <time" in text, ">Late<" in text

    for entity in (task, wave, program):
        assert told(entity, undated) == (False, False)
        assert told(entity, ahead) == (True, False)
        assert told(entity, late) == (True, True)
        assert told(entity, now()) == (False, False)
    assert told(task, over) == (True, False)
    # In the tables, too: the wave of a program, the task of a wave.
    for entity in (wave, program):
        assert main_of(then(foreman, entity, late)).count(">Late<") == 2


def test_an_archived_program_says_so_as_of_then_and_so_do_its_waves_and_tasks(foreman):
    task = TaskFactory(state="in-progress")
    before = now()
    for entity in (task, task.wave, task.wave.program):
        fail(entity, reason="Not needed.", by=None)
    archive_program(task.wave.program, reason="It is over.", by=None)
    between = now()
    unarchive_program(task.wave.program, reason="It is not.", by=None)
    for entity in (task, task.wave, task.wave.program):
        told = ["archived <time" in main_of(then(foreman, entity, at)) for at in (before, between)]
        assert told == [False, True]
        assert "archived <time" not in main_of(then(foreman, entity, now()))


def test_what_is_shown_of_the_past_neither_acts_nor_asks_again(foreman):
    task = TaskFactory(state="in-progress")
    builder = BuilderFactory(current_task=task, state="active")
    raise_blocker(task, classification="protected_path", description="A lock", by=None)
    for entity in (task, task.wave, task.wave.program, builder):
        response = then(foreman, entity, now())
        assert response.status_code == 200
        shown = main_of(response)
        assert "As of <time" in shown
        assert f'href="{entity.get_absolute_url()}">Back to now' in shown
        past = shown.partition("past-banner")[2]
        assert not re.search(r"<form|<button|data-live|hx-|data-ago|data-lasting|data-age", past)


def test_a_moment_at_which_nothing_can_be_shown_is_refused_in_words(foreman):
    before = now()
    task = TaskFactory()
    for moment, status, words in (
        (before, 404, "This task did not exist at"),
        (now() + timedelta(days=1), 422, "is in the future"),
        ("yesterday", 422, "“yesterday” is not a time"),
        ("", 422, "is not a time"),
        ("2026-13-01T00:00:00Z", 422, "is not a time"),
        ("0001-01-01T00:00:00+23:59", 422, "is not a time"),
    ):
        response = then(foreman, task, moment)
        assert response.status_code == status, moment
        assert words in main_of(response)
        assert "Back to now" in main_of(response)


def test_an_address_whose_plus_sign_is_a_blank_is_understood(foreman):
    task = TaskFactory()
    address = f"{task.get_absolute_url()}?as_of={now().isoformat()}"
    assert "+00:00" in address
    assert foreman.get(address).status_code == 200


def test_of_what_never_was_there_is_no_page(foreman):
    task = TaskFactory.build(pk=uuid4())
    assert then(foreman, task, now()).status_code == 404


def test_what_was_deleted_is_shown_as_of_before(foreman):
    task = TaskFactory(name="A mistake")
    address, before = task.get_absolute_url(), now().isoformat()
    delete(task, by=None)
    assert "A mistake" in main_of(foreman.get(address, {"as_of": before}))
    gone = foreman.get(address, {"as_of": now().isoformat()})
    assert gone.status_code == 404
    assert "it was deleted at" in main_of(gone)


def test_a_wave_has_the_tasks_that_were_in_it(foreman):
    wave, other = WaveFactory(), WaveFactory()
    stays, moves, goes = (TaskFactory(wave=wave, name=name) for name in ("Stay", "Move", "Go"))
    before = now()
    edit(moves, wave=other, by=None)
    delete(goes, by=None)
    after = now()
    TaskFactory(wave=wave, name="Later")

    earlier, later = main_of(then(foreman, wave, before)), main_of(then(foreman, wave, after))

    assert all(f">{name}</a>" in earlier for name in ("Stay", "Move", "Go"))
    assert ">Stay</a>" in later
    assert not any(f">{name}</a>" in later for name in ("Move", "Go", "Later"))
    assert ">Move</a>" in main_of(then(foreman, other, after))
    assert stays.wave == wave


def test_a_program_has_the_waves_that_were_in_it(foreman):
    program = ProgramFactory()
    wave = WaveFactory(program=program, name="Foundations", sequence_number=1)
    TaskFactory(wave=wave, state="completed", progress_percentage=100)
    TaskFactory(wave=wave)
    before = now()
    edit(wave, program=ProgramFactory(), by=None)

    earlier = main_of(then(foreman, program, before))

    assert "Foundations" in earlier
    assert "1 of 2 tasks completed" in earlier
    assert "50 %" in earlier
    assert "The program had no wave." in main_of(then(foreman, program, now()))


def test_a_builder_has_the_task_that_it_had_in_hand(foreman):
    task, builder = TaskFactory(name="In hand"), BuilderFactory(state="idle")
    assign_task(task, builder, by=None, override="a test")
    beat(builder, task, message="Panel renders", progress_percentage=10)
    pause_builder(builder, reason="A new disk", until=now() + timedelta(hours=1), by=None)
    during = now()
    fail(task, reason="It leads nowhere.", by=None)
    beat(builder, status="idle", message="Later words")

    shown = main_of(then(foreman, builder, during))

    assert all(words in shown for words in ("In hand", "Panel renders", "A new disk", "10 %"))
    assert "Later words" not in shown
    assert "In hand</a>" not in main_of(then(foreman, builder, now()))


def test_a_program_takes_as_many_queries_however_much_is_in_it(foreman):
    task = TaskFactory()
    program = task.wave.program

    def queries():
        with CaptureQueriesContext(connection) as asked:
            assert then(foreman, program, now()).status_code == 200
        return len(asked)

    queries()
    few = queries()
    for _ in range(3):
        TaskFactory.create_batch(3, wave=WaveFactory(program=program))
    assert queries() == few


def test_a_removed_heartbeat_is_not_made_up(foreman, settings):
    settings.FOREMAN_HEARTBEAT_RETENTION_DAYS = 0
    task, builder = TaskFactory(), BuilderFactory(state="idle")
    untouched = TaskFactory(wave=task.wave)
    assign_task(task, builder, by=None, override="a test")
    beat(builder, task, progress_percentage=40)
    moment = now()
    assert "40 %" in main_of(then(foreman, task, moment))
    Heartbeat.objects.all().delete()
    assert "progress not certain any more" in main_of(then(foreman, task, moment))
    assert "progress not certain any more" in main_of(then(foreman, task.wave, moment))
    assert "0 %" in main_of(then(foreman, untouched, moment))


def beats(*told):
    at = now()
    return [
        ReportedProgress(at - timedelta(minutes=place), *beat) for place, beat in enumerate(told)
    ]


def test_progress_is_that_of_the_last_heartbeat_that_counted():
    assert progress_after(5, []) == 5
    assert progress_after(5, beats((40, False, True), (30, False, True))) == 40
    assert progress_after(5, beats((40, False, False), (30, False, True))) == 30
    assert progress_after(5, beats((40, True, False))) == 5
    assert progress_after(5, beats((40, True, True), (30, False, True))) is None
    at = now()
    assert progress_after(5, [ReportedProgress(at, part, False, True) for part in (1, 2)]) is None
    assert progress_after(5, beats(*[(40, False, False)] * 4)) is None  # more may lie behind


def test_a_mean_is_rounded_as_the_database_does():
    assert mean_progress([]) == 0
    assert mean_progress([0, 1]) == 1
    assert mean_progress([0, 0, 1]) == 0
    assert mean_progress([50, None]) is None


def test_the_evidence_links_to_the_pages_of_its_moment(foreman):
    task = TaskFactory()
    shown = main_of(then(foreman, task, now()))
    assert f"of=task:{task.pk}&amp;until=" in shown
