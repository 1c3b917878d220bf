"""The trail as pages: filtered, exact, linked both ways, exported whole and in bounded memory."""

import csv
import html
import io
import json
import tracemalloc
from datetime import UTC, datetime

import pytest
from django.db.models import JSONField, Value
from django.urls import reverse

from governance.actions import raise_blocker
from governance.models import Evidence
from kit.core.acts import act
from kit.web import listing as listing_module
from kit.web.exports import FORMATS
from programs.actions import move
from programs.history import recording
from programs.models import Task
from tests.database import without_triggers
from tests.factories import (
    BuilderFactory,
    GovernanceViolationFactory,
    ProgramFactory,
    TaskFactory,
    UserFactory,
    WaveFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.pooled]
LIST = "governance:evidence_list"


def page(client, query=None, part=None):
    headers = {"HX-Request": "true", "HX-Target": part} if part else {}
    return client.get(reverse(LIST), query or {}, headers=headers)


def exported(client, query=None, format="ndjson"):
    answer = page(client, {"export": format} | (query or {}))
    return b"".join(answer.streaming_content).decode()


def found(client, **query):
    """Return the rows that a filter lets through, in the order of the page."""
    return [json.loads(line) for line in exported(client, query).splitlines()]


def numbers(rows):
    return [row["sequence"] for row in rows]


def of(entity):
    return f"{entity._meta.model_name}:{getattr(entity, 'entity_id', entity.pk)}"


# --- the list -------------------------------------------------------------------------------------


def test_the_trail_is_shown_newest_first_and_its_part_is_the_list_alone(person):
    task = TaskFactory(name="Masonry")
    move(task, "blocked", by=None)
    whole, part = page(person), page(person, part="list")
    assert "<html" in whole.text
    assert "<html" not in part.text
    for text in (whole.text, part.text):
        assert text.index("Planned → Blocked") < text.index("Task created")
    rows = found(person)
    assert numbers(rows) == sorted(numbers(rows), reverse=True)


def test_rows_of_one_moment_are_told_apart_by_their_number(person):
    TaskFactory.create_batch(6)  # the test is one transaction, so all have its time
    rows = found(person, kind="task")
    assert len({row["timestamp"] for row in rows}) == 1
    assert numbers(rows) == sorted(numbers(rows), reverse=True)
    assert numbers(found(person, kind="task", sort="number")) == numbers(rows)[::-1]


def test_each_row_shows_its_exact_values(person):
    task = TaskFactory(name="Masonry")
    with act(None):
        Task.objects.filter(pk=task.pk).update(name="Stone", evidence_location="proof/")
    text = page(person, {"of": of(task)}).text
    for words in ("2 values changed", "<td>Masonry</td>", "<td>Stone</td>", "nothing", "proof/"):
        assert words in text


@pytest.mark.parametrize(
    ("holder", "inside"),
    [
        ("program", {"program", "wave", "task"}),
        ("wave", {"wave", "task"}),
        ("task", {"task"}),
    ],
)
def test_what_is_within_is_found(person, holder, inside):
    task = TaskFactory()
    entities = {"program": task.wave.program, "wave": task.wave, "task": task}
    TaskFactory()
    rows = found(person, within=of(entities[holder]))
    assert {(row["entity_type"], row["entity_id"]) for row in rows} == {
        (kind, str(entities[kind].pk)) for kind in inside
    }
    if holder == "program":
        assert found(person, program=task.wave.program_id) == rows


def test_the_trail_of_one_entity_outlives_it(person):
    task = TaskFactory(name="Masonry")
    key = of(task)
    task.delete()
    assert [row["action"] for row in found(person, of=key)] == ["deleted", "created"]
    assert "About: deleted task" in page(person, {"of": key}).text


