"""The inbox, and what belongs to every page: the frame, the door, the theme, errors."""

from datetime import timedelta

import pytest
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils.timezone import now

from builders.models import Builder
from foreman_office.kit.acts import act
from programs.models import Task
from tests.factories import (
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    HeartbeatFactory,
    ProgramFactory,
    TaskFactory,
    UserFactory,
    WaveFactory,
)

pytestmark = pytest.mark.django_db

PARTS = ["headline", "decisions", "builders", "running", "programs", "evidence"]


@pytest.fixture
def person(client):
    client.force_login(UserFactory(username="johan"))
    return client


def part(client, target):
    headers = {"HX-Request": "true", "HX-Target": target}
    return client.get(reverse("inbox"), headers=headers)


def make_silent(name="integration-builder"):
    task = TaskFactory(state="in-progress", name="Reconnect")
    builder = BuilderFactory(builder_id=name, current_task=task)
    since = now() - timedelta(minutes=5)
    Builder.objects.filter(pk=name).update(last_heartbeat=since, assigned_at=since)
    return builder


def test_a_stranger_is_sent_to_the_login(client):
    response = client.get("/")
    assert response.url == f"{reverse('login')}?next=/"


def test_an_empty_office_is_all_clear(person):
    content = person.get("/").text
    assert "<title>Inbox" in content
    assert "All clear" in content
    assert "Nothing is running" in content
    assert "No program is under way" in content


def test_what_needs_attention_comes_first_and_is_counted_in_the_title(person):
    make_silent()
    BlockerFactory(entity=WaveFactory(name="Roof"))
    GovernanceViolationFactory(violation_type="protected path")
    TaskFactory(state="failed", name="Chimney")
    content = person.get("/").text
    assert "<title>(4) Inbox" in content
    assert "4 decisions wait for you" in content
    for words in ("Silent builder", "Blocker: repeated", "protected path", "Failed task"):
        assert words in content
    assert content.index("Silent builder") < content.index("Running now")


def test_running_tasks_show_builder_and_progress(person):
    TaskFactory(
        state="in-progress", assigned_builder="qa-builder", progress_percentage=37, name="Masonry"
    )
    content = part(person, "running").text
    assert "Masonry" in content
    assert "qa-builder" in content
    assert "37 %" in content


def test_active_programs_come_before_planned_and_completed_ones_stay_away(person):
    ProgramFactory(name="A planned one", state="planned")
    ProgramFactory(name="B active one")
    ProgramFactory(name="C finished one", state="completed")
    content = part(person, "programs").text
    assert content.index("B active one") < content.index("A planned one")
    assert "C finished one" not in content


def test_evidence_is_told_in_sentences_and_imports_are_left_out(person, admin_user):
    with act(None, **{"import": "sample.yaml"}):
        TaskFactory(name="From a history")
    task = TaskFactory(name="Masonry", state="in-progress")
    with act(admin_user):
        Task.objects.filter(pk=task.pk).update(state="failed")
    content = part(person, "evidence").text
    assert "in-progress → failed" in content
    assert "Masonry" in content
    assert admin_user.username in content
    assert "From a history" not in content


@pytest.mark.parametrize("target", PARTS)
def test_a_part_is_the_element_that_asked(person, target):
    make_silent()
    alone = part(person, target).text
    assert alone.count(f'id="{target}"') == 1
    assert "<html" not in alone


def test_the_lamps_bring_the_count_along(person):
    make_silent()
    alone = part(person, "lamps").text
    assert alone.count('class="lamp"') == 5
    assert 'id="due" hx-swap-oob="true">1' in alone


def test_inbox_asks_no_more_for_more_rows(person, django_assert_max_num_queries):
    for _ in range(4):
        wave = WaveFactory()
        for task in TaskFactory.create_batch(3, wave=wave, state="in-progress"):
            BlockerFactory(entity=task)
        BlockerFactory(entity=wave)
        BlockerFactory(entity=wave.program)
        GovernanceViolationFactory(task=task)
        TaskFactory(wave=wave, state="failed")
        HeartbeatFactory(task=task)
    with django_assert_max_num_queries(32):
        person.get("/")


def test_reading_writes_nothing(person):
    make_silent()
    person.get("/")  # the session is there from here on
    before = list(Builder.objects.values())
    with CaptureWrites() as writes:
        person.get("/")
    assert writes == []
    assert list(Builder.objects.values()) == before


class CaptureWrites(list):
    """Collect the statements that change something."""

    def __enter__(self):
        from django.db import connection

        self.wrapped = connection.execute_wrapper(self.notice)
        self.wrapped.__enter__()
        return self

    def __exit__(self, *exception):
        self.wrapped.__exit__(*exception)

    def notice(self, execute, sql, params, many, context):
        if sql.split(maxsplit=1)[0].upper() in {"INSERT", "UPDATE", "DELETE"}:
            self.append(sql)
        return execute(sql, params, many, context)


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


def test_a_part_asked_for_after_the_session_sends_its_page_to_the_login(client):
    headers = {
        "HX-Request": "true",
        "HX-Target": "decisions",
        "HX-Current-URL": "http://testserver/programs/?page=2",
    }
    answer = client.get("/", headers=headers, follow=True)
    assert answer.headers["HX-Redirect"] == f"{reverse('login')}?next=/programs/%3Fpage%3D2"


def test_a_theme_is_kept_with_the_browser(person):
    answer = person.post(reverse("theme"), {"theme": "dark", "next": "/builders/"})
    assert answer.url == "/builders/"
    assert 'data-theme="dark"' in person.get("/").text
    person.post(reverse("theme"), {"theme": "system"})
    assert "data-theme=" not in person.get("/").text.split("<body")[0]


@pytest.mark.parametrize("theme", ["", "neon", '"><script>'])
def test_an_unknown_theme_is_refused(person, theme):
    assert person.post(reverse("theme"), {"theme": theme}).status_code == 400
    person.cookies["theme"] = theme
    assert "data-theme=" not in person.get("/").text.split("<body")[0]


def test_choosing_a_theme_is_not_a_way_out(person):
    answer = person.post(reverse("theme"), {"theme": "dark", "next": "https://evil.example/"})
    assert answer.url == "/"


def test_choosing_a_theme_by_get_is_not_allowed(person):
    assert person.get(reverse("theme")).status_code == 405


def test_an_unknown_address_says_what_to_do(person):
    answer = person.get("/nowhere/")
    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.text


def test_a_form_without_its_token_is_explained():
    person = Client(enforce_csrf_checks=True)
    person.force_login(UserFactory())
    answer = person.post(reverse("theme"), {"theme": "dark"})
    assert answer.status_code == 403
    assert "This form has expired" in answer.text


def test_the_error_page_needs_no_database(django_assert_num_queries):
    from django.views.defaults import server_error

    with django_assert_num_queries(0):
        answer = server_error(RequestFactory().get("/"))
    assert answer.status_code == 500
    assert "Something went wrong" in answer.content.decode()


def test_a_refusal_is_shown_with_its_sentence_and_rule():
    refusal = {"rule": "programs_task_moves", "message": "A planned task cannot become completed."}
    content = render_to_string("refused.html", {"refused": refusal})
    assert "A planned task cannot become completed." in content
    assert "programs_task_moves" in content
