"""The evidence trail as people read it: one sentence for each act."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import F, Model, QuerySet
from django.db.models.fields.tuple_lookups import TupleGreaterThan, TupleLessThan

from governance.entities import find_names
from governance.models import Blocker, Evidence, EvidenceEntity, NotedKind
from kit.web.addresses import address_of
from kit.web.templatetags.states import LOOKS
from programs.models import State

VERBS = {
    "ci_token_issued": "CI token issued",
    "ci_token_revoked": "CI token revoked",
    "released": "Unassigned",
    "progress_forced": "Progress set by hand",
}


class EvidenceEntry(NamedTuple):
    """One act as a sentence: what it was about, what happened, and its look."""

    row: Evidence
    entity: Model | None
    entity_name: str
    look: str
    what: str
    detail: str
    object: Model | None
    by: str
    address: str = ""  # of the record that the act left, if it has a page


def describe(rows: Iterable[Evidence]) -> list[EvidenceEntry]:
    """Return rows of the trail as sentences; names are looked up once for all of them."""
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
    changes = readable(row).get("changes", {})
    before, after = changes.get("current_task_id", (None, None))
    if task := readable_key(after or before):
        return "task", task
    wave = readable_key(changes["wave_id"][1]) if "wave_id" in changes else None
    return ("wave", wave) if wave else None


def happening(row: Evidence, entity: Model | None, object: Model | None) -> EvidenceEntry:
    look, what, detail = said(row)
    snapshot = readable(row).get("snapshot", {})
    return EvidenceEntry(
        row=row,
        entity=entity,
        entity_name=str(entity or snapshot.get("name") or f"deleted {row.entity_type}"),
        look=look,
        what=what,
        detail=detail,
        object=object,
        by=who_did(row),
        address=address_of_record(row),
    )


def address_of_record(row: Evidence) -> str:
    """Return where the record is shown that an act left: a run has a page of its own."""
    key = readable_key(readable(row).get("snapshot", {}).get("execution_id"))
    recorded = row.action == "qa_run_recorded" and key
    return address_of("governance:quality_run", key) if recorded else ""


def who_did(row: Evidence) -> str:
    """Return the name of the actor: a person, a CI token, a builder, or the watcher."""
    context = readable(row)
    if watcher := context.get("watcher"):
        return f"watcher ({watcher})"
    if name := context.get("ci_token"):
        return f"CI token {name}"
    return context.get("user") or row.actor


def said(row: Evidence) -> tuple[str, str, str]:
    """Return a row of evidence in words: its look, the act, and what it was about.

    A file may name an act as the office does, and tell something else of it, or nothing; and any
    writer may record a claim whose conditions are none. The trail must be readable nevertheless.
    """
    try:
        words = in_its_words(row, readable(row))
    except (AttributeError, KeyError, TypeError, ValueError):
        words = ()
    if words and words[0] in LOOKS and all(isinstance(each, str) for each in words):
        return words
    return "planned", action_words(row.action), ""


def in_its_words(row: Evidence, context: dict[str, Any]) -> tuple[str, str, str]:
    record = context.get("snapshot", {})
    match row.action:
        case "state_changed":
            move = f"{state_name(context['from'])} → {state_name(context['to'])}"
            return state_look(context["to"]), move, ""
        case "assigned":
            return "assigned", "Assigned", ""
        case "released":
            return "planned", "Unassigned from", ""
        case "blocker_raised" | "blocker_reopened":
            verb = "Blocker" if row.action == "blocker_raised" else "Blocker reopened"
            return "open", f"{verb}: {classification(record)}", record.get("description", "")
        case "blocker_resolved":
            what = f"Blocker resolved: {classification(record)}"
            return "all-clear", what, record.get("resolution_action") or ""
        case "pause_started":
            return "paused", "Paused", record.get("reason", "")
        case "pause_ended":
            return "idle", "Pause ended", record.get("reason", "")
        case "token_issued":
            return "planned", "Token issued", f"{record['prefix']}…"
        case "token_revoked":
            return "planned", "Token revoked", f"{record['prefix']}…"
        case "badge_issued" | "badge_revoked":
            verb = "made" if row.action == "badge_issued" else "revoked"
            return "planned", f"Badge {verb}", f"{record['prefix']}…"
        case "ci_token_issued":
            return "planned", "CI token issued", f"{record['name']} ({record['prefix']}…)"
        case "ci_token_revoked":
            return "planned", "CI token revoked", f"{record['name']} ({record['prefix']}…)"
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
        case "budget_recorded" | "budget_edited":
            amount = f"{record['amount']:,.2f} US dollars" if record["amount"] else "none"
            return "planned", f"Budget set: {amount}", record["reason"]
        case "question_asked":
            return "waiting", "Question to the foreman", record["question"]
        case "question_answered":
            chosen = record["chosen_option"]
            option = [] if chosen is None else [record["options"][chosen]]
            said = ": ".join([*option, *filter(None, [record["answer"]])])
            return "all-clear", "Question answered", said
        case "question_withdrawn":
            return "planned", "Question withdrawn", record["withdrawn_because"]
        case "link_recorded" | "link_deleted":
            verb = "added" if row.action == "link_recorded" else "removed"
            return "planned", f"Link {verb}", f"{record['label']} {record['url']}".strip()
        case "note_recorded":
            return "planned", "Note", record["text"]
        case "entity_note_recorded":
            return "planned", f"Note on {about_noted(record)}", record["text"]
        case "note_withdrawn" | "entity_note_withdrawn":
            return (
                "planned",
                f"Note of {record['written_by']} withdrawn",
                record["withdrawn_because"],
            )
        case "plan_note_recorded":
            return "planned", "Plan sent back", record["note"]
        case "created" if record.get("state") == State.COMPLETED:
            return "overridden", f"{row.entity_type.capitalize()} {recorded_as_completed(row)}", ""
        case "created" | "deleted":
            return "planned", f"{row.entity_type.capitalize()} {row.action}", ""
        case "edited" if "dependencies_accepted_at" in context["changes"]:
            what = "Accepted: continues ahead of what it depends on"
            return "overridden", what, context.get("reason", "")
        case "edited" if "archived_at" in context["changes"]:
            put_away = context["changes"]["archived_at"][1]
            what = "Archived" if put_away else "Taken out of the archive"
            return "planned", what, context.get("reason", "")
        case "edited" if "organisation_id" in context["changes"]:
            return "planned", moved_to_organisation(context), context.get("reason", "")
        case "edited" if [*context["changes"]] == ["allows_pull"]:
            allowed = context["changes"]["allows_pull"][1]
            what = "Builders may pull tasks" if allowed else "Tasks are assigned by hand"
            return "planned", what, context.get("reason", "")
        case "edited" if [*context["changes"]] == ["due_on"]:
            before, due_on = context["changes"]["due_on"]
            what = f"Due date: {due_on}" if due_on else "Due date taken away"
            return "planned", what, f"It was {before}." if before else ""
        case "edited":
            fields = ", ".join(
                field.replace("due_on", "due date").replace("_", " ")
                for field in context["changes"]
                if field != "wave_id"
            )
            if "wave_id" in context["changes"]:
                also = f"Also edited: {fields}." if fields else ""
                return "planned", "Moved to wave", also
            return "planned", f"Edited: {fields}", ""
    # An imported record names its act in the words of its source.
    return "planned", action_words(row.action), str(context.get("summary", ""))


def about_noted(record: dict[str, Any]) -> str:
    """Return what a note is about: "the wave", "a QA run", "the decision “Violation”"."""
    kind = NotedKind(record["about_kind"])
    if kind == NotedKind.DECISION:
        return f"the decision “{record['about_name']}”"
    return f"{'the' if kind in EvidenceEntity.values else 'a'} {kind.label}"


def moved_to_organisation(context: dict[str, Any]) -> str:
    """Return where a program moved, by the names that the act told, or else by the ids."""
    told = context.get("organisations") or context["changes"]["organisation_id"]
    before, after = (f"organisation {each}" if each else "the office itself" for each in told)
    return f"Moved from {before} to {after}"


def recorded_as_completed(row: Evidence) -> str:
    """Return how an entity came into the office that was completed when it came."""
    imported = readable(row).get("import")
    if not imported:
        return "created as completed, without proof"
    file = imported.get("file") if isinstance(imported, dict) else None
    return f"imported as completed, without proof{f' (from {file})' if file else ''}"


def action_words(action: str) -> str:
    """Return the name of an act in words: "QA run recorded" for "qa_run_recorded"."""
    words = action.replace("-", " ").replace("_", " ").replace("qa ", "QA ")
    return VERBS.get(action) or words[:1].upper() + words[1:]


def state_look(state: str) -> str:
    """Return the look of a state, of a program, wave, task or builder alike."""
    return "working" if state == "active" else state


def state_name(state: str) -> str:
    """Return the label of a state, of a program, wave, task or builder alike."""
    return state.replace("-", " ").capitalize()


def classification(record: dict[str, Any]) -> str:
    return lower_first(Blocker.Classification(record["classification"]).label)


def lower_first(words: str) -> str:
    """Return the words with a small first letter, but QA in capitals."""
    return words[:1].lower() + words[1:]


# --- what a file may have told otherwise ----------------------------------------------------------


def are_changes(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(pair, list) and len(pair) == 2 for pair in value.values()
    )


SHAPES: dict[str, Callable[[Any], bool]] = {
    "changes": are_changes,
    "snapshot": lambda value: isinstance(value, dict),
    **dict.fromkeys(
        ["from", "to", "user", "watcher", "ci_token"], lambda value: isinstance(value, str)
    ),
}


def readable(row: Evidence) -> dict[str, Any]:
    """Return the context of an act without what is there in another shape than the office's."""
    return {
        name: value
        for name, value in row.facts.items()
        if name not in SHAPES or SHAPES[name](value)
    }


def readable_key(value: Any) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


# --- exact values ---------------------------------------------------------------------------------

# What the trail itself says of an act; whatever else is in its context, the act brought along.
OWN = ("changes", "from", "to", "snapshot")


class Change(NamedTuple):
    """A field that an act changed."""

    field: str
    before: Any
    after: Any


def changed_values(row: Evidence) -> list[Change]:
    return [Change(name, *values) for name, values in readable(row).get("changes", {}).items()]


def recorded_snapshot(row: Evidence) -> list[tuple[str, Any]]:
    """Return the record as it was after the act, or before it was deleted."""
    return list(readable(row).get("snapshot", {}).items())


def said_besides(row: Evidence) -> list[tuple[str, Any]]:
    known = readable(row)
    return [
        (name, value) for name, value in row.facts.items() if name not in OWN or name not in known
    ]


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
