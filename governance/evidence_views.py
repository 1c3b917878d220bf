"""The evidence trail: all of it, filtered and exported, and each act at an address of its own."""

import json
from functools import cache
from operator import attrgetter

from django.shortcuts import get_object_or_404

from foreman_office.kit.htmx import render_page
from foreman_office.kit.listing import Listing, Sort
from foreman_office.kit.roles import reads
from governance import trail
from governance.filters import EvidenceFilter
from governance.models import Evidence

SAME_MOMENT = 20  # acts of one transaction that are shown beside each other

SORTS = {
    "time": Sort("Time", "timestamp", descending=True),
    "number": Sort("Number", "sequence", descending=True),
}
COLUMNS = {
    "sequence": attrgetter("sequence"),
    "evidence_id": attrgetter("pk"),
    "timestamp": attrgetter("timestamp"),
    "entity_type": attrgetter("entity_type"),
    "entity_id": attrgetter("entity_id"),
    "entity": attrgetter("told.entity_name"),
    "action": attrgetter("action"),
    "said": lambda row: " ".join(filter(None, [row.told.what, row.told.detail])),
    "actor": attrgetter("actor"),
    "person": lambda row: row.context.get("user"),
    "backend": attrgetter("backend"),
    "model": attrgetter("model"),
    "override": lambda row: row.context.get("override"),
    "witnessed": attrgetter("witnessed"),
    "context": attrgetter("context"),
}


def tell(rows):
    """Give each row its sentence, `told`, and its exact values."""
    for row, told in zip(rows, trail.tell(rows), strict=True):
        # In a cycle, the rows of an export would wait in memory for the collector.
        row.told = told._replace(row=None)
        row.changes = trail.changes(row)


@reads
def evidence_list(request):
    listing = Listing(
        request,
        Evidence.objects.all(),
        EvidenceFilter,
        SORTS,
        noun="act",
        key="sequence",
        dress=tell,
    )
    if "export" in request.GET:
        return listing.export(COLUMNS)
    return render_page(
        request, "governance/evidence_list.html", {"listing": listing}, parts=["list"]
    )


@reads
def evidence(request, sequence):
    """Show one act with every value it left, and what came before and after it."""
    row = get_object_or_404(Evidence, sequence=sequence)
    tell([row])
    return render_page(
        request,
        "governance/evidence.html",
        {
            "row": row,
            "snapshot": trail.snapshot(row),
            "besides": trail.said_besides(row),
            "raw": json.dumps(row.context, ensure_ascii=False, indent=2),
            "neighbours": cache(lambda: trail.neighbours(row)),
            "at_once": cache(lambda: trail.tell(trail.at_once(row)[:SAME_MOMENT])),
        },
    )