def test_every_filter_lets_through_what_it_says(person):
    user = UserFactory(username="maria")
    task = TaskFactory()
    raise_blocker(task, classification="protected_path", description="No.", by=user)
    with act(BuilderFactory()):
        Task.objects.filter(pk=task.pk).update(progress_percentage=10)
    with act(None, override="It is late."):
        TaskFactory(wave=task.wave)
    with recording("plan.yaml"):
        TaskFactory(wave=task.wave)

    def actions(**query):
        return [row["action"] for row in found(person, **query)]

    everything = actions()
    assert actions(person="maria") == ["state_changed", "blocker_raised"]
    assert actions(actor="ui-builder") == ["progress_forced"]
    assert actions(action="progress_forced") == ["progress_forced"]
    assert actions(overrides="only") == ["created"]
    assert {*actions(kind="wave")} == {"created"}
    assert len(actions(imports="shown")) == len(everything) + 1


@pytest.mark.usefixtures("open_trail")
def test_times_are_those_of_the_readers_zone(person, settings):
    settings.TIME_ZONE = "Africa/Johannesburg"
    task = TaskFactory()
    for hour in (9, 10, 11):
        with recording("the past"):
            Evidence.objects.create(
                entity_type="task",
                entity_id=task.pk,
                action=f"at-{hour}",
                actor="foreman",
                timestamp=datetime(2026, 1, 5, hour, tzinfo=UTC),
            )
    rows = found(person, of=of(task), since="2026-01-05T12:00", until="2026-01-05T13:00")
    assert [row["action"] for row in rows] == ["at-10"]
    assert "From: 2026-01-05 12:00 SAST" in page(person, {"since": "2026-01-05T12:00"}).text


@pytest.mark.parametrize(
    "query",
    [
        {"of": "task"},
        {"of": "roof:0a1b2c3d-0000-4000-8000-000000000000"},
        {"within": "builder:0a1b2c3d-0000-4000-8000-000000000000"},
        {"within": "wave:0a1b2c3d-0000-4000-8000-000000000000"},
        {"since": "yesterday"},
        {"imports": "some"},
    ],
)
def test_a_filter_that_makes_no_sense_says_so_and_shows_nothing(person, query):
    TaskFactory(name="Masonry")
    text = page(person, query).text
    assert "A filter is not valid." in text
    assert "Masonry" not in text


def test_a_trail_without_a_match_says_how_to_go_on(person):
    TaskFactory()
    assert "No evidence row matches." in page(person, {"actor": "qa-builder"}).text


def test_a_filtered_address_keeps_what_its_form_does_not_show(person):
    task = TaskFactory()
    assert (
        f'<input type="hidden" name="of" value="{of(task)}"' in page(person, {"of": of(task)}).text
    )


def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(
    person, django_assert_max_num_queries
):
    builder = BuilderFactory()
    for _ in range(12):
        task = TaskFactory()
        move(task, "blocked", by=None)
        GovernanceViolationFactory(task=task, builder=builder)
    with django_assert_max_num_queries(13):
        page(person, part="list")


# --- one row --------------------------------------------------------------------------------------


def test_a_row_has_an_address_with_every_value_and_its_neighbours(person):
    task = TaskFactory(name="Masonry")
    for state, why in (("blocked", "Rain."), ("planned", "Sun.")):
        with act(None, override=why):
            Task.objects.filter(pk=task.pk).update(state=state)
    before, row, after = Evidence.objects.of(task).order_by("sequence")
    text = person.get(reverse("governance:evidence", args=[row.sequence])).text
    for words in (
        "Planned → Blocked",
        "“Rain.”",
        row.timestamp.isoformat(),
        str(row.pk),
        reverse("governance:evidence", args=[before.sequence]),
        reverse("governance:evidence", args=[after.sequence]),
        task.get_absolute_url(),
    ):
        assert words in text


def test_a_row_shows_what_was_done_in_the_same_moment(person):
    task = TaskFactory(state="in-progress")
    violation = GovernanceViolationFactory(task=task, violation_type="test debt")
    row = Evidence.objects.get(action="violation_recorded")
    text = person.get(reverse("governance:evidence", args=[row.sequence])).text
    assert "In progress → Blocked" in text
    assert str(violation.pk) in text


