"""Parts that are drawn once for several readers: who gets which, and how old they may be."""

import re
import time

import pytest
from django.test import Client
from django.urls import reverse

from kit.core.moment import MOMENT, this_moment
from kit.web import drawings, htmx, shared_parts
from kit.web.templatetags.sending import KEY_OF_ANYONE, TOKEN_OF_ANYONE
from tests.browser.pages import pages
from tests.browser.scene import furnish
from tests.dashboard.test_parts import LIVE
from tests.factories import BlockerFactory, TaskFactory, UserFactory

TASKS = reverse("programs:task_list")


@pytest.fixture
def kept(db, monkeypatch):
    """What this process has drawn, from here on."""
    kept = drawings.Drawings()
    monkeypatch.setattr(shared_parts, "drawings", kept)
    return kept


@pytest.fixture
def drawn(kept, monkeypatch):
    """The parts that were drawn, each time they were."""
    drawn = []

    def draw_parts(request, places, context):
        drawn.append(list(places))
        return draw(request, places, context)

    draw = htmx.draw_parts
    monkeypatch.setattr(htmx, "draw_parts", draw_parts)
    return drawn


def reader(**fields):
    client = Client(enforce_csrf_checks=True)
    client.force_login(UserFactory(**fields))
    return client


def ask(client, address, *parts, since=None):
    """Ask as a page does that shows what was read at a moment, by default a while ago."""
    headers = {"HX-Request": "true", "Foreman-Parts": " ".join(parts)}
    moment = this_moment()
    _, _, machine = moment.partition("-")
    return client.get(address, headers=headers | {MOMENT: since or f"{time.time() - 60}-{machine}"})


def token_in(html):
    return html.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]


def lasting(html):
    """What does not change with time alone."""
    return re.sub(r"\d+", "0", htmx.FLEETING.sub("", html))


def html_of(answer):
    assert answer.status_code == 200
    return "".join(part["html"] for part in answer.json().values())


def test_readers_with_the_same_rights_in_the_same_zone_share_a_drawing(drawn):
    BlockerFactory(entity=TaskFactory(state="in-progress"))
    one, other, viewer, distant = reader(), reader(), reader(roles=["viewer"]), reader()
    distant.cookies["zone"] = "Asia/Tokyo"
    first = ask(one, "/", "lamps", "decisions")
    assert ask(other, "/", "lamps", "decisions").json().keys() == first.json().keys()
    assert len(drawn) == 1
    assert "<form" in html_of(first)
    assert "<form" not in html_of(ask(viewer, "/", "lamps", "decisions"))
    assert html_of(ask(distant, "/", "lamps", "decisions")) != html_of(first)
    assert len(drawn) == 3


def test_the_frame_is_shared_by_all_pages_but_not_with_other_rights(drawn):
    one, viewer = reader(), reader(roles=["viewer"])
    ask(one, "/", "lamps", "headline")
    ask(one, TASKS, "lamps")
    ask(one, reverse("builders:builder_list"), "lamps", "builders")
    assert drawn == [["lamps", "headline"], ["builders"]]
    ask(viewer, TASKS, "lamps")
    assert drawn[2:] == [["lamps"]]


def test_a_drawing_is_shared_only_by_pages_that_show_nothing_newer(drawn):
    task = TaskFactory(state="in-progress")
    client = reader()
    before = this_moment()
    shown = html_of(ask(client, "/", "headline", since=before))
    BlockerFactory(entity=task)
    assert html_of(ask(client, "/", "headline", since=before)) == shown
    assert html_of(ask(client, "/", "headline", since=this_moment())) != shown
    # And what was drawn for one that was touched serves those that were not.
    ask(client, "/", "headline", since=before)
    assert len(drawn) == 2


