"""Blockers and violations as pages: listed, summed up, resolved, raised and recorded by hand."""

import csv
import io
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now

from foreman_office.dashboard.issues.queries import summarize
from governance.models import Blocker, Evidence, GovernanceViolation
from kit.core.acts import act
from tests.factories import (
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    ProgramFactory,
    TaskFactory,
    UserFactory,
    WaveFactory,
)

pytestmark = pytest.mark.django_db
PART = {"HX-Request": "true"}
LISTS = ["blocker_list", "violation_list"]


def page(client, name, query=None, part=None):
    headers = PART | {"HX-Target": part} if part else {}
    return client.get(reverse(f"governance:{name}"), query or {}, headers=headers)


def rows(client, name, query=None):
    """Return what a list exports: every row that its filters let through."""
    answer = page(client, name, {"export": "csv"} | (query or {}))
    text = b"".join(answer.streaming_content).decode().removeprefix("\ufeff")
    return list(csv.DictReader(io.StringIO(text)))


def resolved(row, took, ago=timedelta(days=1)):
    """Return a trouble that was resolved some time ago, so long after it was detected."""
    at = now() - ago
    with act(None, reason="The scene."):
        type(row).objects.filter(pk=row.pk).update(resolved_at=at, detected_at=at - took)
    return row


# --- the lists ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_complete_and_its_part_is_the_list_alone(person, name):
    task = TaskFactory(name="Masonry")
    BlockerFactory(entity=task, description="No mortar.")
    GovernanceViolationFactory(task=task, description="No mortar.")
    whole, part = page(person, name), page(person, name, part="list")
    for answer in (whole, part):
        for words in ("Masonry", str(task.wave.program), "No mortar.", "Resolve…"):
            assert words in answer.text
    assert "<html" in whole.text
    assert "<html" not in part.text


@pytest.mark.parametrize("name", LISTS)
def test_an_empty_list_says_that_all_is_well(person, name):
    text = page(person, name).text
    assert "All clear" in text
    assert "“Resolved”" in text


@pytest.mark.parametrize("name", LISTS)
def test_a_list_shows_what_is_open_unless_it_is_asked_for_more(person, name):
    open_, closed = TaskFactory.create_batch(2)
    for make, about in ((BlockerFactory, "entity"), (GovernanceViolationFactory, "task")):
        make(**{about: open_})
        resolved(make(**{about: closed}), timedelta(hours=3))
    assert open_.name in page(person, name).text
    assert closed.name not in page(person, name, {"program": closed.wave.program_id}).text
    assert ">3 h</time>" in page(person, name, {"state": "resolved"}).text
    assert {row["state"] for row in rows(person, name, {"state": "resolved"})} == {"resolved"}
    every = [row["state"] for row in rows(person, name, {"state": "all", "sort": "-resolved"})]
    assert every == sorted(every)
    assert {*every} == {"open", "resolved"}


def test_blockers_are_found_by_every_filter(person):
    program = ProgramFactory(name="Annex")
    wave = WaveFactory(program=program, name="Cellar")
    task = TaskFactory(wave=wave, name="Masonry of the vault")
    for entity in (program, wave, task):
        BlockerFactory(entity=entity, classification="protected_path")
    other = TaskFactory()
    BlockerFactory(entity=other, description="The vault is flooded.")

    def found(**query):
        return {row["entity"] for row in rows(person, "blocker_list", query)}

    assert found(program=program.pk) == {"Annex", "Cellar", "Masonry of the vault"}
    assert found(kind="wave") == {"Cellar"}
    assert found(classification="repeated_failures") == {other.name}
    assert found(q="vault") == {other.name, "Masonry of the vault"}
    assert found(q="vaul maso") == {"Masonry of the vault"}


def test_violations_are_found_by_every_filter(person):
    task = TaskFactory(name="Masonry of the vault")
    GovernanceViolationFactory(task=task, builder=BuilderFactory(builder_id="qa-builder"))
    GovernanceViolationFactory(
        task=None, builder=BuilderFactory(), violation_type="vault left open"
    )

    def found(**query):
        return {row["violation_type"] for row in rows(person, "violation_list", query)}

    assert found(program=task.wave.program.pk) == {"test debt"}
    assert found(builder="ui-builder") == {"vault left open"}
    assert found(q="vault") == {"test debt", "vault left open"}
    assert found(q="vault open") == set()


