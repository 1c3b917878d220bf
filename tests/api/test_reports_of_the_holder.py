"""What all reports about a task have in common: who may send one, how, and that it is heard."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils.timezone import now

from builders.models import Builder
from foreman_office.reports import MAX_BYTES
from governance.models import Blocker, CompletionClaim, QAExecution
from governance.watch import declare_stalls
from tests.api.caller import IN_REAL_TIME, POSTS, made_ready, run_of
from tests.api.refusals import said
from tests.factories import BuilderFactory, TaskFactory

pytestmark = IN_REAL_TIME


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("qa-runs", run_of([])),
        ("claim", {}),
        ("escalation", {"classification": "protected_path", "description": "Not mine."}),
        ("validations", {"validation_results": {"documents": {"design": True}}}),
    ],
)
def test_every_report_is_a_sign_of_life_and_ends_a_stall(caller, held, path, body):
    long_ago = now() - timedelta(minutes=10)
    BuilderFactory(last_heartbeat=long_ago, assigned_at=long_ago)
    assert [stall.builder_id for stall in declare_stalls()] == ["ui-builder"]
    answer = caller.post(path, held, body)
    assert answer.status_code in (200, 201, 409), answer.content
    builder = Builder.objects.with_verdicts().get(pk="ui-builder")
    assert builder.state != "failed"
    assert builder.verdict != "silent"
    assert not Blocker.objects.open().filter(classification="builder_stall").exists()


def test_only_the_task_in_hand_can_be_spoken_of(caller, subtests):
    others = made_ready(TaskFactory(), BuilderFactory(builder_id="qa-builder"))
    for what, body in POSTS.items():
        with subtests.test(what=what):
            for task in (others.pk, uuid4()):
                answer = caller.post(what, task, body)
                assert (answer.status_code, said(answer)) == (404, [("task_id", "held_task")])
            assert (QAExecution.objects.count(), CompletionClaim.objects.count()) == (1, 0)
            assert caller.post(what, "no-id", body).status_code == 422


def test_a_token_is_asked_for(client, held, subtests):
    for what, body in POSTS.items():
        with subtests.test(what=what):
            answer = client.post(
                f"/api/tasks/{held.pk}/{what}", body, content_type="application/json"
            )
            assert (answer.status_code, said(answer)) == (401, [("Authorization", "valid_token")])


def test_nothing_but_a_post_is_taken(caller, held, subtests):
    for what in POSTS:
        with subtests.test(what=what):
            answer = caller.ask("GET", f"tasks/{held.pk}/{what}")
            assert (answer.status_code, said(answer)) == (405, [(None, "method_not_allowed")])


def test_a_body_that_is_too_large_is_refused_unread(caller, held):
    report = b" " * (MAX_BYTES + 1)
    for media in ("application/xml", "application/json"):
        answer = caller.post("qa-runs", held, report, content_type=media)
        assert (answer.status_code, said(answer)) == (413, [("body", "body_size")])
    answer = caller.post("claim", held, b" " * 70_000)
    assert (answer.status_code, said(answer)) == (413, [("body", "body_size")])


def test_a_body_of_another_kind_is_refused(caller, held):
    answer = caller.post("qa-runs", held, b"", content_type="text/html")
    assert (answer.status_code, said(answer)) == (415, [("Content-Type", "media_type")])
    answer = caller.post("claim", held, b"<a/>", content_type="application/xml")
    assert (answer.status_code, said(answer)) == (415, [("Content-Type", "json_only")])