def test_a_row_that_is_not_there_is_not_found(person):
    assert person.get(reverse("governance:evidence", args=[10**9])).status_code == 404


def test_pages_lead_to_the_rows_of_their_evidence(person):
    task = TaskFactory()
    row = Evidence.objects.of(task).get()
    address = reverse("governance:evidence", args=[row.sequence])
    for entity in (task, task.wave, task.wave.program):
        assert address in person.get(entity.get_absolute_url()).text


# --- the files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_has_what_the_filters_of_the_page_let_through(person, format):
    task = TaskFactory(name="Masonry")
    TaskFactory(name="Plumbing")
    move(task, "blocked", by=None)
    text = exported(person, {"of": of(task)}, format)
    assert "Masonry" in text
    assert "Plumbing" not in text
    match format:
        case "json":
            rows = json.loads(text)
            assert rows[0]["context"]["changes"]["state"] == ["planned", "blocked"]
        case "csv":
            rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
            assert json.loads(rows[0]["context"])["changes"]["state"] == ["planned", "blocked"]


def test_a_file_keeps_the_microseconds(person):
    task = TaskFactory()
    row = Evidence.objects.of(task).get()
    assert found(person, of=of(task))[0]["timestamp"] == row.timestamp.isoformat()


def test_no_cell_of_a_file_is_a_formula(person):
    TaskFactory(name="=1+1", wave=WaveFactory(program=ProgramFactory(name="@plan")))
    text = exported(person, format="csv")
    assert ",'=1+1," in text
    assert ",=1+1" not in text


@pytest.mark.slow
@pytest.mark.usefixtures("open_trail")
def test_the_memory_of_an_export_does_not_grow_with_the_trail(person, sql, monkeypatch):
    monkeypatch.setattr(listing_module, "CHUNK", 20)
    task = TaskFactory()

    def add(number):
        sql(
            """INSERT INTO evidence_trail (entity_type, entity_id, action, actor, context)
            SELECT 'task', %s, 'noted', 'foreman', jsonb_build_object('summary', repeat('x', 2000))
            FROM generate_series(1, %s)""",
            task.pk,
            number,
        )

    def peak():
        answer = page(person, {"export": "ndjson", "action": "noted"})
        tracemalloc.start()
        size = sum(len(chunk) for chunk in answer.streaming_content)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size, most

    add(100)
    exported(person)  # what is kept once and for all
    small, before = peak()
    add(900)
    large, after = peak()
    assert large == pytest.approx(10 * small, rel=0.05)
    assert after < 1.5 * before


def test_an_export_goes_on_where_rows_are_added_meanwhile(person, monkeypatch):
    monkeypatch.setattr(listing_module, "CHUNK", 5)
    wave = WaveFactory()
    TaskFactory.create_batch(20, wave=wave)
    answer = page(person, {"export": "ndjson", "action": "created", "within": of(wave)})
    chunks = iter(answer.streaming_content)
    first = next(chunks)
    TaskFactory.create_batch(3, wave=wave)
    rows = [json.loads(line) for line in (first + b"".join(chunks)).splitlines()]
    assert len({row["sequence"] for row in rows}) == len(rows) == 21


@pytest.mark.usefixtures("open_trail")
@pytest.mark.parametrize("context", [["x", 1], "x", 7, None, []])
def test_what_an_older_office_recorded_as_no_object_is_shown(person, task, context):
    with without_triggers():
        row = Evidence.objects.create(
            entity_type="task",
            entity_id=task.pk,
            action="noted",
            actor="foreman",
            context=Value(context, JSONField()),
            sequence=9_000_000,
        )
    for address in (
        reverse("governance:evidence", args=[row.sequence]),
        reverse(LIST),
        task.get_absolute_url(),
        reverse("governance:why", args=["task", task.pk]),
        reverse("inbox"),
    ):
        assert person.get(address).status_code == 200, address
    assert json.dumps(context) in html.unescape(
        person.get(reverse("governance:evidence", args=[row.sequence])).text
    )
    for format in FORMATS:
        assert "noted" in exported(person, format=format)
