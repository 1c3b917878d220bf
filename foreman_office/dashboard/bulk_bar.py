"""The bar above a list: what may be done with the rows that are chosen (`bulk`)."""

from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import reverse

from kit.core.roles import may_decide

EXPORT = "export"
# The acts of each list by name, with their labels.
LABELS = {
    "task": {
        "assign": "Assign",
        "plan": "Plan the builder",
        "move": "Move to a wave",
        "due": "Set the due date",
    },
    "blocker": {"resolve": "Resolve"},
    "program": {
        "archive": "Archive",
        "unarchive": "Take out of the archive",
        "due": "Set the due date",
    },
}
ADDRESSES = {
    "task": "programs:task_bulk",
    "blocker": "governance:blocker_bulk",
    "program": "programs:program_bulk",
}


class BulkBar(NamedTuple):
    """Where the chosen rows are sent, and the acts that are offered: names and labels."""

    noun: str
    address: str
    offered: list[tuple[str, str]]


def bulk_bar(request: HttpRequest, noun: str) -> dict[str, Any]:
    """Return the bar of a list as context; who only reads may export what is chosen."""
    acts = LABELS[noun].items() if may_decide(request) else ()
    return {"bulk": BulkBar(noun, reverse(ADDRESSES[noun]), [*acts, (EXPORT, "Export")])}
