"""The evidence trail as people read it: one sentence for each act."""

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import F, Model, QuerySet
from django.db.models.fields.tuple_lookups import TupleGreaterThan, TupleLessThan

from governance.entities import find_names
from governance.models import Blocker, Evidence

VERBS = {"released": "Put its task down", "progress_forced": "Progress set by hand"}


class Happening(NamedTuple):
    """One act, told: what it was about, what happened, and how it looks."""

    row: Evidence
    entity: Model | None
    entity_name: str
    look: str
    what: str
    detail: str
    object: Model | None
    by: str


def tell(rows: Iterable[Evidence]) -> list[Happening]:
    """Turn rows of the trail into sentences; names are looked up once for all of them."""
    rows = list(rows)
    keys = [(row.entity_type, row.entity_id) for row in rows]
    others = {row.pk: key_of_object(row) for row in rows}
    found = find_names([*keys, *filter(None, others.values())])
    return [
        happening(row, found.get(key), found.get(others[row.pk]))
        for row, key in zip(rows, keys, strict=True)
    ]


def key_of_object(row: Evidence) -> tuple[str, UUID] | None:
    """Return what an act did something with: the task that a builder took up or put down, or the
    wave that a task was moved to."""
    changes = row.context.get("changes", {})
    before, after = changes.get("current_task_id", (None, None))
    if after or before:
        return "task", UUID(after or before)
    return ("wave", UUID(changes["wave_id"][1])) if "wave_id" in changes else None


def happening(row: Evidence, entity: Model | None, object: Model | None) -> Happening:
    look, what, detail = said(row)
    snapshot = row.context.get("snapshot", {})
    return Happening(
        row=row,
        entity=entity,
        entity_name=str(entity or snapshot.get("name") or f"a {row.entity_type} since deleted"),
        look=look,
        what=what,
        detail=detail,
        object=object,
        by=row.context.get("user") or row.actor,
    )


def said(row: Evidence) -> tuple[str, str, str]:
    """Say what happened: its look, the act, and what it was about."""
    context: dict[str, Any] = row.context
    record = context.get("snapshot", {})
    match row.action:
        case "state_changed":
            return state_look(context["to"]), f"{context['from']} → {context['to']}", ""
        case "assigned":
            return "assigned", "Took up", ""
        case "blocker_raised" | "blocker_reopened":
            verb = "Blocker" if row.action == "blocker_raised" else "Blocker again"
            return "open", f"{verb}: {classification(record)}", record.get("description", "")
        case "blocker_resolved":
            what = f"Blocker resolved: {classification(record)}"
            return "all-clear", what, record.get("resolution_action") or ""
        case "pause_started":
            return "paused", "Paused", record.get("reason", "")
        case "pause_ended":
            return "idle", "Pause over", record.get("reason", "")
        case "token_issued":
            return "planned", "Token issued", f"{record['prefix']}…"
        case "token_revoked":
            return "planned", "Token revoked", f"{record['prefix']}…"
        case "violation_recorded" | "violation_reopened":
            kind = record.get("violation_type", "")
            return "violation", f"Violation: {kind}", record.get("description", "")
        case "violation_resolved":
            kind = record.get("violation_type", "")
            return "all-clear", f"Violation resolved: {kind}", record.get("resolution") or ""
        case "qa_run_recorded":
            counts = f"{record['passing_tests']} of {record['total_tests']} pass"
            return record["qa_status"], f"QA run {record['qa_status'].lower()}, {counts}", ""
        case "validation_recorded":
            ready = record["build_readiness"]
            words = "ready" if ready == "READY" else "not ready"
            return ready, f"Architecture {words}, {record['pass_rate']:g} %", ""
        case "claim_recorded" if record["accepted"]:
            return "all-clear", "Claim of completion accepted", ""
        case "claim_recorded":
            unmet = [each["detail"] for each in record["conditions"] if not each["met"]]
            return "not-passed", "Claim of completion refused", " ".join(unmet)
        case "created" | "deleted":
            return "planned", f"{row.entity_type.capitalize()} {row.action}", ""
        case "edited":
            fields = ", ".join(
                field.replace("_", " ") for field in context["changes"] if field != "wave_id"
            )
            if "wave_id" in context["changes"]:
                also = f"Also edited: {fields}." if fields else ""
                return "planned", "Moved to wave", also
            return "planned", f"Edited: {fields}", ""
    # An imported record names its act in the words of its source.
    return "planned", in_words(row.action), str(context.get("summary", ""))


def in_words(action: str) -> str:
    """Say the name of an act in words: "qa_run_recorded" is "QA run recorded"."""
    words = action.replace("-", " ").replace("_", " ").replace("qa ", "QA ")
    return VERBS.get(action) or words[:1].upper() + words[1:]


def state_look(state: str) -> str:
    """Choose the look of a state, of a program, wave, task or builder alike."""
    return "working" if state == "active" else state


def classification(record: dict[str, Any]) -> str:
    return lower_first(Blocker.Classification(record["classification"]).label)


def lower_first(words: str) -> str:
    """Begin in lower case, and leave QA its capitals."""
    return words[:1].lower() + words[1:]


# --- exact values ---------------------------------------------------------------------------------

# What the trail itself says of an act; whatever else is in its context, the act brought along.
OWN = ("changes", "from", "to", "snapshot")


class Change(NamedTuple):
    """A field that an act changed."""

    field: str
    before: Any
    after: Any


def changes(row: Evidence) -> list[Change]:
    return [Change(name, *values) for name, values in row.context.get("changes", {}).items()]


def snapshot(row: Evidence) -> list[tuple[str, Any]]:
    """Return the record as it was after the act, or before it was deleted."""
    return list(row.context.get("snapshot", {}).items())


def said_besides(row: Evidence) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in row.context.items() if name not in OWN]


def neighbours(row: Evidence) -> list[Evidence | None]:
    """Return what was recorded of the same entity just before, and just after."""
    same = Evidence.objects.filter(entity_type=row.entity_type, entity_id=row.entity_id)
    place = F("timestamp"), F("sequence")
    here = row.timestamp, row.sequence
    return [
        same.filter(TupleLessThan(place, here)).order_by("-timestamp", "-sequence").first(),
        same.filter(TupleGreaterThan(place, here)).order_by("timestamp", "sequence").first(),
    ]


def at_once(row: Evidence) -> QuerySet[Evidence]:
    """Return the other acts of the same moment: those of one transaction share its time."""
    others = Evidence.objects.filter(timestamp=row.timestamp).exclude(pk=row.pk)
    return others.order_by("sequence")


def known_actions() -> list[str]:
    """Return the name of every kind of act there is, by skipping through the index of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE known (action) AS (
                (SELECT action FROM evidence_trail ORDER BY action LIMIT 1)
                UNION ALL
                SELECT (
                    SELECT evidence_trail.action FROM evidence_trail
                    WHERE evidence_trail.action > known.action
                    ORDER BY evidence_trail.action LIMIT 1
                ) FROM known WHERE known.action IS NOT NULL
            )
            SELECT action FROM known WHERE action IS NOT NULL
            """
        )
        return [action for (action,) in cursor.fetchall()]
