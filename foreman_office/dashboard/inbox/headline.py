"""The heading of the inbox: what is broken, what waits, and otherwise whether anything moves."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from foreman_office.dashboard.explain.state import Explanation, derive
from foreman_office.dashboard.inbox.pending_decisions import PendingCounts
from programs.models import PlanNote, Program, State

EXPLAINED = 5  # programs of which it is said why nothing of them moves


def headline(due: PendingCounts, *, watched: bool, decides: bool, clear: bool) -> str:
    """Return what is broken and what waits: "4 builders silent. 21 decisions wait."."""
    broken = [due.broken_words] if due.broken else []
    broken += [] if watched else ["the watcher is not running"]
    said = ", ".join(broken)
    if waiting := waits(due, decides=decides, alone=not broken):
        return f"{said[:1].upper()}{said[1:]}. {waiting}." if broken else waiting
    if broken:
        return f"{said[:1].upper()}{said[1:]}"
    if due.is_snoozed:
        return "Only snoozed decisions wait"
    return "All clear" if clear else "Nothing moves, and here is why"


def waits(due: PendingCounts, *, decides: bool, alone: bool) -> str:
    """Return how many decisions wait, and for whom."""
    if not due.waiting:
        return ""
    number = f"More than {due.waiting}" if due.bounded else str(due.waiting)
    said = "1 decision waits" if number == "1" else f"{number} decisions wait"
    if not decides:
        return f"{said} for a foreman"
    return f"{said} for you" if alone else said


class Standstill(NamedTuple):
    """A program of which nothing moves, and why."""

    program: Program
    derivation: Explanation
    note: PlanNote | None  # with which the plan was sent back


def open_programs() -> Any:
    return Program.objects.unarchived().exclude(state=State.COMPLETED)


def standstills() -> Iterator[Standstill]:
    """Yield, of the unfinished programs, what keeps each from going on."""
    for program in open_programs().order_by("name")[:EXPLAINED]:
        entity: Any = program
        if program.state == State.IN_PROGRESS:
            waves = program.waves.exclude(state=State.COMPLETED).order_by("sequence_number")
            entity = waves.select_related("program").first() or program
        note = program.plan_notes.order_by("-created_at").first()
        yield Standstill(program, derive(entity), note if program.state == State.PLANNED else None)
