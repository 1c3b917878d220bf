"""The document of the API: whatever is sent finds its answer in it; and the page drawn from it."""

import html
import json
import re
import shlex
from uuid import UUID

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from django.urls import reverse

from builders.actions import ask_foreman, assign_task, issue_ci_token, issue_token
from foreman_office.api.docs import SOMETHING, example_path
from foreman_office.api.office_api import api
from foreman_office.reading import events
from tests.factories import BuilderFactory, TaskFactory, TaskLinkFactory

DOCUMENT = json.loads(json.dumps(api.get_openapi_schema(), default=str))

OPERATIONS = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]


@pytest.fixture(autouse=True)
def one_connection(monkeypatch):
    """Keep the test's own connection over its requests, as Django's client does."""
    monkeypatch.setattr(events, "close_old_connections", bool)
    monkeypatch.setattr(events, "LONGEST_SETTLING", 0)  # its own transaction stays under way
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def builder(db):
    return BuilderFactory()


@pytest.fixture
def token(builder):
    return issue_token(builder, by=None)[1]


@pytest.fixture
def held(builder):
    return assign_task(TaskFactory(), builder, by=None, override="a scene")


@pytest.fixture
def real(held, builder):
    """Return the ids that stand in addresses, by their parameters: what is asked for exists."""
    question = ask_foreman(held, question="Which?", options=["this", "that"], by=builder)
    link = TaskLinkFactory(task=held)
    ids = {"task_id": str(held.pk), "question_id": str(question.pk), "link_id": str(link.pk)}
    return {**ids, "agent": "claude-code"}


@pytest.fixture
def adapt(real):
    """Put real ids in the place of made up ones."""

    def adapt(case):
        for name, key in real.items():
            if is_uuid(case.path_parameters.get(name)):
                case.path_parameters[name] = key
        if is_stream := case.path.endswith("/events"):  # it would last as long as it is read
            case.query["seconds"] = 0
        return is_stream

    return adapt


@pytest.mark.slow
@pytest.mark.parametrize(
    "modes",
    [
        ["examples", "fuzzing"],
        # With the bounds of each field, which are most of the cases.
        pytest.param(["examples", "fuzzing", "coverage"], marks=pytest.mark.thorough),
    ],
)
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_whatever_is_sent_is_answered_as_the_document_says(path, method, modes, token, adapt):
    from tests.api import conformance  # which takes a second to import, and is wanted only here

    conformance.check(DOCUMENT, path, method, token, adapt, modes)


LISTS = ["programs", "waves", "tasks", "builders", "runs", "blockers", "decisions"]
OF_CI = [
    *(f"/api/{name}" for name in LISTS),
    "/api/tasks/{task_id}",
    "/api/tasks/{task_id}/qa-runs",
    "/api/tasks/{task_id}/validations",
]


@pytest.mark.slow
@pytest.mark.parametrize("path", OF_CI)
def test_a_ci_token_is_answered_as_the_document_says_too(path, adapt):
    from tests.api import conformance

    [method] = DOCUMENT["paths"][path]
    text = issue_ci_token("pipeline", by=None)[1]

    # The bounds of each field, which are most of the cases, are those that a builder has.
    some = [conformance.HypothesisTestMode.FUZZING]
    conformance.check(DOCUMENT, path, method, text, adapt, some)


def is_uuid(text):
    try:
        return bool(UUID(text))
    except (TypeError, ValueError, AttributeError):
        return False


def test_the_document_is_put_together_once_and_sent_where_it_is_not_known(client):
    address = reverse("api:openapi-json")
    first = client.get(address)
    assert first.json() == DOCUMENT
    assert api.get_openapi_schema() is api.get_openapi_schema()
    again = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def template_of(path):
    """Return the path of the document that an example follows."""
    paths = DOCUMENT["paths"]
    found, *_ = {each for each, way in OPERATIONS if example_path(each, paths[each][way]) == path}
    return found


# --- the page -------------------------------------------------------------------------------------


@pytest.fixture
def page(client):
    """Anybody may read it, and nothing is asked of the database for it."""
    answer = client.get(reverse("api_docs"))
    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    return answer.content.decode()


def test_the_page_has_every_operation_and_every_shape(page):
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            assert f"{method.upper()} {path}</code>" in page
            assert f'id="{operation["operationId"]}"' in page
            assert all(f"<code>{status}</code>" in page for status in operation["responses"])
    for name in DOCUMENT["components"]["schemas"]:
        assert f'id="shape-{name}"' in page


def test_every_link_of_the_page_leads_somewhere(page, client):
    ids = re.findall(r'\bid="([^"]+)"', page)
    links = re.findall(r'\bhref="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert all(link.startswith(("#", "/")) for link in links)
    assert client.get(reverse("api:openapi-json")).status_code == 200


def test_nothing_of_the_page_is_inline_or_from_elsewhere(page):
    assert not re.search(r"<script|<style|\bstyle=|\bon\w+=|src=\"http", page)


def test_every_example_is_taken_as_it_stands(page, token, real):
    commands = re.findall(r"<pre[^>]*><code>(curl .*?)</code></pre>", page, re.DOTALL)
    assert len(commands) == sum(len(methods) for methods in DOCUMENT["paths"].values())
    for command in commands:
        words = shlex.split(html.unescape(command))
        path = words[1].removeprefix("http://testserver")
        for name in re.findall(r"\{(\w+)\}", template_of(path)):
            path = path.replace(SOMETHING, real[name], 1)
        body = words[words.index("-d") + 1] if "-d" in words else ""
        answer = Client().generic(
            "POST" if body else "GET",
            path,
            body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.status_code in (200, 201, 409), command
        if answer.streaming:  # it would stay open
            request_finished.disconnect(close_old_connections)  # which the client has connected
            answer.close()
