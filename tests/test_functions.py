"""Every function of the office is bound to the office's own names (docs/database.md)."""

import pytest

pytestmark = pytest.mark.django_db

OURS = """
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS (
        SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
"""
# They write what the office's role may not, the trail and what triggers keep; or they look past
# row level security: at what a row is about, and at a rule of which a member sees only a part.
DEFINERS = {
    "builders_busy_elsewhere",
    "builders_heartbeats_apply",
    "builders_keep_minutes",
    "governance_assignee_decides",
    "governance_badge_evidence",
    "governance_builders_hold_their_task",
    "governance_ci_token_evidence",
    "governance_count_refusal",
    "governance_evidence",
    "governance_follow_test_results",
    "governance_keep_latest_runs",
    "governance_keep_test_names",
    "governance_keep_suite_turns",
    "governance_log_access",
    "governance_log_handover",
    "governance_log_keys",
    "governance_log_notifications",
    "governance_log_organisations",
    "governance_note_absences",
    "governance_note_office",
    "governance_organisation_filled",
    "governance_organisation_stays",
    "governance_program_moved",
    "governance_prune_known_tests",
    "governance_record_evidence",
    "governance_record_remarks",
    "governance_thin_runs",
    "governance_token_evidence",
    "programs_keep_texts",
    "programs_open_import",
    "programs_programs_organisation",
    "programs_waves_dependencies",
}


def test_a_function_looks_into_temporary_tables_last_or_is_parsed_when_it_is_created(sql):
    loose = sql(
        f"SELECT proname {OURS} AND prosqlbody IS NULL"
        " AND proconfig IS DISTINCT FROM ARRAY['search_path=public, pg_temp']"
    )
    assert loose == []


def test_what_runs_for_the_owner_is_listed_and_granted_to_nobody(sql):
    assert {name for (name,) in sql(f"SELECT proname {OURS} AND prosecdef")} == DEFINERS
    granted = sql(
        f"SELECT proname {OURS} AND prosecdef AND EXISTS (SELECT FROM"
        " aclexplode(coalesce(proacl, acldefault('f', proowner))) AS acl WHERE acl.grantee = 0)"
    )
    assert granted == []


def test_no_row_that_a_function_returns_is_spelled_out(sql):
    """A parsed body keeps the columns of its day: `SELECT row.*` would break with the next one."""
    returning = sql(
        f"SELECT proname, pg_get_function_sqlbody(oid) {OURS} AND prosqlbody IS NOT NULL"
        " AND prorettype IN (SELECT reltype FROM pg_class WHERE relkind = 'r')"
    )
    assert returning
    for name, body in returning:
        assert "SELECT run.*::" in body or "SELECT run.execution_id" not in body, name
