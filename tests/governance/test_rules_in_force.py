"""The rules of a database are those of the release, and whatever was altered is named."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from foreman_office.database_roles.findings import altered_rights, findings_of_rules
from governance import rules_in_force
from governance.rules_in_force import (
    altered_rules,
    read_as_migrated,
    read_rules,
    rules_as_text,
    rules_fingerprint,
)
from kit.runtime.database_addresses import OFFICE, user_of
from tests.database import administrator, as_administrator
from tests.rules_in_force import dumped_functions, rules_of_database

pytestmark = pytest.mark.django_db

SILENT = "CREATE OR REPLACE FUNCTION public.governance_evidence() RETURNS trigger LANGUAGE plpgsql"
BODY = " AS 'BEGIN RETURN NULL; END'"

ALTERED = [
    (
        "DROP TRIGGER governance_evidence_updated ON tasks",
        "The trigger governance_evidence_updated on tasks is missing.",
    ),
    (
        "ALTER TABLE tasks DISABLE TRIGGER governance_tasks_gate",
        "The trigger governance_tasks_gate on tasks is disabled.",
    ),
    (
        "ALTER TABLE evidence_trail ENABLE REPLICA TRIGGER governance_evidence_trail_append_only",
        "The trigger governance_evidence_trail_append_only on evidence_trail is off but for"
        " replication.",
    ),
    (
        f"{SILENT} SECURITY DEFINER SET search_path = public, pg_temp{BODY}",
        "The function governance_evidence() was replaced (body).",
    ),
    (
        "ALTER FUNCTION governance_evidence() SECURITY INVOKER",
        "The function governance_evidence() runs with the rights of its caller.",
    ),
    (
        "ALTER FUNCTION governance_tasks_gate() SET search_path = other, public",
        "The function governance_tasks_gate() was replaced (settings: search_path=other, public).",
    ),
    (
        "CREATE OR REPLACE FUNCTION governance_names_tests(run uuid) RETURNS boolean"
        " LANGUAGE sql STABLE RETURN true",
        "The function governance_names_tests(run uuid) was replaced (body).",
    ),
    (
        "CREATE FUNCTION public.swallow() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN RETURN NULL; END'",
        "The function swallow() is none of this release.",
    ),
    (
        "CREATE TRIGGER aa BEFORE INSERT ON evidence_trail FOR EACH ROW"
        " EXECUTE FUNCTION governance_no_truncate()",
        "The trigger aa on evidence_trail is none of this release.",
    ),
    (
        "CREATE RULE silence AS ON INSERT TO evidence_trail DO INSTEAD NOTHING",
        "The rule silence on evidence_trail is none of this release.",
    ),
    (
        "CREATE POLICY none_of_it ON evidence_trail USING (false)",
        "The policy none_of_it on evidence_trail is none of this release.",
    ),
    (
        "ALTER TABLE evidence_trail FORCE ROW LEVEL SECURITY",
        "The table evidence_trail was replaced (row security: on).",
    ),
    (
        "ALTER TABLE qa_executions DROP CONSTRAINT qa_executions_status_follows_run",
        "The constraint qa_executions_status_follows_run on qa_executions is missing.",
    ),
    (
        "ALTER TABLE waves DISABLE TRIGGER ALL",
        "The constraint waves_program_id_fkey on waves is disabled.",
    ),
    (
        "DROP INDEX blockers_one_open_per_entity_and_classification",
        "The index blockers_one_open_per_entity_and_classification on blockers is missing.",
    ),
    (
        "ALTER TABLE tasks ALTER COLUMN state DROP NOT NULL",
        "The table tasks was replaced (columns).",
    ),
    (
        "CREATE TABLE public.slipped_in () INHERITS (qa_executions)",
        "The table qa_executions shows the rows of other tables too: slipped_in.",
    ),
    (
        "ALTER TABLE plan_notes RENAME TO hidden; CREATE VIEW public.plan_notes AS TABLE hidden",
        "The table plan_notes was replaced (kind: view).",
    ),
]


def test_the_file_says_what_the_migrations_make():
    stale = "The file is stale: run .venv/bin/python -m tests.migrations lock (make lock)."
    rules = rules_of_database(as_administrator)
    assert rules_in_force.RELEASE.read_text() == rules_as_text(rules), stale
    assert altered_rules() == []


def test_a_database_that_was_restored_has_the_same_rules():
    before = rules_fingerprint()
    for definition in dumped_functions():
        as_administrator(definition)
    assert read_rules() != read_as_migrated()
    assert altered_rules() == []
    assert rules_fingerprint() == before


@pytest.mark.parametrize(("statement", "sentence"), ALTERED, ids=[each[1] for each in ALTERED])
def test_what_was_altered_is_named(statement, sentence):
    before = rules_fingerprint()
    as_administrator(statement)
    assert sentence in altered_rules()
    assert rules_fingerprint() != before
    assert any(finding.msg.startswith(sentence) for finding in findings_of_rules())


def test_triggers_that_a_role_switches_off_are_named():
    office = user_of(OFFICE)
    as_administrator(f"ALTER ROLE {office} SET session_replication_role = 'replica'")
    assert altered_rules() == [
        f"The setting session_replication_role of role {office} switches triggers off."
    ]


def test_what_is_of_others_is_left_to_them():
    as_administrator("CREATE TABLE public.somebodys (key int PRIMARY KEY CHECK (key > 0))")
    assert altered_rules() == []


def test_a_foreign_owner_and_a_foreign_grant_are_named():
    as_administrator("CREATE ROLE somebody")
    as_administrator("GRANT INSERT ON evidence_trail TO somebody")
    as_administrator("ALTER TABLE waves OWNER TO somebody")
    named = " ".join(altered_rights())
    assert "somebody has INSERT on table public.evidence_trail." in named
    assert "table public.waves belongs to somebody" in named


@pytest.mark.django_db(transaction=True)
def test_the_command_names_every_altered_rule_and_still_replays(task):
    administrator().execute("ALTER TABLE tasks DISABLE TRIGGER governance_evidence_updated")
    administrator().execute("UPDATE tasks SET name = 'Another'")
    try:
        with pytest.raises(CommandError) as failed:
            call_command("replay_evidence", stdout=StringIO())
    finally:
        administrator().execute("ALTER TABLE tasks ENABLE TRIGGER governance_evidence_updated")
    assert f"task {task.pk}, name: the evidence has" in str(failed.value)
    assert "The trigger governance_evidence_updated on tasks is disabled." in str(failed.value)
