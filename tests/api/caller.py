"""A builder as a client of the API, and what it reports about its assigned task."""

import json

import pytest
from django.test import Client

from builders.actions import assign_task, issue_token
from foreman_office.reports import Result
from governance.actions import record_qa_execution, record_validation
from governance.models import QATestResult

# The office tells runs and beats apart by their times, and one transaction has only one time.
IN_REAL_TIME = [pytest.mark.django_db(transaction=True), pytest.mark.pooled]
TESTS = ["test_a_hold_expires", "test_a_seat_is_free", "test_two_at_once"]

# What may be reported about a task, and the least that each takes.
POSTS = {
    "qa-runs": {"passing": 0, "failing": 1},
    "claim": {},
    "escalation": {"classification": "protected_path", "description": "no"},
    "validations": {"validation_results": {"a": {"b": True}}},
}


def run_of(passing, **more):
    """Return a run of the suite as JSON: the tests named in `passing` pass, the others fail."""
    tests = [
        {"name": name, "outcome": "passed"}
        if name in passing
        else {"name": name, "outcome": "failed", "message": f"{name}: not yet"}
        for name in TESTS
    ]
    return {"passing": len(passing), "failing": len(TESTS) - len(passing), "tests": tests, **more}


def made_ready(task, builder):
    """Prepare a task for a builder, and assign it."""
    record_validation(task, validation_results={"interfaces": {"named": True}}, by=None)
    red = [Result(name, QATestResult.Outcome.FAILED) for name in TESTS]
    record_qa_execution(task, passing=0, failing=len(red), results=red, by=None)
    return assign_task(task, builder, by=None)


class Caller:
    """A client with a builder's token."""

    def __init__(self, builder):
        self.name = builder.pk
        self.token = issue_token(builder, by=None)[1]

    def ask(self, method, path, body=b"", content_type="application/json", key=None):
        headers = {"Authorization": f"Bearer {self.token}"}
        if key:
            headers["Idempotency-Key"] = key
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Client().generic(
            method, f"/api/{path}", content, content_type=content_type, headers=headers
        )

    def get(self):
        return self.ask("GET", "assignment").json()["task"]

    def beat(self, task, **more):
        body = {"builder_id": self.name, "task_id": str(task.pk), "status": "active", **more}
        answer = self.ask("POST", "heartbeat", body)
        assert answer.status_code == 201, answer.content

    def post(self, what, task, body, **more):
        return self.ask("POST", f"tasks/{getattr(task, 'pk', task)}/{what}", body, **more)


def unmet(answer):
    return {each["rule"] for each in answer.json()["conditions"] if not each["met"]}
