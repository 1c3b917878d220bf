"""The frame of the pages: login, themes, the favicon, errors."""

import pytest
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import reverse

from kit.web.unavailable import server_error
from tests.factories import (
    ProgramFactory,
    TaskFactory,
    UserFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.pooled]


def test_a_simulated_office_says_so(person, settings):
    assert "Simulation" not in person.get("/").text
    settings.FOREMAN_SIMULATION = True
    assert "Simulation" in person.get("/").text


def test_a_person_logs_in_and_out(client):
    UserFactory(username="maria")
    answer = client.post(
        reverse("login"), {"username": "maria", "password": "a password", "next": "/programs/"}
    )
    assert answer.url == "/programs/"
    assert client.post(reverse("logout")).url == reverse("login")
    assert client.get("/").status_code == 302


def test_a_wrong_password_is_told_without_telling_which(client):
    content = client.post(reverse("login"), {"username": "nobody", "password": "x"}).text
    assert 'role="alert"' in content
    assert "correct" in content


def test_a_login_never_leads_elsewhere(client):
    UserFactory(username="maria")
    answer = client.post(
        reverse("login"),
        {"username": "maria", "password": "a password", "next": "https://evil.example/"},
    )
    assert answer.url == reverse("inbox")


def test_a_part_asked_for_after_the_session_says_where_the_login_is(client):
    headers = {
        "HX-Request": "true",
        "HX-Target": "decisions",
        "HX-Current-URL": "http://testserver/programs/?page=2",
    }
    answer = client.get("/", headers=headers, follow=True)
    assert answer.status_code == 401
    assert f"{reverse('login')}?next=/programs/%3Fpage%3D2" in answer.text


def test_a_theme_is_kept_with_the_browser(person):
    answer = person.post(reverse("choice"), {"theme": "dark", "next": "/builders/"})
    assert answer.url == "/builders/"
    assert 'data-theme="dark"' in person.get("/").text
    person.post(reverse("choice"), {"theme": "system"})
    assert "data-theme=" not in person.get("/").text.split("<body")[0]


@pytest.mark.parametrize("theme", ["", "neon", '"><script>'])
def test_an_unknown_theme_is_refused(person, theme):
    assert person.post(reverse("choice"), {"theme": theme}).status_code == 400
    person.cookies["theme"] = theme
    assert "data-theme=" not in person.get("/").text.split("<body")[0]


def test_choosing_a_theme_is_not_a_way_out(person):
    answer = person.post(reverse("choice"), {"theme": "dark", "next": "https://evil.example/"})
    assert answer.url == "/"


def test_choosing_a_theme_by_get_is_not_allowed(person):
    assert person.get(reverse("choice")).status_code == 405


def test_an_unknown_address_says_what_to_do_in_the_frame(person):
    answer = person.get("/nowhere/")
    assert answer.status_code == 404
    assert "Page not found" in answer.text
    assert reverse("search") in answer.text
    assert 'id="lamps"' in answer.text


def test_a_stranger_is_shown_nothing_of_the_office_by_an_error(client):
    TaskFactory(state="failed")
    answer = client.get("/nowhere/")
    assert answer.status_code == 404
    assert 'id="lamps"' not in answer.text
    assert "<title>Page not found" in answer.text


def test_who_comes_to_an_act_by_its_address_is_told_that_nothing_was_decided(person):
    program = ProgramFactory(state="planned")
    answer = person.get(reverse("programs:program_approve", args=[program.pk]))
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert "Nothing was changed" in answer.text
    program.refresh_from_db()
    assert program.state == "planned"


def test_who_may_not_decide_is_told_so_in_the_frame(client):
    client.force_login(UserFactory(roles=["viewer"]))
    answer = client.post(reverse("builders:builder_resume", args=["ui-builder"]))
    assert answer.status_code == 403
    assert "You are not allowed to do this" in answer.text
    assert 'id="lamps"' in answer.text


def test_a_form_without_its_token_is_explained():
    person = Client(enforce_csrf_checks=True)
    person.force_login(UserFactory())
    answer = person.post(reverse("choice"), {"theme": "dark"})
    assert answer.status_code == 403
    assert "This form has expired" in answer.text


def test_the_error_page_needs_no_database(django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = server_error(RequestFactory().get("/"))
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text


def test_an_error_is_named_as_it_is_in_the_log(person, monkeypatch):
    def broken(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr("foreman_office.dashboard.inbox.views.unfinished_programs", broken)
    person.raise_request_exception = False
    answer = person.get("/", headers={"X-Request-ID": "monday-1"})
    assert answer.status_code == 500
    assert "500 · monday-1" in answer.text


def test_a_refusal_is_shown_with_its_sentence_and_rule():
    refusal = {"rule": "programs_task_moves", "message": "A planned task cannot become completed."}
    content = render_to_string("refused.html", {"refused": refusal})
    assert "A planned task cannot become completed." in content
    assert "programs_task_moves" in content
