"""Fixtures of the API's tests: a builder that sends requests."""

import json

import pytest

from builders import actions
from governance.models import QAExecution
from tests.api.caller import Caller, made_ready
from tests.api.proof import Work


@pytest.fixture
def token(builder):
    return actions.issue_token(builder, by=None)[1]


@pytest.fixture
def post(client, token):
    """Send a heartbeat, or another request, as the builder does."""

    def post(body, content_type="application/json", **headers):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}", **headers}
        return client.generic(
            "POST", "/api/heartbeat", content, headers=headers, CONTENT_TYPE=content_type
        )

    return post


@pytest.fixture
def beat():
    """Return the smallest valid heartbeat."""
    return {"builder_id": "ui-builder", "status": "active"}


@pytest.fixture
def work(task, builder):
    """A task assigned to a builder; its red run was reported in counts."""
    work = Work(task, builder)
    QAExecution.objects.create(
        task=task,
        qa_suite_location=task.qa_suite_location,
        total_tests=1,
        passing_tests=0,
        failing_tests=1,
        skipped_tests=0,
        qa_status="",
    )
    work.give()
    return work


@pytest.fixture
def held(task, builder):
    return made_ready(task, builder)


@pytest.fixture
def caller(builder):
    return Caller(builder)
