"""What whoever owns the database can do past every rule, and by what it is noticed.

The table of docs/evidence.md ("What the owner of the database can do") is this one.
"""

from contextlib import nullcontext
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from builders.actions import assign_task, issue_token
from foreman_office.database_roles.findings import altered_rights
from governance.actions import claim_completion, record_qa_execution
from governance.models import Evidence, OfficeLogEntry
from governance.replay import Replay
from governance.rules_in_force import altered_rules
from governance.sealing import sealer
from governance.sealing.keys import key_file
from governance.sealing.notes import TreeHead, parted
from governance.sealing.record_check import rules_put_back
from governance.sealing.verifying import Verification
from kit.runtime.database_addresses import OFFICE, user_of
from programs.models import Task
from tests.database import as_administrator, without_triggers
from tests.factories import (
    ArchitectureValidationFactory,
    GovernanceViolationFactory,
    HeartbeatFactory,
    UserFactory,
)
from tests.governance.test_replayed_tables import told

pytestmark = pytest.mark.django_db

SEALED = "sealed_records, evidence_tree_nodes, evidence_checkpoints, evidence_keys"
REPLAY, RULES, RECORD, WITNESS = "replay", "rules", "record", "witness"
SEALS = {RECORD, WITNESS}
NOBODY = set()

OFF, ON = "past triggers", "with triggers"
FORGED = """
    INSERT INTO evidence_trail (entity_type, entity_id, action, actor, context, sequence, witnessed)
    SELECT entity_type, entity_id, 'approved_by_board', 'foreman', '{}',
        (SELECT max(sequence) FROM evidence_trail) + 1000, true
    FROM evidence_trail LIMIT 1
"""
CUT = """
    DELETE FROM evidence_trail WHERE sequence > (SELECT max(sequence) FROM sealed_records
        WHERE position < (SELECT size FROM evidence_checkpoints WHERE number = 1));
    DELETE FROM office_log WHERE sequence IN (SELECT sequence FROM sealed_records
        WHERE kind = 'office'
        AND position >= (SELECT size FROM evidence_checkpoints WHERE number = 1));
    DELETE FROM sealed_records
        WHERE position >= (SELECT size FROM evidence_checkpoints WHERE number = 1);
    DELETE FROM evidence_tree_nodes
        WHERE (index + 1) << level > (SELECT size FROM evidence_checkpoints WHERE number = 1);
    DELETE FROM evidence_checkpoints WHERE number > 1;
    UPDATE tasks SET name = 'First'
"""

ATTACKS = {
    "complete a task": (OFF, "UPDATE tasks SET state = 'completed'", {REPLAY}),
    "the same, and rewrite the evidence of it": (
        OFF,
        "UPDATE tasks SET acceptance_criteria = 'Done'; UPDATE evidence_trail SET context ="
        " jsonb_set(context, '{snapshot,acceptance_criteria}', '\"Done\"')"
        " WHERE entity_type = 'task' AND action = 'created'",
        SEALS,
    ),
    "rewrite who did it": (OFF, "UPDATE evidence_trail SET actor = 'qa-builder'", SEALS),
    "backdate everything": (
        OFF,
        "UPDATE evidence_trail SET timestamp = timestamp - interval '1 year'",
        SEALS,
    ),
    "take the mark of an override away": (
        OFF,
        "UPDATE evidence_trail SET context = context - 'override' WHERE context ? 'override'",
        SEALS,
    ),
    "delete a claim together with its evidence": (
        OFF,
        "DELETE FROM completion_claims; DELETE FROM evidence_trail WHERE action = 'claim_recorded'",
        SEALS,
    ),
    "delete evidence of the middle": (
        OFF,
        "DELETE FROM evidence_trail WHERE action = 'assigned'",
        {REPLAY, *SEALS},
    ),
    "delete the newest rows with their seals, and put the table back": (OFF, CUT, {WITNESS}),
    "delete what is not sealed yet, and put the table back": (
        OFF,
        "UPDATE tasks SET name = 'Second'; DELETE FROM evidence_trail"
        " WHERE sequence > (SELECT max(sequence) FROM sealed_records WHERE kind = 'evidence')",
        NOBODY,
    ),
    "forge witnessed evidence that is sealed like any other": (OFF, FORGED, NOBODY),
    "turn red runs green": (
        OFF,
        "UPDATE qa_executions SET qa_status = 'GREEN', passing_tests = total_tests,"
        " failing_tests = 0",
        {REPLAY},
    ),
    "change the tests of a run": (OFF, "UPDATE qa_test_results SET outcome = 'passed'", {REPLAY}),
    "delete violations": (OFF, "DELETE FROM governance_violations", {REPLAY}),
    "delete validations": (OFF, "DELETE FROM architecture_validations", {REPLAY}),
    "accept a claim": (OFF, "UPDATE completion_claims SET accepted = true", {REPLAY}),
    "exchange the digest of a token": (
        OFF,
        r"UPDATE builder_tokens SET digest = '\x01'",
        {REPLAY},
    ),
    "make a user a superuser": (OFF, "UPDATE auth_user SET is_superuser = true", {REPLAY}),
    "exchange the digest of a password": (OFF, "UPDATE auth_user SET password = 'x'", NOBODY),
    "change heartbeats": (OFF, "DELETE FROM heartbeats", NOBODY),
    "rewrite the office log": (OFF, "UPDATE office_log SET username = 'somebody'", SEALS),
    "change a leaf": (OFF, r"UPDATE sealed_records SET leaf_hash = sha256('\x01')", SEALS),
    "change a checkpoint": (OFF, "UPDATE evidence_checkpoints SET size = size + 1", SEALS),
    "replace a gate by one that agrees": (
        ON,
        "CREATE OR REPLACE FUNCTION public.governance_tasks_gate() RETURNS trigger LANGUAGE plpgsql"
        " SET search_path = public, pg_temp AS 'BEGIN RETURN NULL; END'",
        {RULES},
    ),
    "drop a trigger": (ON, "DROP TRIGGER governance_evidence_updated ON tasks", {RULES}),
    "disable a trigger": (ON, "ALTER TABLE tasks DISABLE TRIGGER governance_tasks_gate", {RULES}),
    "swallow evidence by a rule": (
        ON,
        "CREATE RULE silence AS ON INSERT TO evidence_trail DO INSTEAD NOTHING;"
        " UPDATE tasks SET name = 'Third'",
        {REPLAY, RULES},
    ),
    "switch triggers off for the office's role": (
        ON,
        f"ALTER ROLE {user_of(OFFICE)} SET session_replication_role = 'replica'",
        {RULES},
    ),
    "let another role write the evidence": (
        ON,
        f"GRANT INSERT ON evidence_trail TO {user_of(OFFICE)}",
        {RULES},
    ),
}


