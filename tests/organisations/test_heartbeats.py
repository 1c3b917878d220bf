"""Heartbeats with tokens of two organisations: what is the other's is answered like nothing."""

import json
import re
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from django.test import Client

from builders import actions
from builders.models import Builder, Heartbeat
from programs.models import Organisation
from tests.factories import HeartbeatFactory, QuestionFactory
from tests.organisations.conftest import member_of

IDS_AND_TIMES = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)"
)
NOWHERE = UUID("00000000-0000-4000-8000-000000000000")


@pytest.fixture
def tokens(three):
    """A token of each organisation, and of the whole office, for the builder that works for b."""
    builder = three.b.builder

    def issued(organisation):
        return actions.issue_token(builder, organisation=organisation, by=None)[1]

    a, b = (
        Organisation.objects.get_or_create(pk=each.id, defaults={"name": each.name})[0]
        for each in (three.a, three.b)
    )
    return SimpleNamespace(a=issued(a), b=issued(b), whole=issued(None), builder=builder)


def beat(token, builder, task=None, **more):
    said = {"builder_id": builder.pk, "status": "active", "task_id": str(task) if task else None}
    response = Client().post(
        "/api/heartbeat",
        json.dumps(said | {key: str(value) for key, value in more.items()}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )
    text = IDS_AND_TIMES.sub("…", response.content.decode())
    return response.status_code, text, {**response.headers} | {"X-Request-ID": ""}


def test_a_task_of_another_organisation_is_no_task(three, tokens):
    seen = [beat(tokens.a, tokens.builder, task) for task in (three.b.task.pk, NOWHERE)]
    assert seen[0] == seen[1]
    assert seen[0][0] == 404
    assert "known_task" in seen[0][1]
    # An id that is used by a beat of the other changes nothing of that.
    used = Heartbeat.objects.filter(task=three.b.task).first().pk
    again = beat(tokens.a, tokens.builder, three.b.task.pk, heartbeat_id=used)
    assert again == seen[0]
    for token in (tokens.b, tokens.whole):
        assert beat(token, tokens.builder, three.b.task.pk)[0] == 201


def test_an_id_that_another_organisation_used_is_free(three, tokens):
    fresh = uuid4()
    for task in (three.a.task.pk, None):
        used = HeartbeatFactory(builder=tokens.builder, task=three.b.task, message="theirs")
        answers = [
            beat(tokens.a, tokens.builder, task, heartbeat_id=key, message="mine")
            for key in (used.pk, used.pk, fresh, fresh)
        ]
        assert {answer[:2] for answer in answers} == {answers[0][:2]}
        assert answers[0][0] == 201
        # Each is stored once, and its own sender may use its id for nothing else.
        assert Heartbeat.objects.filter(message="mine", task=task).count() == 2
        for key in (used.pk, fresh):
            other = beat(tokens.a, tokens.builder, task, heartbeat_id=key, message="other")
            assert other[0] == 409
        fresh = uuid4()
        used.refresh_from_db()
        assert used.message == "theirs"
    # A beat without a task, sent by both under one id, is two.
    for token, message in ((tokens.a, "one"), (tokens.b, "two"), (tokens.whole, "three")):
        assert beat(token, tokens.builder, heartbeat_id=fresh, message=message)[0] == 201
    assert Heartbeat.objects.filter(message__in=["one", "two", "three"]).count() == 3


def test_what_is_sent_is_told_under_the_id_that_it_was_sent_with(three, tokens):
    used = Heartbeat.objects.filter(task=three.b.task).get().pk
    response = Client().post(
        "/api/heartbeat",
        json.dumps({"builder_id": tokens.builder.pk, "status": "idle", "heartbeat_id": str(used)}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {tokens.a}"},
    )
    assert response.json()["heartbeat_id"] == str(used)


def test_a_builder_at_work_for_another_is_moved_by_no_beat(three, tokens):
    before = Builder.objects.filter(pk=tokens.builder.pk).values()[0]
    three.b.task.refresh_from_db()
    for task in (None, three.a.task.pk):
        status, *_ = beat(tokens.a, tokens.builder, task, message="stored")
        assert status == 201
    assert Builder.objects.filter(pk=tokens.builder.pk).values()[0] == before
    assert beat(tokens.b, tokens.builder, three.b.task.pk, message="stored")[0] == 201
    assert Builder.objects.get(pk=tokens.builder.pk).heard_at != before["heard_at"]
    # In one batch each is stored as if it were alone, in whatever order they are.
    heard = Builder.objects.get(pk=tokens.builder.pk).heard_at
    batch = [
        {"token_digest": "\\x" + actions.token_digest(token).hex(), "sent_builder": "qa-builder"}
        | {"sent_status": "idle", "sent_id": str(uuid4()), "sent_task": str(task)}
        for token, task in ((tokens.a, three.a.task.pk), (tokens.a, three.b.task.pk))
    ]
    rows = actions._store_in_batch.together([json.dumps(each) for each in batch])
    assert [row[0] for row in rows] == [None, "known_task"]
    builder = Builder.objects.get(pk=tokens.builder.pk)
    assert (builder.state, builder.heard_at) == ("active", heard)


def test_a_beat_belongs_to_its_tasks_organisation_and_one_without_a_task_to_the_office(
    three, tokens
):
    beat(tokens.whole, tokens.builder, three.b.task.pk, message="of a token of all")
    beat(tokens.a, tokens.builder, None, message="about nothing")
    beat(tokens.a, tokens.builder, three.a.task.pk, message="about its own")
    seen = {}
    for each in (three.a, three.b, three.itself):
        with member_of(each) as session:
            rows = session.execute("SELECT message FROM heartbeats WHERE message ~ 'about|all'")
            seen[each.name] = {text for (text,) in rows}
    assert seen == {
        "alpha": {"about its own"},
        "beta": {"of a token of all"},
        "omega": {"about nothing"},
    }


def test_answers_about_another_organisations_task_come_with_no_beat(three, tokens):
    question = QuestionFactory(task=three.b.task, builder=tokens.builder, question="Which?")
    actions.answer_question(question, answer="the secret one", by=None)
    for token, told in ((tokens.a, False), (tokens.b, True), (tokens.whole, True)):
        assert ("the secret one" in beat(token, tokens.builder)[1]) is told


def test_a_token_stays_with_its_organisation_and_its_evidence_says_which(
    three, tokens, sql, refuses
):
    for table in ("builder_tokens", "ci_tokens"):
        actions.issue_ci_token(
            "robot", organisation=Organisation.objects.get(pk=three.a.id), by=None
        )
        with refuses("builders_token_organisation_stays"):
            sql(f"UPDATE {table} SET organisation_id = %s", three.b.id)
    told = sql(
        "SELECT organisation_id, context #>> '{snapshot,organisation_id}' FROM evidence_trail"
        " WHERE action IN ('token_issued', 'ci_token_issued') ORDER BY sequence"
    )
    whole = (UUID(int=0), None)
    assert told == [
        (three.a.id, str(three.a.id)),
        (three.b.id, str(three.b.id)),
        whole,
        *[(three.a.id, str(three.a.id))] * 2,
    ]
    # Two are valid at a time for each organisation.
    organisation = Organisation.objects.get(pk=three.a.id)
    actions.issue_token(tokens.builder, organisation=organisation, by=None)
    with refuses("builders_builder_tokens_two_valid"):
        actions.issue_token(tokens.builder, organisation=organisation, by=None)
