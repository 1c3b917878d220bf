"""Lists as pages show them: cut by key without loss, honestly counted, exported whole."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.db.models import F, Value
from django.http import Http404
from django.test import RequestFactory
from django.utils.timezone import now
from django_filters import (
    CharFilter,
    ChoiceFilter,
    FilterSet,
    IsoDateTimeFilter,
    ModelChoiceFilter,
)
from hypothesis import given
from hypothesis import strategies as st

from kit.web import listing as listing_module
from kit.web.exports import FORMATS, cell, in_table
from kit.web.listing import Listing, Sort
from programs.models import Task, TaskState, Wave
from tests.factories import TaskFactory, WaveFactory

SORTS = {
    "updated": Sort("Last change", "updated_at", descending=True),
    "name": Sort("Name", "name"),
}
COLUMNS = {
    "name": lambda task: task.name,
    "progress": lambda task: task.progress_percentage,
    "builder": lambda task: task.assigned_builder,
    "updated_at": lambda task: task.updated_at,
}


class Filters(FilterSet):
    state = ChoiceFilter(label="State", choices=TaskState)
    wave = ModelChoiceFilter(label="Wave", queryset=Wave.objects.all())
    since = IsoDateTimeFilter(label="Since", field_name="updated_at", lookup_expr="gte")
    q = CharFilter(label="Name", field_name="name", lookup_expr="icontains")

    class Meta:
        model = Task
        fields = []


def ask(query="", *, rows=None, sorts=SORTS, **more):
    rows = Task.objects.all() if rows is None else rows
    more = {"noun": "task", "page": 3} | more
    return Listing(RequestFactory().get(f"/tasks/{query}"), rows, Filters, sorts, **more)


def whole(response):
    content = b"".join(response.streaming_content)
    response.file_to_stream.close()
    return content


@pytest.fixture
def tasks(db):
    """Ten tasks, some of one name and some of one moment."""
    wave = WaveFactory()
    tasks = [TaskFactory(wave=wave, name=f"Task {number // 4}") for number in range(10)]
    for number, task in enumerate(tasks):
        moment = now() - timedelta(days=number // 3)
        Task.objects.filter(pk=task.pk).update(updated_at=moment.replace(microsecond=123456))
    return tasks


@pytest.mark.parametrize("sort", ["name", "-name", "updated", "-updated"])
def test_every_row_is_on_exactly_one_page_forward_and_back(tasks, sort):
    order = sort.replace("updated", "updated_at")
    key = "-pk" if sort.startswith("-") else "pk"
    expected = list(Task.objects.order_by(order, key))
    forward, address, last = [], f"?sort={sort}", None
    while address:
        last = ask(address)
        forward += last.rows
        address = last.next and last.next.removeprefix("/tasks/")
    assert forward == expected

    backward = list(reversed(last.rows))
    while address := last.previous and last.previous.removeprefix("/tasks/"):
        last = ask(address)
        backward += reversed(last.rows)
    assert backward == list(reversed(expected))


def walk(sorts, sort, **more):
    """Return what all pages of a list show, one after the other."""
    found, address = [], f"?sort={sort}"
    while address:
        listing = ask(address, sorts=sorts, **more)
        found += listing.rows
        address = listing.next and listing.next.removeprefix("/tasks/")
    return found


@pytest.mark.parametrize("sort", ["waited", "-waited"])
def test_an_annotation_is_an_order_too(tasks, sort):
    moment = now()
    for number, task in enumerate(tasks):
        waited = timedelta(hours=number // 4, microseconds=7)
        Task.objects.filter(pk=task.pk).update(created_at=moment - waited)
    rows = Task.objects.annotate(waited=Value(moment) - F("created_at"))
    expected = list(Task.objects.order_by("created_at", "-pk"))
    if sort == "waited":
        expected.reverse()
    assert walk({"waited": Sort("Waited", "waited")}, sort, rows=rows) == expected


def test_what_is_equal_in_an_order_is_told_apart_by_the_key_asked_for(tasks):
    for number, task in enumerate(tasks):
        Task.objects.filter(pk=task.pk).update(progress_percentage=number)
    sorts = {"name": Sort("Name", "name")}
    found = walk(sorts, "-name", key="progress_percentage")
    assert found == list(Task.objects.order_by("-name", "-progress_percentage"))


def test_what_is_usual_holds_until_the_address_says_otherwise(tasks):
    usual = {"state": "completed"}
    Task.objects.filter(name="Task 2").update(state="blocked")
    assert ask(usual=usual).count == "0 tasks"
    assert ask("?state=completed", usual=usual).chips == []
    blocked = ask("?state=blocked", usual=usual)
    assert (blocked.count, blocked.chips[0].value) == ("2 tasks", "Blocked")


def test_rows_are_dressed_on_pages_and_in_exports(tasks, monkeypatch):
    def annotate_rows(rows):
        for row in rows:
            row.shout = row.name.upper()

    monkeypatch.setattr(listing_module, "CHUNK", 4)
    assert [row.shout for row in ask("?sort=name", annotate_rows=annotate_rows).rows] == [
        "TASK 0"
    ] * 3
    response = ask("?export=ndjson", annotate_rows=annotate_rows).export(
        {"shout": lambda task: task.shout}
    )
    assert whole(response).count(b"TASK") == 10


def test_a_chip_says_a_row_by_its_name_and_a_time_with_its_zone(tasks):
    wave = tasks[0].wave
    one, since = ask(f"?wave={wave.pk}&since=2026-01-02T03:04:05Z").chips
    assert (one.label, one.value) == ("Wave", str(wave))
    assert since.value == "2026-01-02 03:04 UTC"


def test_a_page_back_to_the_first_has_none_before_it(tasks):
    second = ask(ask().next.removeprefix("/tasks/"))
    first = ask(second.previous.removeprefix("/tasks/"))
    assert first.rows == ask().rows
    assert first.previous is None


@pytest.mark.parametrize("query", ["?sort=size", "?after=x", "?before=W10", "?after=WzEsMl0"])
def test_an_order_or_a_place_that_does_not_exist_is_not_found(tasks, query):
    with pytest.raises(Http404):
        ask(query).rows  # noqa: B018


def test_a_filter_that_makes_no_sense_shows_no_row_and_says_why(tasks):
    listing = ask("?state=lost")
    assert listing.rows == []
    assert "state" in listing.form.errors


def test_a_list_counts_exactly_up_to_its_bound(tasks, monkeypatch):
    assert ask().count == "10 tasks"
    assert ask("?q=task+2").count == "2 tasks"
    monkeypatch.setattr(listing_module, "COUNTED", 9)
    assert ask().count == "more than 9 tasks"


def test_each_filter_in_force_can_be_taken_out_alone(tasks):
    state, text = ask("?state=planned&q=Task+1&sort=name&after=").chips
    assert (state.label, state.value, state.without) == (
        "State",
        "Planned",
        "/tasks/?q=Task+1&sort=name",
    )
    assert text.without == "/tasks/?state=planned&sort=name"


def test_a_column_turns_its_order(tasks):
    assert ask().sorted_by("updated") == ("descending", "/tasks/?sort=updated")
    assert ask().sorted_by("name") == ("none", "/tasks/?sort=name")
    assert ask("?sort=name").sorted_by("name") == ("ascending", "/tasks/?sort=-name")


@pytest.mark.parametrize("format", FORMATS)
def test_an_export_has_every_row_in_the_order_of_the_page(tasks, format, monkeypatch):
    monkeypatch.setattr(listing_module, "CHUNK", 4)
    response = ask(f"?export={format}&sort=name&q=task").export(COLUMNS)
    text = whole(response).decode()
    names = [task.name for task in Task.objects.order_by("name", "pk")]
    match format:
        case "csv":
            rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
        case "json":
            rows = json.loads(text)
        case "ndjson":
            rows = [json.loads(line) for line in text.splitlines()]
        case "md":
            head, _, *lines = [line.strip("| ").split(" | ") for line in text.splitlines()]
            rows = [dict(zip(head, line, strict=False)) for line in lines]
    assert [row["name"] for row in rows] == names
    if format == "ndjson":
        moments = {task.updated_at.isoformat() for task in Task.objects.all()}
        assert {row["updated_at"] for row in rows} == moments


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("format", FORMATS)
def test_an_export_has_each_row_once_whatever_is_touched_meanwhile(format, connect, monkeypatch):
    for number in range(12):
        TaskFactory(name=f"Task number {number:02}.")
    monkeypatch.setattr(listing_module, "CHUNK", 4)
    before = {str(name) for name in Task.objects.values_list("name", flat=True)}
    writer = connect()
    columns = {**COLUMNS, "name": lambda task: touch(writer) and task.name}
    response = ask(f"?export={format}").export(columns)
    text = whole(response).decode()
    assert all(text.count(name) == 1 for name in before)
    assert "Added meanwhile" not in text


def touch(writer):
    """Change the row that comes last now, delete none, and add one."""
    writer.execute(
        "UPDATE tasks SET acceptance_criteria = acceptance_criteria || '.' WHERE task_id ="
        " (SELECT task_id FROM tasks ORDER BY updated_at, task_id LIMIT 1)"
    )
    writer.execute(
        "INSERT INTO tasks (wave_id, name, architecture_reference, qa_suite_location,"
        " acceptance_criteria, state) SELECT wave_id, 'Added meanwhile', '', '', '', 'planned'"
        " FROM waves LIMIT 1"
    )
    return True


def test_an_export_of_nothing_is_a_whole_document(db):
    listing = ask("?export=json")
    assert json.loads(whole(listing.export(COLUMNS))) == []


def test_a_format_that_does_not_exist_is_not_found(tasks):
    with pytest.raises(Http404):
        ask("?export=xls").export(COLUMNS)


@given(st.text())
def test_no_text_becomes_a_formula_in_a_spreadsheet(text):
    assert not cell(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert cell(text).removeprefix("'") == text.removeprefix("'")


@given(st.text())
def test_no_text_leaves_its_cell_of_a_table(text):
    plain = in_table(text).replace("\\\\", "")
    assert len(plain.splitlines()) <= 1
    assert plain.count("|") == plain.count("\\|")