@pytest.fixture
def seal(settings, tmp_path):
    """Seal as the watcher does, in the transaction of the test, and return the note."""
    settings.FOREMAN_VAR = tmp_path

    def seal():
        office = user_of(OFFICE)
        more = "sealing_progress"
        as_administrator(f"GRANT INSERT, UPDATE ON {SEALED}, {more} TO {office}")
        note = sealer.seal(margin=timedelta(0)).checkpoint.note
        as_administrator(f"REVOKE INSERT, UPDATE ON {SEALED}, {more} FROM {office}")
        return note

    return seal


@pytest.fixture
def witnessed(task, builder, seal, sql):
    """An office that was sealed twice; return what a witness has."""
    UserFactory(username="johan")
    record_qa_execution(task, passing=0, failing=2, results=told("a", "b"), by=None)
    ArchitectureValidationFactory(task=task)
    GovernanceViolationFactory(task=task, resolution="Repaired.")
    issue_token(builder, by=None)
    assign_task(task, builder, by=None, override="A scene.")
    HeartbeatFactory(builder=builder, task=task)
    claim_completion(task, by=builder)
    Task.objects.update(name="First")
    notes = [seal()]
    Task.objects.update(name="Second")
    notes.append(seal())
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    assert noticed(notes) == NOBODY
    return notes


def noticed(notes):
    """Return what notices that something is not as it was."""
    found = {
        REPLAY: Replay().first_differences(),
        RULES: [*altered_rules(), *altered_rights()],
        RECORD: [*Verification().differences()],
        WITNESS: [*Verification(notes).differences()],
    }
    return {name for name, differences in found.items() if differences}


def test_what_the_owner_does_is_noticed(witnessed):
    told = {}
    for attack, (how, statements, _) in ATTACKS.items():
        with transaction.atomic():
            with without_triggers() if how == OFF else nullcontext():
                as_administrator(statements)
            told[attack] = noticed(witnessed)
            transaction.set_rollback(True)
    assert told == {attack: expected for attack, (*_, expected) in ATTACKS.items()}


def test_a_record_that_is_sealed_again_with_another_key_is_noticed_by_a_witness(
    witnessed, seal, settings
):
    settings.FOREMAN_RECORD_NAME = TreeHead.parsed(parted(witnessed[0])[0]).origin
    key_file().unlink()
    with without_triggers():
        as_administrator("UPDATE evidence_trail SET actor = 'qa-builder'")
        for table in (*SEALED.split(", "), "sealing_progress"):
            as_administrator(f"DELETE FROM {table}")
    seal()
    assert noticed(witnessed) == {WITNESS}


def test_rules_that_were_changed_and_put_back_are_noticed_between_two_checkpoints(
    witnessed, seal, task
):
    as_administrator("ALTER TABLE tasks DISABLE TRIGGER governance_tasks_gate")
    Task.objects.update(name="Third")
    seal()
    as_administrator("SET CONSTRAINTS ALL IMMEDIATE")
    as_administrator("ALTER TABLE tasks ENABLE TRIGGER governance_tasks_gate")
    Task.objects.update(name="Fourth")
    seal()
    [sentence] = rules_put_back()
    assert sentence.startswith("The rules were others after checkpoint 2, and at checkpoint 4")


def test_tokens_and_users_that_are_changed_with_triggers_leave_a_line(witnessed):
    last = Evidence.objects.latest("sequence").sequence
    logged = OfficeLogEntry.objects.latest("sequence").sequence
    as_administrator("UPDATE builder_tokens SET revoked_at = now()")
    as_administrator("UPDATE auth_user SET is_superuser = true WHERE username = 'johan'")
    assert Evidence.objects.get(sequence__gt=last).action == "token_revoked"
    assert OfficeLogEntry.objects.get(sequence__gt=logged).context["changes"] == {
        "is_superuser": [False, True]
    }
    assert User.objects.get(username="johan").is_superuser
