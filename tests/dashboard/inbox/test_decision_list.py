"""The list of all decisions: whole, filtered, in pages, as a file."""

import json
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now

from foreman_office.dashboard.inbox import decision_list
from tests.factories import (
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    TaskFactory,
    UserFactory,
)
from tests.scenes import make_silent

pytestmark = pytest.mark.django_db
ADDRESS = "/decisions/"
KEY = re.compile(r'<li class="decision" id="([^"]+)"')


@pytest.fixture
def person(client):
    client.force_login(UserFactory())
    return client


def keys(client, query=""):
    return KEY.findall(client.get(f"{ADDRESS}{query}").text)


def test_its_address_is_that_of_the_inbox_and_more(person):
    assert reverse("decisions") == ADDRESS
    assert "No decision waits, and nothing is broken" in person.get(ADDRESS).text


def test_everything_is_listed_what_is_broken_first(person):
    tasks = TaskFactory.create_batch(12, state="failed")
    make_silent()
    GovernanceViolationFactory(task=None, builder=BuilderFactory())
    found = keys(person)
    assert len(found) == 14
    assert {key.partition("-")[0] for key in found[:2]} == {"silent", "violation"}
    assert {f"failed-task-{task.pk}" for task in tasks} == set(found[2:])


def test_pages_together_hold_each_decision_once_and_lead_back(person, monkeypatch):
    monkeypatch.setattr(decision_list, "PAGE", 5)
    TaskFactory.create_batch(12, state="failed")
    make_silent()
    address, seen, before = ADDRESS, [], []
    while address:
        page = person.get(address).text
        seen.append(KEY.findall(page))
        address = next_page(page)
    assert [len(part) for part in seen] == [5, 5, 3]
    assert len({key for part in seen for key in part}) == 13
    before = KEY.findall(person.get(f"{ADDRESS}?{before_of(page)}").text)
    assert before == seen[1]


def next_page(page):
    found = re.search(
        r'href="([^"]*[?&;]after=[^"]*)"[^>]*rel="next"|rel="next"[^>]*href="([^"]*)"', page
    )
    return found and (found[1] or found[2]).replace("&amp;", "&")


def before_of(page):
    return re.search(r"before=[\w-]+", page)[0]


@pytest.mark.parametrize("mark", ["nonsense", "W10", "bnVsbA", "WzEsMl0"])
def test_a_position_that_makes_no_sense_is_not_found(person, mark):
    BlockerFactory()
    assert person.get(f"{ADDRESS}?after={mark}").status_code == 404


def test_filters_leave_what_they_name(person):
    failed = TaskFactory(state="failed", name="Chimney")
    blocker = BlockerFactory(entity=TaskFactory(name="Walls"))
    holder = make_silent()
    silent = f"silent-builder-{holder.pk}-{holder.current_task_id}"
    assert keys(person, "?band=broken") == [silent]
    assert silent not in keys(person, "?band=waiting")
    assert keys(person, "?kind=failed") == [f"failed-task-{failed.pk}"]
    assert keys(person, "?q=chim") == [f"failed-task-{failed.pk}"]
    program = blocker_program(blocker)
    assert keys(person, f"?program={program.pk}") == [
        f"blocker-task-{blocker.entity_id}-repeated_failures"
    ]
    assert "No decision matches" in person.get(f"{ADDRESS}?q=nothing+of+the+kind").text


def blocker_program(blocker):
    from programs.models import Program

    return Program.objects.get(waves__tasks=blocker.entity_id)


def test_by_age_the_oldest_is_first(person):
    young, old = (
        TaskFactory(state="failed", completed_at=now() - timedelta(days=days)) for days in (1, 9)
    )
    assert keys(person, "?sort=age") == [f"failed-task-{each.pk}" for each in (old, young)]


def test_the_list_is_exported_as_it_is_filtered(person):
    TaskFactory(state="failed", name="Chimney")
    BlockerFactory()
    rows = json.loads(person.get(f"{ADDRESS}?kind=failed&export=json").getvalue())
    assert [(row["kind"], row["entity"], row["band"]) for row in rows] == [
        ("failed", "Chimney", "waiting")
    ]


def test_a_list_asks_no_more_for_more_rows(person, django_assert_max_num_queries):
    TaskFactory.create_batch(3, state="failed")
    with django_assert_max_num_queries(24):
        person.get(ADDRESS)
    for _ in range(8):
        TaskFactory(state="failed")
        BlockerFactory(entity=TaskFactory())
    with django_assert_max_num_queries(24):
        person.get(ADDRESS)


def test_a_decision_is_made_on_the_list(person):
    blocker = BlockerFactory()
    page = person.get(ADDRESS).text
    assert reverse("governance:blocker_resolve", args=[blocker.pk]) in page


def test_one_who_reads_is_offered_nothing(client):
    client.force_login(UserFactory(roles=["viewer"]))
    BlockerFactory()
    page = client.get(ADDRESS).text
    assert "Blocker: repeated failures" in page
    assert 'class="offer"' not in page
