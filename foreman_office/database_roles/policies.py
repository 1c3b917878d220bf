"""The policies of row level security: members of an organisation see and write what is its own.

The office and upkeep see all rows of all tables, and so does a role that only reads for reports
(`pg_read_all_data`). Policies name roles, whose names differ between offices, so they are applied
where grants are, and no office is blind between a migration and that.
"""

from typing import NamedTuple

from kit.core.row_security import ITSELF

# Asked once for each statement, and not for each row.
ASKED = "( SELECT current_user_org_id() AS current_user_org_id)"
OWN = f"(organisation_id = {ASKED})"


class Policy(NamedTuple):
    """A policy of a table for members, as PostgreSQL writes it down."""

    name: str
    command: str  # ALL, SELECT, INSERT, UPDATE or DELETE
    using: str = ""
    check: str = ""


# The specification's own, by its name.
ISOLATION = Policy("org_isolation", "ALL", OWN, OWN)
SEEN = Policy("org_isolation", "SELECT", OWN)

OF_THE_OFFICE_ITSELF = f"((organisation_id IS NULL) AND ({ASKED} = '{ITSELF}'::uuid))"
OF_PROGRAMS = (
    ISOLATION,
    Policy("office_itself", "ALL", OF_THE_OFFICE_ITSELF, OF_THE_OFFICE_ITSELF),
)
# A shared builder is there for whose task it holds, and for all while it has none.
FREE_OR_OWN = (
    "((current_task_id IS NULL) OR (EXISTS ( SELECT FROM tasks"
    " WHERE (tasks.task_id = builders.current_task_id))))"
)
OF_BUILDERS = (
    Policy("free_or_own", "SELECT", FREE_OR_OWN),
    Policy("taken_or_let_go", "UPDATE", FREE_OR_OWN, FREE_OR_OWN),
)
# All see that a builder is paused; people of the office pause it.
BY_THE_OFFICE = f"({ASKED} = '{ITSELF}'::uuid)"
OF_PAUSES = (
    Policy("org_isolation", "SELECT", "true"),
    Policy("office_itself", "ALL", BY_THE_OFFICE, BY_THE_OFFICE),
)
# The records of a staged import go with it.
STAGED = "(staged_import_id IN ( SELECT staged_imports.import_id FROM staged_imports))"
OF_STAGED_RECORDS = (Policy("org_isolation", "ALL", STAGED, STAGED),)

# A message goes with what it tells of.
TOLD = "(delivery_id IN ( SELECT deliveries.delivery_id FROM deliveries))"
OF_TOLD_NOTICES = (Policy("org_isolation", "ALL", TOLD, TOLD),)

# A session of an agent is known by the hours in which it was used for tasks of one's own.
USED = (
    "(EXISTS ( SELECT FROM usage_hours"
    " WHERE (usage_hours.usage_session_id = usage_sessions.usage_session_id)))"
)
OF_USED_SESSIONS = (Policy("org_isolation", "SELECT", USED),)
ARRIVED = (
    "(EXISTS ( SELECT FROM usage_hours"
    " WHERE (usage_hours.usage_hour_id = usage_arrivals.usage_hour_id)))"
)
OF_ARRIVALS = (Policy("org_isolation", "SELECT", ARRIVED),)

# A key that a builder or a CI system chose is kept with the organisation before it.
KEYED = f"starts_with(key, (({ASKED})::text || ' '::text))"
OF_KEYS = (Policy("org_isolation", "ALL", KEYED, KEYED),)

WRITTEN_BY_MEMBERS = {
    *("waves", "tasks", "plan_notes", "task_links", "task_notes", "task_questions", "import_turns"),
    *("blockers", "governance_violations", "architecture_validations", "qa_executions"),
    *("qa_test_results", "qa_paired_tests", "completion_claims", "agent_stops", "badge_keys"),
    *("budgets", "entity_notes", "heartbeats", "usage_hours", "notices", "staged_imports"),
    *("builder_tokens", "ci_tokens"),
    *("saved_views", "sent_forms", "notification_channels", "notification_rules", "deliveries"),
    "django_admin_log",
}
# What functions of the owner write. Evidence is added by nobody else, and never changed.
SEEN_BY_MEMBERS = {
    *("evidence_trail", "plan_texts", "known_tests", "qa_latest_runs", "qa_suite_turns"),
    *("qa_thinned_runs", "heartbeat_minutes", "office_log"),
    # Made by the office.
    *("organisations", "organisation_members"),
}
POLICIES: dict[str, tuple[Policy, ...]] = {
    "programs": OF_PROGRAMS,
    "builders": OF_BUILDERS,
    "builder_pauses": OF_PAUSES,
    "staged_records": OF_STAGED_RECORDS,
    "delivery_notices": OF_TOLD_NOTICES,
    "usage_sessions": OF_USED_SESSIONS,
    "idempotency_keys": OF_KEYS,
    "ci_idempotency_keys": OF_KEYS,
    "usage_arrivals": OF_ARRIVALS,
    **dict.fromkeys(WRITTEN_BY_MEMBERS, (ISOLATION,)),
    **dict.fromkeys(SEEN_BY_MEMBERS, (SEEN,)),
}
WHOLE_OFFICE = Policy("whole_office", "ALL", "true", "true")


def member_policies(table: str) -> tuple[Policy, ...]:
    """Return the policies of a table for members; none if they have no right on it."""
    return POLICIES.get(table, ())
