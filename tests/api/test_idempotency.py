"""A request that is sent again under its key is done once and answered alike."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils.timezone import now

from builders.models import IdempotencyKey
from builders.retention import prune_idempotency_keys
from governance.models import CompletionClaim, Evidence, QAExecution
from tests.api.caller import IN_REAL_TIME, POSTS, TESTS, Caller, made_ready, run_of
from tests.api.refusals import said
from tests.factories import BuilderFactory, TaskFactory

pytestmark = IN_REAL_TIME


@pytest.mark.parametrize(("what", "body"), POSTS.items())
def test_a_request_sent_again_under_its_key_is_answered_alike(caller, held, what, body):
    caller.beat(held)
    first = caller.post(what, held, body, key="one")
    evidence = Evidence.objects.count()
    again = caller.post(what, held, body, key="one")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert "Idempotent-Replay" not in first.headers
    assert again.headers["Idempotent-Replay"] == "true"
    assert Evidence.objects.count() == evidence


def test_an_accepted_claim_is_answered_again_when_the_hands_are_empty(caller, held):
    caller.beat(held)
    caller.post("qa-runs", held, run_of(TESTS))
    for _ in range(2):
        answer = caller.post("claim", held, {"evidence_location": "evidence/a.md"}, key="done")
        assert answer.status_code == 200
    assert CompletionClaim.objects.count() == 1
    assert caller.post("claim", held, {}).status_code == 404


def test_a_key_stands_for_one_request(caller, held):
    caller.post("qa-runs", held, run_of([]), key="one")
    for what, body in (("qa-runs", run_of(TESTS)), ("claim", {})):
        answer = caller.post(what, held, body, key="one")
        assert (answer.status_code, said(answer)) == (409, [(None, "idempotency_key_used_once")])
    assert CompletionClaim.objects.count() == 0


def test_a_key_is_its_builders_own(caller, held):
    caller.post("qa-runs", held, run_of([]), key="one")
    other = BuilderFactory(builder_id="qa-builder")
    task = made_ready(TaskFactory(), other)
    assert "Idempotent-Replay" not in Caller(other).post("claim", task, {}, key="one").headers


def test_what_left_nothing_may_be_sent_again_under_its_key(caller, held):
    assert caller.post("qa-runs", uuid4(), run_of([]), key="one").status_code == 404
    assert caller.post("qa-runs", held, {}, key="one").status_code == 422
    assert caller.post("qa-runs", held, run_of([]), key="one").status_code == 201


def test_a_key_is_printable_and_short(caller, held, subtests):
    for key in ["a b", "x" * 201, "é"]:
        with subtests.test(key=key):
            answer = caller.post("claim", held, {}, key=key)
            assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (
                422,
                "string_pattern_mismatch",
            )


def test_of_ten_at_once_one_acts_and_all_are_answered_alike(caller, held):
    caller.beat(held)

    def send(_):
        try:
            return caller.post("qa-runs", held, run_of([]), key="one")
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(send, range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replay" in answer.headers for answer in answers) == 9
    assert QAExecution.objects.count() == 2


def test_old_keys_go_and_young_ones_stay(caller, held):
    caller.post("qa-runs", held, run_of([]), key="old")
    caller.post("qa-runs", held, run_of([]), key="young")
    old = IdempotencyKey.objects.filter(key="old")
    old.update(created_at=now() - timedelta(days=3))
    assert prune_idempotency_keys() == 1
    assert [key.key for key in IdempotencyKey.objects.all()] == ["young"]
