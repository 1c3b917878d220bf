"""The evidence is found by what it says: exactly, by pages, and whole as a file."""

import json

import pytest
from django.urls import reverse

from foreman_office.dashboard.evidence import text_search
from governance.models import Evidence
from kit.core.acts import act
from programs.models import Task
from tests.factories import BlockerFactory, TaskFactory

pytestmark = [pytest.mark.django_db, pytest.mark.pooled]
LIST = "governance:evidence_list"


def listed(client, **query):
    answer = client.get(reverse(LIST), query)
    assert answer.status_code == 200
    return [row.sequence for row in answer.context["listing"].rows]


def numbers(**fields):
    rows = Evidence.objects.filter(**fields).order_by("-timestamp", "-sequence")
    return [*rows.values_list("sequence", flat=True)]


@pytest.fixture
def task(db):
    task = TaskFactory(name="Masonry", state="in-progress")
    BlockerFactory(entity=task, description="Die Größe fehlt in src/a/b.py::Foo")
    with act(None, override="agreed with 画面 team"):
        Task.objects.filter(pk=task.pk).update(state="failed")
    return task


@pytest.mark.parametrize("typed", ["größe", "GRÖß", "a/b.py", "::foo", "fehlt größ", "größe src/"])
def test_the_acts_are_found_by_any_part_of_what_they_say(person, task, typed):
    raised = numbers(action="blocker_raised")
    assert listed(person, q=typed) == raised


def test_reasons_are_found(person, task):
    assert listed(person, q="画面") == numbers(context__override="agreed with 画面 team")


def test_other_filters_hold_too(person, task):
    of = f"task:{task.pk}"
    assert listed(person, q="größe", of=of) == numbers(action="blocker_raised")
    assert listed(person, q="größe", actor="ui-builder") == []


def test_a_snippet_shows_where_it_is_and_escapes_it(person):
    BlockerFactory(description="Before <i>zanzibar</i> after")
    text = person.get(reverse(LIST), {"q": "<i>zanz"}).text
    assert "Before <mark>&lt;i&gt;zanz</mark>ibar&lt;/i&gt; after" in text
    assert "<i>zanz" not in text


def test_a_word_that_is_too_short_is_refused_by_name(person, task):
    text = person.get(reverse(LIST), {"q": "ab"}).text
    assert "Text: Enter a word of three letters or more." in text


def test_of_very_many_acts_the_newest_are_listed_and_a_file_has_all(person, monkeypatch):
    monkeypatch.setattr(text_search, "MOST", 4)
    for _ in range(6):
        BlockerFactory(description="zanzibar")
    every = numbers(action="blocker_raised")
    assert listed(person, q="zanzibar") == every[:4]
    answer = person.get(reverse(LIST), {"q": "zanzibar", "export": "ndjson"})
    rows = b"".join(answer.streaming_content).decode().splitlines()
    assert [json.loads(row)["sequence"] for row in rows] == every