def test_a_reader_is_not_shown_what_is_older_than_his_own_act(drawn):
    task = TaskFactory(state="in-progress")
    client, other = reader(), reader()
    address = task.get_absolute_url()
    form = html_of(ask(client, address, "notes", "gate", "questions"))
    said = {"text": "Mind the gap.", "csrfmiddlewaretoken": token_in(form)}
    address_of_notes = reverse("note_write", args=["task", task.pk])
    done = client.post(address_of_notes, said, headers={"HX-Request": "true"})
    assert done.status_code < 400
    ask(other, address, "notes")
    assert "Mind the gap." in html_of(ask(client, address, "notes", since=done[MOMENT]))


@pytest.mark.parametrize("said", ["", "nonsense", "1.0", "x-y", "1796143536.0-anothermachine"])
def test_a_page_that_says_no_moment_of_this_machine_shares_nothing(drawn, said):
    client = reader()
    headers = {"HX-Request": "true", "Foreman-Parts": "headline", MOMENT: said}
    assert client.get("/", headers=headers).status_code == 200
    assert client.get("/", headers=headers).status_code == 200
    assert len(drawn) == 2


def test_a_drawing_is_forgotten_after_a_second(drawn, kept, monkeypatch):
    client = reader()
    ask(client, "/", "headline")
    monkeypatch.setattr(drawings, "MOST_AGE", 0)
    ask(client, "/", "headline")
    ask(client, "/", "moving")
    assert len(drawn) == 3
    assert len(kept._newest) == 1


def test_what_is_personal_is_shared_by_the_pages_of_one_reader(drawn):
    one, other = reader(), reader()
    for client in (one, one, other):
        assert ask(client, "/", "lamps", "finished").json().keys() == {"lamps", "finished"}
    # The first drawing of all, perhaps of another test, finds out that one part is personal.
    assert drawn[0] in (["lamps", "finished"], ["lamps"])
    assert drawn[1:] == [["finished"], ["finished"]]


def test_saved_views_are_shown_to_their_owner_alone(drawn):
    TaskFactory()
    one, other = reader(), reader()
    given = {"name": "Annas own", "place": "programs:task_list", "query": "state=planned"}
    kept = one.post(
        reverse("saved_view_save"), given | {"csrfmiddlewaretoken": token_in(one.get(TASKS).text)}
    )
    assert kept.status_code < 400
    assert "Annas own" in html_of(ask(one, TASKS, "list"))
    assert "Annas own" not in html_of(ask(other, TASKS, "list"))
    assert "Annas own" in html_of(ask(one, TASKS, "list"))


@pytest.mark.slow
def test_each_live_part_of_each_page_is_what_its_reader_would_get_alone(kept):
    """And what is kept for others has no name, no token and no key of a form."""
    scene = furnish()
    names = ["annaliese-the-first", "bartholomew-the-second"]
    one, other = (reader(username=name) for name in names)
    forms = 0
    for page, address in pages(scene).items():
        live = LIVE.findall(one.get(address).text)
        if live in ([], ["lamps"]):
            continue
        headers = {"HX-Request": "true", "Foreman-Parts": " ".join(live)}
        alone = other.get(address, headers=headers).json()
        ask(one, address, *live)
        shared = ask(other, address, *live).json()
        after = other.get(address, headers=headers).json()
        for part in live:
            html = shared[part]["html"]
            mine = [lasting(answer[part]["html"]) for answer in (alone, after)]
            assert lasting(html) in mine, (page, part)
            # Who may decide sees the names of others where there is something to give them.
            assert (names[0] in html) == (names[0] in alone[part]["html"]), (page, part)
            assert TOKEN_OF_ANYONE not in html
            assert KEY_OF_ANYONE not in html
            forms += html.count('name="csrfmiddlewaretoken"')
        for drawing in kept._newest.values():
            said = "".join(part.html for part in drawing.parts.values())
            values = said.split('name="csrfmiddlewaretoken" value="')[1:]
            assert all(value.startswith(f'{TOKEN_OF_ANYONE}"') for value in values), page
    assert forms > 20
