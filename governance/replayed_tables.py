"""The tables that are rebuilt from the evidence, and where evidence tells of a row of each."""

import re
from functools import cache
from typing import Any, NamedTuple

from django.apps import apps
from django.db.models import DateTimeField

from kit.core.rules import rules_of

ITSELF = ("program", "wave", "task", "builder")  # nouns that evidence names without a prefix

# What is made, what of a change tells both sides, and what tells only the row after it.
MADE = ("created", "raised", "recorded", "started", "issued", "known", "asked")
CHANGED = (
    *("state_changed", "assigned", "released", "resolved", "reopened"),
    *("progress_forced", "edited", "ended", "answered", "withdrawn"),
)
DELETED = "deleted"

# The evidence triggers of a table, as the rule files have them, whatever the database has.
TRIGGER = re.compile(
    r"CREATE OR REPLACE TRIGGER governance_evidence_updated\s.*?\bON (?P<table>\w+)\s.*?"
    r"governance_evidence\('(?P<noun>\w+)', '(?P<key>\w+)',"
    r" '\{(?P<untold>[\w,]*)\}', '\{(?P<measured>[\w,]*)\}'\)",
    re.DOTALL,
)


class ReplayedTable(NamedTuple):
    """A governed table, and how evidence speaks of its rows."""

    noun: str
    table: str
    key: str
    untold: tuple[str, ...]  # columns that are derived or measured, and so no evidence
    times: frozenset[str]
    changed: tuple[str, ...] = CHANGED
    after: tuple[str, ...] = ()  # acts that tell the row only as it is after them
    # What evidence tells beside the columns, and older evidence does not; in it and in the table.
    beside: str = ""
    beside_told: str = ""
    beside_found: str = ""
    is_told_of_each_program: bool = False  # one act may leave several rows of evidence
    trail: str = "evidence_trail"

    @property
    def name(self) -> str:
        return self.noun.replace("_", " ")

    @property
    def prefix(self) -> str:
        return "" if self.noun in ITSELF else f"{self.noun}_"

    @property
    def key_told(self) -> str:
        """Return the SQL of a row's key in its evidence."""
        return "entity_id" if not self.prefix else f"context -> 'snapshot' ->> '{self.key}'"

    @property
    def key_found(self) -> str:
        if self.noun == "builder":
            return f"builder_entity_id({self.key})"
        return f"{self.key}::text" if self.prefix else self.key


def replayed_tables() -> list[ReplayedTable]:
    """Return what is replayed: the governed tables, tokens, and who may enter the office."""
    return [*_governed(), *_tokens(), *_access()]


@cache
def _governed() -> tuple[ReplayedTable, ...]:
    governance = apps.get_app_config("governance")
    found = (
        trigger for script in rules_of(governance).values() for trigger in TRIGGER.finditer(script)
    )
    return tuple(
        ReplayedTable(
            trigger["noun"],
            trigger["table"],
            trigger["key"],
            untold=_untold(trigger),
            times=_times(trigger["table"]),
            **(_RUNS if trigger["noun"] == "qa_run" else {}),
        )
        for trigger in sorted(found, key=_order)
    )


def _untold(trigger: re.Match[str]) -> tuple[str, ...]:
    """Return the columns that are no evidence: to whom a row belongs is its program's alone."""
    told = re.findall(r"\w+", f"{trigger['untold']},{trigger['measured']}")
    return (*told, *(() if trigger["noun"] == "program" else ("organisation_id",)))


def _order(trigger: re.Match[str]) -> tuple[int, str]:
    noun = trigger["noun"]
    return (ITSELF.index(noun) if noun in ITSELF else len(ITSELF)), trigger["table"]


# Most runs of a long trail name no tests: their digest is that of no run, computed once.
_NO_RUN = "00000000-0000-0000-0000-000000000000"
_RUNS: dict[str, Any] = {
    "after": ("tests_recorded", "tests_edited", "tests_thinned"),
    "beside": "results",
    "beside_told": "context -> 'results'",
    "beside_found": f"""
        CASE WHEN execution_id IN (SELECT execution_id FROM qa_test_results)
                OR execution_id IN (SELECT execution_id FROM qa_paired_tests)
            THEN governance_run_results(execution_id)
            ELSE (SELECT governance_run_results('{_NO_RUN}')) END
    """,  # noqa: S608  our own names
}


def _tokens() -> list[ReplayedTable]:
    return [
        ReplayedTable(
            noun,
            table,
            key,
            untold=("digest", "last_used_at"),
            times=_times(table),
            changed=(),
            after=("edited", "restored", "revoked"),
            beside="digest_sha256",
            beside_told="context -> 'snapshot' -> 'digest_sha256'",
            beside_found="encode(sha256(digest), 'hex')",
            is_told_of_each_program=noun == "ci_token",
        )
        for noun, table, key in (
            ("token", "builder_tokens", "token_id"),
            ("ci_token", "ci_tokens", "token_id"),
            ("badge", "badge_keys", "key_id"),
        )
    ]


def _access() -> list[ReplayedTable]:
    """Return the tables of which the office log tells: governance_log_access, _organisations."""
    return [
        ReplayedTable(
            noun,
            table,
            key,
            untold=("password", "last_login"),
            times=_times(table),
            trail="office_log",
        )
        for noun, table, key in (
            ("user", "auth_user", "id"),
            ("group", "auth_group", "id"),
            ("membership", "auth_user_groups", "id"),
            ("user_permission", "auth_user_user_permissions", "id"),
            ("group_permission", "auth_group_permissions", "id"),
            ("organisation", "organisations", "organisation_id"),
            ("organisation_member", "organisation_members", "member_id"),
        )
    ]


def _times(table: str) -> frozenset[str]:
    """Return the columns of a table that are times: the trail has them in its writers' zones."""
    model = next(
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.db_table == table
    )
    fields = model._meta.concrete_fields
    return frozenset(field.column for field in fields if isinstance(field, DateTimeField))
