"""One line for what one transaction did: the act, with its consequences folded below it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db.models import TextField
from django.db.models.expressions import RawSQL

from governance.models import Evidence

# A savepoint has a number of its own: then the acts of one transaction are told apart.
TRANSACTION = RawSQL("evidence_trail.xmin::text", [], TextField())

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

    Those of one request, or one sweep, have its name and their moment in common; those of commands
    and of other programs the number of their transaction. What an import recorded is told one by
    one.
    """
    acts = list(acts)
    numbers = transaction_numbers([row_of(act) for act in acts])
    found: dict[object, list[Told]] = {}
    for act in acts:
        found.setdefault(_act_of(row_of(act), numbers), []).append(act)
    folded = []
    for together in found.values():
        ordered = sorted(together, key=lambda act: row_of(act).sequence)
        head = min(ordered, key=lambda act: ORDER.get(row_of(act).action, len(ORDER)))
        folded.append(Folded(head, [act for act in ordered if act is not head]))
    return folded


def _act_of(row: Evidence, numbers: Mapping[int, str]) -> object:
    origin = origin_of(row) or numbers.get(row.sequence)
    if not origin or "import" in row.facts:
        return row.sequence
    return row.timestamp, str(origin)


def origin_of(row: Evidence) -> Any:
    return row.facts.get("request_id") or row.facts.get("watcher")


def transaction_numbers(rows: Sequence[Evidence]) -> dict[int, str]:
    """Return the number of the transaction of each row that names no request, by its sequence.

    Only of those that share their moment with another: nothing is asked for the sake of one. A
    restored database gives all rows one number; their moments tell them apart.
    """
    nameless = [row for row in rows if not origin_of(row) and "import" not in row.facts]
    together = Counter(row.timestamp for row in nameless)
    asked = [row.sequence for row in nameless if together[row.timestamp] > 1]
    if not asked:
        return {}
    numbered = Evidence.objects.filter(sequence__in=asked).annotate(number=TRANSACTION)
    return dict(numbered.order_by().values_list("sequence", "number"))
