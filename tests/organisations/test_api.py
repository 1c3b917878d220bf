"""The builders' API with tokens of two organisations: each is served what is its own."""

import json
import re
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.test import Client

from builders import actions
from builders.models import Builder
from programs.models import Organisation
from tests.api.caller import POSTS, TESTS, made_ready, run_of
from tests.factories import TaskFactory

IDS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NOWHERE = UUID("00000000-0000-4000-8000-000000000000")
JUNIT = b'<testsuite name="s"><testcase classname="c" name="one"/></testsuite>'
LISTS = ("programs", "waves", "tasks", "builders", "runs", "blockers", "decisions")


@pytest.fixture
def callers(three):
    """The tokens of a and b: for those who work for each, for one that is free, and for CI."""
    made = SimpleNamespace()
    for each in (three.a, three.b):
        organisation, _ = Organisation.objects.get_or_create(
            pk=each.id, defaults={"name": each.name}
        )
        tokens = {
            name: actions.issue_token(
                Builder.objects.get(pk=name), organisation=organisation, by=None
            )[1]
            for name in ("ui-builder", "qa-builder", "schema-builder")
        }
        tokens["ci"] = actions.issue_ci_token("robot", organisation=organisation, by=None)[1]
        setattr(made, each.name, tokens)
    return made


def ask(token, method, path, body=None, content_type="application/json", **headers):
    content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    return Client().generic(
        *(method, path, content if method == "POST" else b""),
        content_type=content_type,
        headers={"Authorization": f"Bearer {token}", **headers},
    )


def seen(response):
    return response.status_code, IDS.sub("…", response.content.decode())


def test_what_is_asked_about_another_organisations_task_is_answered_like_nothing(three, callers):
    posts = {
        **POSTS,
        "questions": {"question": "Which?"},
        "notes": {"text": "a note"},
        "links": {"kind": "log", "url": "https://example.org/", "label": "log"},
        f"questions/{NOWHERE}/withdrawal": {},
        f"links/{NOWHERE}/removal": {},
    }
    asked = [("POST", f"/{path}", body) for path, body in posts.items()]
    asked += [("GET", path, None) for path in ("", "/links", "/notes", "/questions")]
    for method, path, body in asked:
        for name in ("qa-builder", "ui-builder", "ci"):
            token = callers.alpha[name]
            answers = [
                seen(ask(token, method, f"/api/tasks/{task}{path}", body))
                for task in (three.b.task.pk, NOWHERE)
            ]
            assert answers[0] == answers[1], (name, method, path)
            assert answers[0][0] in (404, 403), (name, method, path)
        own = ask(callers.beta["qa-builder"], method, f"/api/tasks/{three.b.task.pk}{path}", body)
        assert own.status_code != 403, (method, path)


def test_lists_and_counts_hold_what_is_ones_own(three, callers):
    for path in LISTS:
        for name in ("qa-builder", "ui-builder", "ci"):
            text = ask(callers.alpha[name], "GET", f"/api/{path}").content.decode()
            assert "beta" not in text, (path, name)
            assert str(three.b.task.pk) not in text, (path, name)
    for path in ("tasks", "programs", "runs"):
        text = ask(callers.alpha["ci"], "GET", f"/api/{path}").content.decode()
        assert "alpha" in text, path
        assert "beta" in ask(callers.beta["ci"], "GET", f"/api/{path}").content.decode()
    stream = ask(callers.alpha["ci"], "GET", "/api/events?since=0-&seconds=0")
    told = b"".join(stream.streaming_content).decode()
    assert "alpha" in told
    assert " beta" not in told
    assert str(three.b.task.pk) not in told


def test_a_builder_at_work_for_another_organisation_is_told_no_more_than_that(three, callers):
    token = callers.alpha["qa-builder"]
    told = ask(token, "GET", "/api/assignment").json()
    assert told == {"builder_id": "qa-builder", "task": None, "next_heartbeat_due_at": None}
    refused = ask(token, "POST", "/api/next")
    assert (refused.status_code, refused.json()["errors"][0]["rule"]) == (409, "builder_idle")
    assert ask(token, "GET", "/api/builders").json()["builders"] == []
    start = {"hook_event_name": "SessionStart", "session_id": "1"}
    assert "No task is assigned" in ask(token, "POST", "/api/hooks/codex", start).content.decode()
    before = Builder.objects.filter(pk="qa-builder").values()[0]
    for event in ({"hook_event_name": "PreToolUse"}, {"hook_event_name": "Stop"}):
        assert (
            ask(token, "POST", "/api/hooks/codex", event | {"session_id": "1"}).status_code == 200
        )
    ahead = {"builder_id": "qa-builder", "status": "idle", "timestamp": "2999-01-01T00:00:00Z"}
    assert ask(token, "POST", "/api/heartbeat", ahead).status_code == 422
    assert Builder.objects.filter(pk="qa-builder").values()[0] == before


