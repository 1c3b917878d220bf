"""What a live page asks for again: all parts that were touched at once, and what it has not yet."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from tests.browser.pages import pages
from tests.browser.scene import furnish
from tests.factories import BlockerFactory, TaskFactory, UserFactory

INBOX = ["lamps", "headline", "decisions", "moving", "finished", "programs"]
LIVE = re.compile(r'id="([\w-]+)" data-live="')


@pytest.fixture
def reader(client, db):
    client.force_login(UserFactory())
    return client


def ask(client, address, parts, known=()):
    headers = {"HX-Request": "true", "Foreman-Parts": " ".join(parts)}
    if known:
        headers["If-None-Match"] = ", ".join(known)
    return client.get(address, headers=headers)


def versions(answer):
    return {part: drawn["etag"] for part, drawn in answer.json().items()}


def test_all_that_was_touched_is_answered_at_once(reader):
    answer = ask(reader, "/", INBOX)
    assert list(answer.json()) == INBOX
    for part, drawn in answer.json().items():
        assert LIVE.search(drawn["html"])[1] == part
    assert "no-store" in answer["Cache-Control"]
    assert "Foreman-Parts" in answer["Vary"]


def test_the_lamps_bring_along_what_the_frame_counts(reader):
    drawn = ask(reader, "/", ["lamps"]).json()["lamps"]["html"]
    for place in ("due", "open-blockers", "open-violations", "watched"):
        assert f'id="{place}" hx-swap-oob="true"' in drawn


def test_what_the_page_has_already_is_left_out(reader):
    task = TaskFactory(state="in-progress", started_at=now())
    known = versions(ask(reader, "/", INBOX))
    assert ask(reader, "/", INBOX, known.values()).status_code == 304
    BlockerFactory(entity=task)
    changed = ask(reader, "/", INBOX, known.values()).json()
    assert {"lamps", "headline", "decisions"} <= changed.keys()
    assert "finished" not in changed


def test_a_version_of_one_part_is_none_of_another(reader):
    known = versions(ask(reader, "/", ["headline"]))
    assert ask(reader, "/", ["headline", "moving"], known.values()).json().keys() == {"moving"}


def test_what_several_parts_show_is_asked_once(reader):
    BlockerFactory(entity=TaskFactory(state="in-progress"))
    reader.get("/")
    with CaptureQueriesContext(connection) as page:
        reader.get("/")
    with CaptureQueriesContext(connection) as parts:
        ask(reader, "/", INBOX)
    assert len(parts) <= len(page)


def test_a_part_that_a_page_does_not_have_is_named(reader):
    answer = ask(reader, reverse("programs:program_list"), ["list", "decisions"])
    assert answer.status_code == 400


def test_a_page_whose_session_ended_stays_and_is_told_where_the_login_is(client, db):
    address = reverse("programs:program_list")
    headers = {"HX-Request": "true", "Foreman-Parts": "list"}
    headers["HX-Current-URL"] = f"http://testserver{address}?q=wall"
    answer = client.get(address, headers=headers, follow=True)
    assert answer.status_code == 401
    assert "HX-Redirect" not in answer
    assert 'href="/login/?next=/programs/%3Fq%3Dwall" target="_blank"' in answer.text


@pytest.mark.slow
def test_each_live_part_of_each_page_is_answered(reader):
    found = 0
    for name, address in pages(furnish()).items():
        live = LIVE.findall(reader.get(address).text)
        if live == ["lamps"] or not live:
            continue
        found += 1
        answer = ask(reader, address, live)
        assert answer.status_code == 200, name
        assert list(answer.json()) == live, name
    assert found > 15
