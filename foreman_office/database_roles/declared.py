"""What each role of the database may do: the owner migrates, the others serve and watch.

A table that is not named here may be read and written by the office and read by upkeep. A member of
an organisation has rights on the tables that have policies for it (`policies`), and on few others.
"""

from typing import NamedTuple

from django.db import connection

from foreman_office.database_roles.policies import member_policies
from kit.runtime.database_addresses import (
    MEMBER,
    OFFICE,
    OWNER,
    UPKEEP,
    has_member,
    has_owner,
    user_of,
)

READ = frozenset({"SELECT"})
WRITE = READ | {"INSERT", "UPDATE", "DELETE"}

# Written by triggers and functions of the owner alone, whoever causes it.
KEPT_BY_FUNCTIONS = {
    *("evidence_trail", "office_absences", "office_log", "plan_texts", "known_tests"),
    *("qa_latest_runs", "qa_suite_turns", "qa_thinned_runs", "heartbeat_minutes"),
}
# Written by the owner alone.
KEPT_BY_THE_OWNER = {"django_migrations", "import_transactions"}

# The sealed record, which the watcher adds to. The office shows it.
KEPT_BY_UPKEEP = {
    "sealed_records",
    "evidence_tree_nodes",
    "evidence_checkpoints",
    "evidence_keys",
    "sealing_progress",
    "witness_progress",
}

# What the watcher writes and removes, also by the functions and triggers that run in its name.
WRITTEN_BY_UPKEEP = {
    "builders": {"UPDATE"},
    "tasks": {"UPDATE"},
    "waves": {"UPDATE"},
    "programs": {"UPDATE"},
    "blockers": {"INSERT", "UPDATE"},
    "builder_pauses": {"UPDATE"},
    "budgets": {"UPDATE"},
    "watchers": {"INSERT", "UPDATE", "DELETE"},
    "heartbeats": {"DELETE"},
    "idempotency_keys": {"DELETE"},
    "ci_idempotency_keys": {"DELETE"},
    "agent_stops": {"DELETE"},
    "usage_points": {"DELETE"},
    "usage_series": {"DELETE"},
    "sent_forms": {"DELETE"},
    "staged_imports": {"DELETE"},
    "office_sessions": {"DELETE"},
    "login_attempts": {"DELETE"},
    "sealed_records": {"INSERT"},
    "evidence_tree_nodes": {"INSERT"},
    "evidence_checkpoints": {"INSERT"},
    "evidence_keys": {"INSERT"},
    "sealing_progress": {"INSERT", "UPDATE"},
    "witness_progress": {"INSERT", "UPDATE"},
    # Notices, their messages, and the queue of these; finished jobs are deleted by a trigger too.
    "notices": {"INSERT", "UPDATE", "DELETE"},
    "deliveries": {"INSERT", "UPDATE", "DELETE"},
    "delivery_notices": {"INSERT", "DELETE"},
    "procrastinate_jobs": {"INSERT", "DELETE"},
    "procrastinate_events": {"INSERT"},
    "procrastinate_periodic_defers": {"UPDATE"},
}

# What belongs to no organisation, and members read.
READ_BY_MEMBERS = {
    "django_content_type",
    "office_absences",
    "watchers",
    "import_transactions",
    *KEPT_BY_UPKEEP,
}

# A sequence of no table: the order in which runs and validations were recorded.
NUMBERS_TAKEN_BY_ALL = {"governance_recorded"}

# Functions of the owner that the office and upkeep may call. All others that run with the owner's
# rights are called by triggers alone.
CALLED_BY_ALL = {
    "builders_busy_elsewhere",
    "programs_open_import",
    "governance_count_refusal",
    "governance_note_absences",
    "governance_note_office",
    "governance_record_evidence",
    "governance_record_remarks",
}
CALLED_BY_MEMBERS = {
    "builders_busy_elsewhere",
    "governance_count_refusal",
    "programs_open_import",
    "governance_record_evidence",
    "governance_record_remarks",
}
# And those that only upkeep may call.
CALLED_BY_UPKEEP = {"governance_prune_known_tests", "governance_thin_runs"}


class RoleNames(NamedTuple):
    """The names of the roles, of the database and of the office's schema in it."""

    owner: str
    office: str
    upkeep: str
    database: str
    schema: str
    member: str = ""  # where there is none

    @property
    def serving(self) -> list[str]:
        """Return the roles that own nothing."""
        named = [self.office, self.upkeep, self.member]
        return list(dict.fromkeys(name for name in named if name))

    def may(self, role: str, table: str) -> frozenset[str]:
        """Return what a role that owns nothing may do with a table."""
        if role == self.member:
            return self.of_member(table)
        if table in KEPT_BY_FUNCTIONS | KEPT_BY_THE_OWNER:
            return READ
        rights = READ
        if role == self.office and table not in KEPT_BY_UPKEEP:
            rights |= WRITE
        if role == self.upkeep:
            rights |= WRITTEN_BY_UPKEEP.get(table, set())
        return rights

    def of_member(self, table: str) -> frozenset[str]:
        """Return what a member's role may do: nothing with a table that has no policy for it."""
        policies = member_policies(table)
        if not policies:
            return READ if table in READ_BY_MEMBERS else frozenset()
        commands = frozenset(each.command for each in policies)
        return WRITE if "ALL" in commands else commands


def declared_names(schema: str) -> RoleNames:
    """Return the names that the addresses have, or, where there is one address, what they would be.

    These begin with the name of the database, because roles are the whole server's.
    """
    database = connection.settings_dict["NAME"]
    if has_owner():
        roles = user_of(OWNER), user_of(OFFICE), user_of(UPKEEP)
    else:
        roles = f"{database}_owner", f"{database}_office", f"{database}_upkeep"
    member = user_of(MEMBER) if has_member() else ""
    return RoleNames(*roles, database, schema, member)