def test_the_work_on_a_task_goes_from_assignment_to_claim(three, callers, settings):
    """As members' role; nothing of it is refused for want of a right."""
    token, builder = callers.alpha["schema-builder"], Builder.objects.get(pk="schema-builder")
    wave = three.a.wave
    for entity in (wave.program, wave):
        type(entity).objects.filter(pk=entity.pk).update(state="in-progress")
    actions.note_heard(builder)
    task = made_ready(TaskFactory(wave=wave, name="mine", qa_suite_location="tests/mine"), builder)

    def tell(path, body=None, status=201, **more):
        response = ask(token, "POST", f"/api/{path}", body, **more)
        assert response.status_code == status, (path, response.content)
        return response

    assert ask(token, "GET", "/api/assignment?wait=1").json()["task"]["name"] == "mine"
    beat = {"builder_id": builder.pk, "task_id": str(task.pk), "status": "active"}
    tell("heartbeat", beat | {"usage": {"model": "m", "input_tokens": 5}, "progress_percentage": 9})
    of = f"tasks/{task.pk}"
    tell(f"{of}/validations", {"validation_results": {"interfaces": {"named": True}}})
    tell(f"{of}/qa-runs", run_of(TESTS[:1]))
    tell(f"{of}/qa-runs", JUNIT, content_type="application/xml", **{"Idempotency-Key": "k"})
    again = tell(f"{of}/qa-runs", JUNIT, content_type="application/xml", **{"Idempotency-Key": "k"})
    assert again.headers["Idempotent-Replay"] == "true"
    asked = tell(f"{of}/questions", {"question": "Which?"}).json()
    tell(f"{of}/questions/{asked['question_id']}/withdrawal", status=200)
    link = tell(
        f"{of}/links", {"kind": "log", "url": "https://example.org/", "label": "log"}
    ).json()
    tell(f"{of}/links/{link['link_id']}/removal", status=200)
    tell(f"{of}/notes", {"text": "a note"})
    tell(f"{of}/escalation", {"classification": "protected_path", "description": "no"})
    for path in ("", "/links", "/notes", "/questions"):
        assert ask(token, "GET", f"/api/{of}{path}").status_code == 200
    assert ask(token, "POST", "/api/next").json()["task"]["task_id"] == str(task.pk)
    for event in ("SessionStart", "PreToolUse", "Stop", "SessionEnd"):
        tell("hooks/claude-code", {"hook_event_name": event, "session_id": "1"}, 200)
    tell(f"{of}/claim", {"evidence_location": "s3://x"}, 409)
    # The same key of another organisation is another key.
    answer = ask(
        *(callers.beta["qa-builder"], "POST", f"/api/tasks/{three.b.task.pk}/notes"),
        *({"text": "b"},),
        **{"Idempotency-Key": "k"},
    )
    assert answer.status_code == 201


def test_the_same_over_mcp(three, callers):
    def call(token, tool, **arguments):
        said = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
        body = said | {"params": {"name": tool, "arguments": arguments}}
        response = ask(token, "POST", "/mcp", body, Accept="application/json, text/event-stream")
        return response.status_code, response.json()["result"]

    for token, is_error in (
        (callers.alpha["qa-builder"], True),
        (callers.beta["qa-builder"], False),
    ):
        _, told = call(token, "get_assignment")
        assert (told["structuredContent"]["task"] is None) is is_error
        for task in (three.b.task.pk, NOWHERE) if is_error else (three.b.task.pk,):
            _, told = call(
                token, "report_progress", message="m", progress_percentage=3, task_id=str(task)
            )
            assert told.get("isError", False) is is_error
    answers = [
        IDS.sub("…", json.dumps(call(callers.alpha["qa-builder"], tool, task_id=str(task), **more)))
        for tool, more in (("claim_completion", {}), ("ask_foreman", {"question": "Which?"}))
        for task in (three.b.task.pk, NOWHERE)
    ]
    assert answers[0] == answers[1]
    assert answers[2] == answers[3]


def test_a_ci_token_reports_about_its_organisations_tasks(three, callers):
    path = "/api/tasks/{}/qa-runs"
    for each, other in ((three.a, three.b), (three.b, three.a)):
        token = getattr(callers, each.name)["ci"]
        own = ask(token, "POST", path.format(each.spare.pk), run_of([]), **{"Idempotency-Key": "k"})
        assert own.status_code == 201, own.content
        assert ask(token, "POST", path.format(other.spare.pk), run_of([])).status_code == 404


def test_usage_is_counted_for_ones_own_tasks_alone(three, callers, sql):
    said = {
        "builder_id": "qa-builder",
        "status": "active",
        "usage": {"model": "m", "input_tokens": 7},
    }
    # Without a task in it a beat counts for the one that the builder had at its time.
    sql(
        "UPDATE builders SET assigned_at = now() - interval '1 hour'"
        " WHERE builder_id = 'qa-builder'"
    )
    for name in ("alpha", "beta"):
        assert (
            ask(getattr(callers, name)["qa-builder"], "POST", "/api/heartbeat", said).status_code
            == 201
        )
    counted = sql(
        "SELECT task_id, sum(amount) FROM usage_hours WHERE builder_id = 'qa-builder'"
        " AND amount > 1 GROUP BY 1"
    )
    assert dict(counted) == {None: 7, three.b.task.pk: 7}
