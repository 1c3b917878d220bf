"""The inbox, and what belongs to every page: the frame, the door, the theme, errors."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils.timezone import now

from builders.models import Builder
from foreman_office.kit.acts import act
from foreman_office.kit.unavailable import server_error
from governance.actions import resolve_blocker
from governance.models import Watcher
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

LONG_AGO = now() - timedelta(minutes=5)
INBOX_QUERIES = 26
PARTS = ["headline", "decisions", "moving", "finished", "programs"]


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
    assert "Nothing is under way" in content
    assert "Nothing has finished" in content
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
    assert content.index("Silent builder") < content.index("Moving now")


def test_running_tasks_show_builder_and_progress(person):
    TaskFactory(
        state="in-progress", assigned_builder="qa-builder", progress_percentage=37, name="Masonry"
    )
    content = part(person, "moving").text
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


def test_what_a_builder_holds_moves_with_its_last_words_and_leads_to_why(person):
    builder = make_silent()
    HeartbeatFactory(
        builder=builder, task=builder.current_task, message="Rebasing", timestamp=LONG_AGO
    )
    content = part(person, "moving").text
    assert "“Rebasing”" in content
    assert "silent" in content
    assert reverse("governance:why", args=["builder", builder.pk]) in content


@pytest.mark.parametrize("target", PARTS)
def test_a_part_is_the_element_that_asked(person, target):
    make_silent()
    alone = part(person, target).text
    assert alone.count(f'id="{target}"') == 1
    assert "<html" not in alone


def finished(client, visit=""):
    client.cookies["visit"] = visit
    return part(client, "finished").text


def complete(name, ended):
    """Have a task completed, and the trail say that it was at that time."""
    task = TaskFactory(name=name, state="in-progress")
    with act(None, override="the scene"):
        Task.objects.filter(pk=task.pk).update(state="completed", completed_at=ended)
    move_evidence(task, ended)


def move_evidence(task, moment):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        task.wave.program.evidence.update(timestamp=moment)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def seconds(ago):
    return int((now() - ago).timestamp())


def test_what_finished_since_the_last_visit_is_told_and_nothing_older(person):
    complete("Chimney", now() - timedelta(hours=30))
    complete("Masonry", now() - timedelta(hours=3))
    ended, seen = timedelta(hours=5), timedelta(minutes=2)
    told = finished(person, f"{seconds(ended)}.{seconds(seen)}")
    assert "Since your last visit" in told
    assert "Masonry" in told
    assert "1 task completed" in told
    assert "Chimney" not in told


def test_half_an_hour_of_absence_ends_a_visit(person):
    complete("Masonry", now() - timedelta(hours=3))
    two_hours, five_hours = seconds(timedelta(hours=2)), seconds(timedelta(hours=5))
    assert "Nothing has finished" in finished(person, f"{five_hours}.{two_hours}")
    assert "Masonry" in finished(person, f".{five_hours}")


@pytest.mark.parametrize(
    "visit", ["", "nonsense", "1.2.3", "-5.-5", ".99999999999", "9999999999.9999999999"]
)
def test_without_a_visit_that_makes_sense_the_last_day_is_told(person, visit):
    complete("Chimney", now() - timedelta(hours=30))
    complete("Masonry", now() - timedelta(hours=3))
    told = finished(person, visit)
    assert "In the last 24 hours" in told
    assert "Masonry" in told
    assert "Chimney" not in told


def test_without_a_visit_an_older_login_is_taken(person):
    get_user_model().objects.update(last_login=now() - timedelta(hours=40))
    complete("Chimney", now() - timedelta(hours=30))
    told = finished(person)
    assert "Since you logged in" in told
    assert "Chimney" in told


def test_what_was_given_up_and_resolved_has_finished_too(person, admin_user):
    task = TaskFactory(state="in-progress")
    blocker = BlockerFactory(entity=TaskFactory())
    with act(admin_user):
        Task.objects.filter(pk=task.pk).update(state="failed")
    resolve_blocker(blocker, resolution_action="Suite repaired", by=admin_user)
    told = finished(person)
    assert "1 task given up" in told
    assert "1 blocker resolved" in told
    assert admin_user.username in told


def test_an_inbox_that_is_cut_leads_to_the_rest(person, monkeypatch):
    TaskFactory.create_batch(3, state="failed")
    assert "most costly of" not in part(person, "decisions").text
    monkeypatch.setattr("governance.decisions.LISTED", 2)
    told = part(person, "decisions").text
    assert "The 2 most costly of 3 are here" in told
    assert f"{reverse('programs:task_list')}?state=failed" in told


def test_the_lamps_bring_the_count_along(person):
    make_silent()
    alone = part(person, "lamps").text
    assert alone.count('class="lamp"') == 5
    assert re.search(r'id="due"[^>]*data-tone="failed"[^>]*>1<', alone)
    assert "[&quot;silent builder&quot;, &quot;silent builders&quot;, 1, [" in alone


def test_the_rail_counts_what_is_open_up_to_a_bound(person, monkeypatch):
    BlockerFactory.create_batch(3)
    GovernanceViolationFactory()
    page = person.get("/").text
    assert re.search(r'id="open-blockers"[^>]*>4<', page)  # the violation raised its own
    assert re.search(r'id="open-violations"[^>]*>1<', page)
    monkeypatch.setattr("foreman_office.places.COUNTED", 2)
    assert re.search(r'id="open-blockers"[^>]*>2\+<', person.get("/").text)


@pytest.mark.parametrize(
    ("scene", "shown"),
    [
        (lambda: None, "done"),
        (lambda: BlockerFactory(), "blocked"),
        (lambda: TaskFactory(state="failed"), "failed"),
    ],
)
def test_the_favicon_shows_the_worst_also_without_script(person, scene, shown):
    Watcher.objects.create(host="here", pid=1, period=timedelta(minutes=1))
    scene()
    assert re.search(rf'href="/static/img/favicon-{shown}\.[^"]*svg"', person.get("/").text)


def test_the_favicon_shows_that_nobody_watches(person):
    assert re.search(r'href="/static/img/favicon-failed\.', person.get("/").text)


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
    with django_assert_max_num_queries(INBOX_QUERIES):
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
    assert "There is nothing at this address" in answer.text
    assert reverse("search") in answer.text
    assert 'id="lamps"' in answer.text


def test_a_stranger_is_shown_nothing_of_the_office_by_an_error(client):
    TaskFactory(state="failed")
    answer = client.get("/nowhere/")
    assert answer.status_code == 404
    assert 'id="lamps"' not in answer.text
    assert "<title>Not found" in answer.text


def test_who_comes_to_an_act_by_its_address_is_told_that_nothing_was_decided(person):
    program = ProgramFactory(state="planned")
    answer = person.get(reverse("programs:program_approve", args=[program.pk]))
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert "Nothing was decided" in answer.text
    program.refresh_from_db()
    assert program.state == "planned"


def test_who_may_not_decide_is_told_so_in_the_frame(client):
    client.force_login(UserFactory(roles=["viewer"]))
    answer = client.post(reverse("builders:builder_resume", args=["ui-builder"]))
    assert answer.status_code == 403
    assert "You may not do this" in answer.text
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

    monkeypatch.setattr("foreman_office.views.unfinished_programs", broken)
    person.raise_request_exception = False
    answer = person.get("/", headers={"X-Request-ID": "monday-1"})
    assert answer.status_code == 500
    assert "500 · monday-1" in answer.text


def test_a_refusal_is_shown_with_its_sentence_and_rule():
    refusal = {"rule": "programs_task_moves", "message": "A planned task cannot become completed."}
    content = render_to_string("refused.html", {"refused": refusal})
    assert "A planned task cannot become completed." in content
    assert "programs_task_moves" in content
