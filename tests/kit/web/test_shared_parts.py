"""One drawing for those who ask together, and none for what is personal."""

import json
import time
from threading import Event, Thread

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django_htmx.middleware import HtmxDetails

from kit.core.moment import MACHINE, MOMENT, known_moment, seconds_of, this_moment
from kit.web.drawings import Drawings, Part
from kit.web.htmx import DrawnParts
from kit.web.shared_parts import shares_parts
from kit.web.shared_request import AnyReader, PersonalError, Rights, SharedRequest
from tests.races import PATIENCE

RIGHTS = Rights(is_superuser=False, is_staff=False, role_names=frozenset({"viewer"}))


def together(count, do):
    """Run a function in so many threads, and return what each returned or raised."""
    results = []

    def run():
        try:
            results.append(do())
        except ZeroDivisionError as error:
            results.append(error)

    threads = [Thread(target=run, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads, results


def test_of_those_who_ask_together_one_draws():
    kept, begun, go_on, drawn = Drawings(), Event(), Event(), []

    def draw(drawing):
        begun.set()
        assert go_on.wait(PATIENCE)
        drawn.append(drawing)
        drawing.parts = {"lamps": Part("1", "<nav>")}

    threads, results = together(5, lambda: kept.take("key", 0, draw))
    assert begun.wait(PATIENCE)
    go_on.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert results == drawn * 5
    assert len(drawn) == 1


def test_where_the_one_who_draws_fails_the_others_draw_for_themselves():
    kept, begun, go_on, tries = Drawings(), Event(), Event(), []

    def draw(drawing):
        tries.append(drawing)
        if len(tries) == 1:
            begun.set()
            assert go_on.wait(PATIENCE)
            raise ZeroDivisionError
        drawing.parts = {"lamps": Part("1", "<nav>")}

    first, results = together(1, lambda: kept.take("key", 0, draw))
    assert begun.wait(PATIENCE)
    others, _ = waiting = together(3, lambda: kept.take("key", 0, draw))
    go_on.set()
    for thread in [*first, *others]:
        thread.join(PATIENCE)
    assert [type(each) for each in results] == [ZeroDivisionError]
    assert all(drawing.parts for drawing in waiting[1])
    assert len(waiting[1]) == 3
    assert kept.take("key", time.time(), draw).parts


def test_a_drawing_that_began_before_the_moment_is_drawn_again():
    kept = Drawings()

    def draw(drawing):
        drawing.parts = {"lamps": Part("1", "<nav>")}

    first = kept.take("key", 0, draw)
    assert kept.take("key", first.began, draw) is first
    assert kept.find("key", first.began) is first
    assert kept.find("key", first.began + 0.0001) is None
    newer = kept.take("key", first.began + 0.0001, draw)
    assert newer is not first
    kept.offer("key", first)
    assert kept.take("key", 0, draw) is newer


@pytest.mark.parametrize(
    "use",
    [
        lambda request: request.user.pk,
        lambda request: request.user.get_username(),
        lambda request: str(request.user),
        lambda request: request.user == AnonymousUser(),
        lambda request: {request.user},
        lambda request: request.session.get("anything"),
        lambda request: request.session["anything"],
        lambda request: "anything" in request.session,
        lambda request: request.COOKIES.get("zone"),
        lambda request: list(request._messages),
        get_token,
    ],
)
def test_who_uses_something_personal_in_the_name_of_several_is_told(rf, use):
    request = rf.get("/", headers={"Cookie": "zone=UTC; csrftoken=secret", "Authorization": "x"})
    request.resolver_match = None
    shared = SharedRequest(request, "lamps", AnyReader(RIGHTS))
    with pytest.raises(PersonalError):
        use(shared)
    assert "secret" not in str(shared.META)
    assert "Authorization" not in shared.headers


def asking(rf, user, *, cookie=""):
    headers = {"HX-Request": "true", "Foreman-Parts": "a b", MOMENT: f"0-{MACHINE}"}
    request = rf.get(f"/{time.monotonic_ns()}", headers=headers | {"Cookie": cookie})
    request.user, request.resolver_match = user, None
    request.htmx = HtmxDetails(request)
    return request


class Reader:
    is_active = is_authenticated = True
    is_superuser = is_staff = False
    pk = 1


def test_a_view_that_uses_cookies_is_shared_by_nobody_and_soon_not_tried(rf):
    calls = []

    @shares_parts
    def view(request):
        calls.append(type(request))
        return HttpResponse(request.COOKIES["zone"])

    for _ in range(2):
        answer = view(asking(rf, Reader(), cookie="zone=UTC"))
        assert answer.text == "UTC"
    assert calls.count(SharedRequest) == 2  # for all, then for one reader
    assert len(calls) == 4


def test_what_is_of_one_snapshot_is_drawn_together_for_whomever(rf):
    calls = []

    @shares_parts
    def view(request):
        calls.append(request.headers["Foreman-Parts"])
        revision = str(len(calls))
        parts = {name: Part(name + revision, name + revision) for name in calls[-1].split()}
        if isinstance(request.user, AnyReader):
            parts.pop("b", None)
        response = DrawnParts(parts)
        response.headers["Foreman-Revision"] = revision
        return response

    answer = view(asking(rf, Reader()))
    assert {part["html"] for part in json.loads(answer.text).values()} == {"a2", "b2"}
    assert answer["Foreman-Revision"] == "2"
    assert calls == ["a b", "a b"]


def test_a_moment_is_that_of_one_machine():
    before = time.time()
    moment = this_moment()
    assert before - 0.001 <= known_moment(moment) == seconds_of(moment) <= time.time() + 0.001
    assert known_moment(moment.replace(MACHINE, "anothermachine")) is None
    assert known_moment("") is known_moment("nan") is known_moment(f"x-{MACHINE}") is None
