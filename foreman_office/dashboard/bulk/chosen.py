"""The rows that are chosen in a list: read by their keys, and as a file."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import FETCH_PEERS, QuerySet
from django.http import FileResponse, QueryDict

from foreman_office.dashboard.filters import as_key
from foreman_office.dashboard.issues.queries import timed
from foreman_office.dashboard.issues.views import BLOCKER_COLUMNS
from foreman_office.dashboard.programs.views import PROGRAM_COLUMNS, with_counts
from foreman_office.dashboard.tasks.latest_run_filter import latest_status
from foreman_office.dashboard.tasks.views import TASK_COLUMNS
from governance.entities import name_entities
from governance.models import Blocker
from kit.web.exports import Columns, export_as
from programs.models import Program, Task

MOST = 200  # rows of one act


class ChosenKind(NamedTuple):
    """What rows of a list are, and what is read of them."""

    rows: Callable[[], QuerySet[Any]]
    back: str
    columns: Columns
    annotate: Callable[[Iterable[Any]], Any] = list


CHOSEN = {
    "task": ChosenKind(
        lambda: Task.objects.select_related("wave__program").annotate(latest_qa=latest_status()),
        "programs:task_list",
        TASK_COLUMNS,
    ),
    "blocker": ChosenKind(
        lambda: timed(Blocker.objects.all()),
        "governance:blocker_list",
        BLOCKER_COLUMNS,
        name_entities,
    ),
    "program": ChosenKind(
        lambda: Program.objects.all(), "programs:program_list", PROGRAM_COLUMNS, with_counts
    ),
}


def keys_in(sent: QueryDict) -> list[UUID]:
    """Return the keys that were chosen, each once, in their order on the page."""
    keys = (as_key(text) for text in sent.getlist("chosen"))
    return list(dict.fromkeys(key for key in keys if key))[:MOST]


def read_chosen(noun: str, keys: list[UUID]) -> list[Any]:
    """Return the rows in the order in which they were chosen; those that are gone are left out."""
    kind = CHOSEN[noun]
    found = {row.pk: row for row in kind.rows().filter(pk__in=keys).fetch_mode(FETCH_PEERS)}
    rows = [found[key] for key in keys if key in found]
    if noun == "blocker":
        name_entities(rows)
    return rows


def export_chosen(noun: str, rows: list[Any], format: str) -> FileResponse:
    kind = CHOSEN[noun]
    kind.annotate(rows)
    return export_as([rows], kind.columns, format, name=f"{noun}s")
