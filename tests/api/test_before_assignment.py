"""What a planned builder and a CI token may report before anybody has the task."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from builders.actions import assign_task, issue_ci_token, issue_token, revoke_token
from builders.models import CIIdempotencyKey, CIToken
from governance.gates import conditions
from governance.models import ArchitectureValidation, Evidence, QAExecution
from programs.models import Program, Task
from tests.factories import BuilderFactory, TaskFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.pooled]

RED = {"passing": 0, "failing": 3}
READY = {"validation_results": {"Interfaces": {"named": True}}}


class Asker:
    """A client with a token."""

    def __init__(self, token):
        self.token = token

    def ask(self, method, path, body=b"", **headers):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", **headers}
        return Client().generic(
            method, f"/api/{path}", content, content_type="application/json", headers=headers
        )

    def get(self, task):
        return self.ask("GET", f"tasks/{task.pk}")

    def post(self, what, task, body, **headers):
        return self.ask("POST", f"tasks/{task.pk}/{what}", body, **headers)


def rules(answer):
    return [error["rule"] for error in answer.json()["errors"]]


@pytest.fixture
def planned(wave):
    return TaskFactory(wave=wave, planned_builder="ui-builder")


@pytest.fixture
def ui(db):
    return Asker(issue_token(BuilderFactory(), by=None)[1])


@pytest.fixture
def api(db):
    return Asker(issue_token(BuilderFactory(builder_id="api-builder"), by=None)[1])


@pytest.fixture
def ci(db):
    return Asker(issue_ci_token("pipeline", by=None)[1])


# --- the planned builder --------------------------------------------------------------------------


def test_a_planned_builder_reads_its_task_and_what_assigning_it_asks(ui, planned):
    task = ui.get(planned).json()
    assert (task["planned_builder"], task["held_by"]) == ("ui-builder", None)
    unmet = {each["rule"]: each for each in task["assignment"] if not each["met"]}
    assert unmet.keys() == {"architecture_ready", "suite_red"}
    report = reverse("programs:task_report", args=[planned.pk])
    assert unmet["suite_red"]["remedy_path"] == report
    assert "Validate" in unmet["architecture_ready"]["remedy"]
    assert all(each["remedy"] == "" for each in task["assignment"] if each["met"])
    assert task["checklist"]["Readiness"] == ["no protected path is touched"]


def test_a_planned_builder_reports_the_first_run_before_it_has_the_task(ui, planned):
    answer = ui.post("qa-runs", planned, RED)
    assert (answer.status_code, answer.json()["qa_status"]) == (201, "RED")
    met = {each.rule: each.met for each in conditions(planned, Task.State.ASSIGNED)}
    assert met["suite_red"]
    assert Evidence.objects.get(action="qa_run_recorded").actor == "ui-builder"


def test_another_builder_neither_reads_nor_reports(api, planned):
    for answer in (api.get(planned), api.post("qa-runs", planned, RED)):
        assert (answer.status_code, rules(answer)) == (404, ["held_task"])
    assert not QAExecution.objects.exists()


def test_a_planned_builder_cannot_claim_or_escalate_before_it_has_the_task(ui, planned):
    assert rules(ui.post("claim", planned, {})) == ["held_task"]
    trouble = {"classification": "protected_path", "description": "It is closed."}
    assert rules(ui.post("escalation", planned, trouble)) == ["held_task"]


def test_a_planned_builder_whose_task_another_has_only_reads_it(ui, planned):
    other = BuilderFactory(builder_id="api-builder")
    assign_task(planned, other, by=None, override="a scene")
    assert rules(ui.post("qa-runs", planned, RED)) == ["held_task"]
    assert ui.get(planned).json()["held_by"] == "api-builder"


def test_the_program_says_whether_the_planned_builder_validates(ui, planned):
    answer = ui.post("validations", planned, READY)
    assert (answer.status_code, rules(answer)) == (403, ["validated_by"])
    assert not ArchitectureValidation.objects.exists()
    Program.objects.update(validated_by="builder")
    answer = ui.post("validations", planned, READY)
    assert (answer.status_code, answer.json()["validated_by"]) == (201, "ui-builder")


# --- CI tokens ------------------------------------------------------------------------------------


def test_a_ci_token_reports_and_reads_any_task_as_the_foreman_under_its_own_name(ci, planned):
    assert ci.post("qa-runs", planned, RED).status_code == 201
    assert ci.post("validations", planned, READY).json()["validated_by"] == "foreman"
    assert ci.get(planned).json()["suite"]["qa_status"] == "RED"
    for action in ("qa_run_recorded", "validation_recorded"):
        act = Evidence.objects.get(action=action)
        assert (act.actor, act.context["ci_token"]) == ("foreman", "pipeline")
    assert all(each.met for each in conditions(planned, Task.State.ASSIGNED))


def test_a_ci_token_may_nothing_else(ci, planned):
    beat = {"builder_id": "ui-builder", "status": "idle"}
    trouble = {"classification": "protected_path", "description": "It is closed."}
    answers = [
        ci.ask("POST", "heartbeat", beat),
        ci.ask("GET", "assignment"),
        ci.post("claim", planned, {}),
        ci.post("escalation", planned, trouble),
    ]
    for answer in answers:
        assert (answer.status_code, rules(answer)) == (403, ["builder_token"])


def test_a_ci_token_sees_no_task_outside_its_programs(planned):
    inside = Asker(issue_ci_token("own", programs=[planned.wave.program_id], by=None)[1])
    outside = Asker(issue_ci_token("other", programs=[], by=None)[1])
    assert inside.get(planned).status_code == 200
    assert inside.post("qa-runs", planned, RED).status_code == 201
    for answer in (
        outside.get(planned),
        outside.post("qa-runs", planned, RED),
        outside.post("validations", planned, READY),
    ):
        assert (answer.status_code, rules(answer)) == (404, ["task_in_reach"])
    assert QAExecution.objects.count() == 1


def test_a_ci_token_that_ended_or_was_revoked_is_none(planned):
    ended, text = issue_ci_token("brief", days=1, by=None)
    before = now() - timedelta(days=2)
    CIToken.objects.filter(pk=ended.pk).update(
        created_at=before, ends_at=before + timedelta(days=1)
    )
    assert rules(Asker(text).get(planned)) == ["valid_token"]
    revoked, text = issue_ci_token("gone", by=None)
    revoke_token(revoked, by=None)
    answer = Asker(text).get(planned)
    assert (answer.status_code, rules(answer)) == (401, ["valid_token"])


def test_a_ci_token_that_sends_a_run_twice_records_it_once(ci, planned):
    key = {"Idempotency-Key": "one"}
    first = ci.post("qa-runs", planned, RED, **key)
    again = ci.post("qa-runs", planned, RED, **key)
    assert (again.content, again.headers["Idempotent-Replay"]) == (first.content, "true")
    assert rules(ci.post("qa-runs", planned, {"passing": 1, "failing": 1}, **key)) == [
        "idempotency_key_used_once"
    ]
    assert (QAExecution.objects.count(), CIIdempotencyKey.objects.count()) == (1, 1)


def test_a_key_of_one_token_is_free_for_another(ci, planned):
    other = Asker(issue_ci_token("second", by=None)[1])
    for asker in (ci, other):
        answer = asker.post("qa-runs", planned, RED, **{"Idempotency-Key": "one"})
        assert "Idempotent-Replay" not in answer.headers
    assert QAExecution.objects.count() == 2


def test_issuing_and_revoking_a_ci_token_leave_evidence_without_its_secret(planned):
    program = planned.wave.program_id
    token, _ = issue_ci_token("own", programs=[program], by=None)
    everywhere, _ = issue_ci_token("pipeline", by=None)
    revoke_token(token, by=None)
    told = Evidence.objects.filter(action__startswith="ci_token").order_by("sequence")
    assert [(act.action, act.entity_id) for act in told] == [
        ("ci_token_issued", program),
        ("ci_token_issued", everywhere.pk),
        ("ci_token_revoked", program),
    ]
    assert told[0].context["snapshot"]["name"] == "own"
    assert not any("digest" in act.context["snapshot"] for act in told)


def test_that_a_ci_token_was_used_is_known_and_is_no_evidence(ci, planned):
    ci.get(planned)
    assert CIToken.objects.get().last_used_at
    assert Evidence.objects.filter(action__startswith="ci_token").count() == 1
