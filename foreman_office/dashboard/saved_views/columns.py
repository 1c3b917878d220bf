"""Which columns of a list are shown: the reader's own choice, or that of the saved view.

The cells that are left out are in the page all the same, and not displayed: the choice changes
neither what is read nor what a file of the list has.
"""

from typing import Any, NamedTuple

from django.http import HttpRequest

from foreman_office.dashboard.saved_views.places import WITHOUT, place_shown
from governance.models import ListColumns
from kit.runtime.database.members import as_office


class ListColumn(NamedTuple):
    """A column that may be left out: its name in an address, its heading, its place from 1."""

    name: str
    label: str
    position: int


# The columns in order after the first. What is named "" always stays: rows are known by it.
HEADINGS = {
    "programs:program_list": {
        "state": "State",
        "progress": "Progress",
        "wave": "Current wave",
        "blockers": "Open blockers",
        "changed": "Last change",
    },
    "programs:task_list": {
        "state": "State",
        "builder": "Builder",
        "progress": "Progress",
        "qa": "Latest QA",
        "changed": "Last change",
    },
    "governance:blocker_list": {
        "where": "What it blocks",
        "": "What happened",
        "times": "Occurrences",
        "detected": "Detected",
        "lasted": "Resolved after",
    },
    "governance:violation_list": {
        "where": "Where",
        "": "What happened",
        "by": "By",
        "detected": "Detected",
        "lasted": "Resolved after",
    },
    "governance:quality_runs": {
        "status": "Status",
        "": "Task and suite",
        "passing": "Passing",
        "change": "Change",
        "failing": "Failing",
        "skipped": "Skipped",
        "debt": "Debt",
        "duration": "Duration",
    },
    "governance:quality_validations": {
        "state": "State",
        "": "Task and document",
        "rate": "Pass rate",
        "not-passed": "Not passed",
        "by": "By",
    },
    "governance:evidence_list": {
        "time": "When",
        "": "What happened",
        "about": "About",
        "by": "By",
    },
}
COLUMNS = {
    place: [
        ListColumn(name, label, position)
        for position, (name, label) in enumerate(headings.items(), start=2)
        if name
    ]
    for place, headings in HEADINGS.items()
}


def left_out(request: HttpRequest) -> list[ListColumn]:
    """Return the columns that the list is shown without; its address says so, or its reader."""
    columns = COLUMNS.get(place_shown(request), [])
    if not columns:
        return []
    said = request.GET.get(WITHOUT)
    names = (own_choice(request) if said is None else said).split(",")
    return [column for column in columns if column.name in names]


def own_choice(request: HttpRequest) -> str:
    """Return what the reader leaves out of the list that is shown; read once a request."""
    if not hasattr(request, "own_columns"):
        chosen = ListColumns.objects.filter(user=request.user.pk, place=place_shown(request))
        with as_office():
            without = chosen.values_list("without", flat=True).first()
        request.own_columns = without or ""  # type: ignore[attr-defined]
    return request.own_columns  # type: ignore[attr-defined,no-any-return]


def without_words(columns: list[ListColumn]) -> str:
    """Return columns as an address names them."""
    return ",".join(column.name for column in columns)


def choices_of(place: str) -> list[tuple[Any, Any]]:
    return [(column.name, column.label) for column in COLUMNS.get(place, [])]
