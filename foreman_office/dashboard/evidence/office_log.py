"""The office log: logins, and changes of users, groups and rights."""

from operator import attrgetter
from typing import Any

from django_filters import CharFilter, ChoiceFilter, DateTimeFilter, FilterSet

from foreman_office.dashboard.evidence.sentences import action_words
from foreman_office.dashboard.filters import MOMENT
from governance.models import OfficeLogEntry, RecordKind
from governance.sealing.proofs import seals_of
from kit.core.roles import oversees
from kit.web.htmx import render_page
from kit.web.listing import Listing, Sort

SORTS = {"number": Sort("Number", "sequence", descending=True)}
COLUMNS = {
    **{
        name: attrgetter(name)
        for name in ("sequence", "timestamp", "action", "subject_kind", "subject_name")
    },
    **{name: attrgetter(name) for name in ("actor", "username", "witnessed", "context")},
}
# What of the context is shown in words; the rest is in the export.
SHOWN = (
    *("group", "permission", "organisation", "role"),
    *("address", "reason", "left_out", "until", "to"),
)


def logged_actions() -> list[tuple[str, str]]:
    names = OfficeLogEntry.objects.order_by("action").values_list("action", flat=True).distinct()
    return [(name, action_words(name)) for name in names]


class OfficeLogFilter(FilterSet):
    action = ChoiceFilter(label="Action", choices=logged_actions, empty_label="anything")
    subject = CharFilter(label="Of", field_name="subject_name")
    person = CharFilter(label="By", field_name="username")
    since = DateTimeFilter(label="From", field_name="timestamp", lookup_expr="gte", widget=MOMENT)
    until = DateTimeFilter(label="To", field_name="timestamp", lookup_expr="lt", widget=MOMENT)

    class Meta:
        model = OfficeLogEntry
        fields: list[str] = []


def add_words(rows: list[Any]) -> None:
    """Add to each row what happened in words, `what`, `details` besides, and its `seal` if any."""
    seals = seals_of((row.sequence for row in rows), RecordKind.OFFICE)
    for row in rows:
        row.seal = seals.get(row.sequence)
        row.what = action_words(row.action)
        changes = row.context.get("changes", {})
        row.details = [f"{name}: {was!s} → {now!s}" for name, (was, now) in changes.items()]
        row.details += [
            f"{name.replace('_', ' ')}: {row.context[name]}"
            for name in SHOWN
            if row.context.get(name)
        ]


@oversees
def office_log(request):
    listing = Listing(
        request,
        OfficeLogEntry.objects.all(),
        OfficeLogFilter,
        SORTS,
        noun="line",
        key="sequence",
        annotate_rows=add_words,
    )
    if "export" in request.GET:
        return listing.export(COLUMNS)
    return render_page(request, "evidence/office_log.html", {"listing": listing}, parts=["list"])
