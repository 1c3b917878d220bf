"""The document of the API: whatever is sent finds its answer in it; and the page drawn from it."""

import html
import json
import re
import shlex
from uuid import UUID

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from builders.actions import assign_task, issue_token
from foreman_office.api import api
from foreman_office.api_docs import SOMETHING
from tests.factories import BuilderFactory, TaskFactory

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    ignored_auth,
    unsupported_method,
]
DOCUMENT = json.loads(json.dumps(api.get_openapi_schema(), default=str))
schema = schemathesis.openapi.from_dict(DOCUMENT)
schema.app = WSGIHandler()


@pytest.fixture(autouse=True)
def one_connection():
    """Keep the test's own connection over its requests, as Django's client does."""
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


@schema.parametrize()
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_whatever_is_sent_is_answered_as_the_document_says(case, token, held):
    if is_uuid(case.path_parameters.get("task_id")):
        case.path_parameters["task_id"] = str(held.pk)
    case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)


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


def test_every_example_is_taken_as_it_stands(page, token, held):
    commands = re.findall(r"<pre[^>]*><code>(curl .*?)</code></pre>", page, re.DOTALL)
    assert len(commands) == sum(len(methods) for methods in DOCUMENT["paths"].values())
    for command in commands:
        words = shlex.split(html.unescape(command))
        path = words[1].removeprefix("http://testserver").replace(SOMETHING, str(held.pk))
        body = words[words.index("-d") + 1] if "-d" in words else ""
        answer = Client().generic(
            "POST" if body else "GET",
            path,
            body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.status_code in (200, 201, 409), (command, answer.content)