def test_a_filter_that_makes_no_sense_says_so_and_shows_nothing(person):
    BlockerFactory(description="No mortar.")
    text = page(person, "blocker_list", {"classification": "bad weather"}).text
    assert "A filter is not valid." in text
    assert "No mortar." not in text


def test_what_a_blocker_was_on_may_be_gone(person):
    task = TaskFactory(name="Masonry")
    BlockerFactory(entity=task)
    task.delete()
    assert "deleted task" in page(person, "blocker_list", {"state": "all"}).text


@pytest.mark.parametrize("name", LISTS)
def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(
    person, name, django_assert_max_num_queries
):
    for _ in range(12):
        task = TaskFactory()
        BlockerFactory(entity=task)
        BlockerFactory(entity=task.wave)
        BlockerFactory(entity=task.wave.program)
        GovernanceViolationFactory(task=task, builder=BuilderFactory())
    with django_assert_max_num_queries(13):
        page(person, name, part="list")


# --- summed up ------------------------------------------------------------------------------------


def test_a_summary_tells_what_is_open_by_class_and_the_oldest():
    BlockerFactory.create_batch(2, detected_at=now() - timedelta(hours=1))
    oldest = BlockerFactory(classification="protected_path", detected_at=now() - timedelta(days=2))
    resolved(BlockerFactory(), timedelta(hours=1))
    summary = summarize(Blocker.objects.all(), "classification")
    assert (summary.open, summary.oldest) == (3, oldest)
    assert summary.by_class == [("Repeated failures", 2), ("Protected path", 1)]


def test_times_to_resolve_are_the_median_and_the_90th_percentile_of_the_window():
    for hours in range(1, 12):
        resolved(BlockerFactory(), timedelta(hours=hours))
    resolved(BlockerFactory(), timedelta(days=90), ago=timedelta(days=31))
    summary = summarize(Blocker.objects.all(), "classification")
    assert (summary.resolved, summary.median, summary.p90) == (
        11,
        timedelta(hours=6),
        timedelta(hours=10),
    )


def test_a_summary_of_nothing_has_no_times():
    summary = summarize(GovernanceViolation.objects.all(), "violation_type")
    assert summary[:4] == (0, [], None, 0)
    assert (summary.median, summary.p90) == (None, None)


def test_the_summary_is_of_what_the_filters_let_through_whatever_its_state(person):
    here = TaskFactory()
    BlockerFactory(entity=here)
    resolved(BlockerFactory(entity=here.wave), timedelta(hours=5))
    BlockerFactory.create_batch(3)
    text = page(person, "blocker_list", {"program": here.wave.program_id}).text
    assert "<dd><b>1</b>" in text
    assert "1 resolved in the last 30 days" in text
    assert "<b>5 h</b>" in text


# --- by hand --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["program", "wave", "task"])
def test_a_blocker_is_raised_by_hand_and_holds_up_what_it_is_on(person, kind):
    task = TaskFactory(state="in-progress")
    entity = {"program": task.wave.program, "wave": task.wave, "task": task}[kind]
    answer = person.post(
        reverse("governance:blocker_raise", args=[kind, entity.pk]),
        {"classification": "impossible_requirements", "description": "Nine and eleven."},
    )
    assert answer.url == entity.get_absolute_url()
    entity.refresh_from_db()
    assert entity.state == "blocked"
    row = Evidence.objects.of(entity).get(action="blocker_raised")
    assert row.context["snapshot"]["description"] == "Nine and eleven."


def test_nothing_blocks_what_is_completed_and_the_page_says_so_in_place(person):
    task = TaskFactory(state="completed")
    answer = person.post(
        reverse("governance:blocker_raise", args=["task", task.pk]),
        {"classification": "protected_path", "description": "Too late."},
        headers=PART,
    )
    assert answer.status_code == 409
    assert "it cannot be blocked" in answer.text
    assert "<html" not in answer.text


def test_a_blocker_without_a_word_is_not_raised(person):
    task = TaskFactory()
    answer = person.post(reverse("governance:blocker_raise", args=["task", task.pk]))
    assert answer.status_code == 422
    assert "Enter a description." in answer.text
    assert not Blocker.objects.exists()


