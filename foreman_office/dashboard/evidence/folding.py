"""One line for what one transaction did: the act, with its consequences folded below it."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from governance.models import Evidence

# The acts that the others of their transaction follow from; of any other the first is told.
HEADS = [
    "claim_recorded",
    "violation_recorded",
    "violation_reopened",
    "blocker_raised",
    "blocker_reopened",
    "blocker_resolved",
    "violation_resolved",
    "qa_run_recorded",
    "validation_recorded",
]
ORDER = {action: place for place, action in enumerate(HEADS)}


class Folded[Told](NamedTuple):
    """An act, and the others of its transaction in the order in which they were recorded."""

    head: Told
    others: list[Told]


def fold[Told](acts: Iterable[Told], row_of: Callable[[Told], Evidence]) -> list[Folded[Told]]:
    """Fold the acts of one transaction into one, where the first of them stood.

    Those of one request, or one sweep, have its name and their moment in common. Others, and what
    an import recorded, are told one by one.
    """
    found: dict[object, list[Told]] = {}
    for act in acts:
        found.setdefault(_transaction_of(row_of(act)), []).append(act)
    folded = []
    for together in found.values():
        ordered = sorted(together, key=lambda act: row_of(act).sequence)
        head = min(ordered, key=lambda act: ORDER.get(row_of(act).action, len(ORDER)))
        folded.append(Folded(head, [act for act in ordered if act is not head]))
    return folded


def _transaction_of(row: Evidence) -> object:
    origin = row.facts.get("request_id") or row.facts.get("watcher")
    if not origin or "import" in row.facts:
        return row.sequence
    return row.timestamp, str(origin)