def test_a_violation_is_recorded_on_a_task_and_halts_it(person):
    task = TaskFactory(state="in-progress", assigned_builder="ui-builder")
    person.post(
        reverse("governance:violation_record", args=["task", task.pk]),
        {"violation_type": "test debt", "description": "53.", "builder": "ui-builder"},
    )
    violation = GovernanceViolation.objects.get()
    assert (violation.task, violation.builder_id) == (task, "ui-builder")
    task.refresh_from_db()
    assert task.state == "blocked"


def test_a_violation_is_recorded_against_a_builder_alone(person):
    builder = BuilderFactory()
    address = reverse("governance:violation_record", args=["builder", builder.pk])
    person.post(address, {"violation_type": "secrets", "description": "A key in a log."})
    violation = GovernanceViolation.objects.get()
    assert (violation.task, violation.builder) == (None, builder)
    assert "A key in a log." in page(person, "violation_list").text


@pytest.mark.parametrize(
    ("act", "kind"), [("blocker_raise", "builder"), ("violation_record", "program")]
)
def test_only_what_exists_is_spoken_of(person, act, kind):
    task = TaskFactory()
    for asked in ((kind, task.pk), ("task", task.wave_id)):
        assert person.post(reverse(f"governance:{act}", args=asked)).status_code == 404


def test_what_is_held_up_is_found_by_name_id_or_address(person):
    task = TaskFactory(name="Login screen")
    TaskFactory(name="Login page", state="completed")
    for words in ("scr log", str(task.pk), f"http://office{task.get_absolute_url()}"):
        text = page(person, "blocker_new", {"q": words}, part="found").text
        assert "Login screen" in text
        assert "Login page" not in text
        assert reverse("governance:blocker_raise", args=["task", task.pk]) in text
    assert "No matches." in page(person, "blocker_new", {"q": "roof"}).text


def test_a_violation_may_be_of_a_builder_or_of_a_completed_task(person):
    task = TaskFactory(name="Login screen", state="completed")
    text = page(person, "violation_new").text
    assert reverse("governance:violation_record", args=["builder", "qa-builder"]) in text
    text = page(person, "violation_new", {"q": "login"}).text
    assert reverse("governance:violation_record", args=["task", task.pk]) in text


@pytest.mark.parametrize("query", [{}, {"q": "qa-builder"}])
def test_the_builders_that_are_offered_are_as_they_are_now(person, query):
    assert "Failed</span>" not in page(person, "violation_new", query).text
    BuilderFactory(builder_id="qa-builder", state="failed")
    assert "Failed</span>" in page(person, "violation_new", query).text


def test_one_who_reads_is_offered_nothing(client):
    client.force_login(UserFactory(roles=["viewer"]))
    task = TaskFactory(name="Login screen")
    BlockerFactory(entity=task)
    assert "Resolve…" not in page(client, "blocker_list").text
    assert reverse("governance:blocker_new") not in page(client, "blocker_list").text
    text = page(client, "blocker_new", {"q": "login"}).text
    assert "Login screen" in text
    assert 'class="offer"' not in text


def test_a_task_offers_to_say_what_is_wrong_with_it(person):
    task = TaskFactory(state="in-progress")
    text = person.get(task.get_absolute_url()).text
    assert reverse("governance:blocker_raise", args=["task", task.pk]) in text
    assert reverse("governance:violation_record", args=["task", task.pk]) in text
    text = person.get(task.wave.get_absolute_url()).text
    assert reverse("governance:blocker_raise", args=["wave", task.wave_id]) in text


@pytest.mark.parametrize("make", [BlockerFactory, GovernanceViolationFactory])
def test_what_is_about_one_task_is_found_by_its_key_and_not_by_its_name(person, make):
    task, namesake = TaskFactory(name="Walls"), TaskFactory(name="Walls")
    field = "entity" if make is BlockerFactory else "task"
    make(**{field: task}, description="Of the first")
    make(**{field: namesake}, description="Of the second")
    noun = "blocker" if make is BlockerFactory else "violation"
    address = reverse(f"governance:{noun}_list")
    page = person.get(f"{address}?state=all&of=task:{task.pk}").text
    assert "Of the first" in page
    assert "Of the second" not in page
    assert "About: Walls" in page
    assert f"{address}?state=all&amp;of=task:{task.pk}" in person.get(task.get_absolute_url()).text


def test_what_is_about_a_thing_that_makes_no_sense_is_told(person):
    page = person.get(f"{reverse('governance:blocker_list')}?of=nonsense").text
    assert "Write an entity as kind:id." in page
