"""The evidence: all of it, filtered and exported, and each act at an address of its own."""

import json
from functools import cache, partial
from operator import attrgetter

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404

from foreman_office.dashboard.evidence import sentences
from foreman_office.dashboard.evidence.filters import EvidenceFilter
from foreman_office.dashboard.evidence.folding import Folded
from foreman_office.dashboard.evidence.text_search import found_in
from foreman_office.dashboard.saved_views.reading import opens_with_default
from governance.models import Evidence, RecordKind
from governance.sealing.proofs import proof_of, seals_of
from kit.core.roles import may_oversee, oversees, reads
from kit.web.addresses import address_of, address_then
from kit.web.htmx import render_page
from kit.web.listing import Listing, Sort

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
    "person": lambda row: row.facts.get("user"),
    "backend": attrgetter("backend"),
    "model": attrgetter("model"),
    "override": lambda row: row.facts.get("override"),
    "witnessed": attrgetter("witnessed"),
    "context": attrgetter("context"),
}


def add_sentences(rows, text=""):
    """Add to each row its sentence, `told`, its exact values, and its seal if it has one.

    And where in it a text is that was looked for.
    """
    seals = seals_of(row.sequence for row in rows)
    for row, told in zip(rows, sentences.describe(rows), strict=True):
        # In a cycle, the rows of an export would wait in memory for the collector.
        row.told = told._replace(row=None)
        row.changes = sentences.changed_values(row)
        row.seal = seals.get(row.sequence)
        row.found = found_in(row, text)


@reads
@opens_with_default
def evidence_list(request):
    listing = Listing(
        request,
        Evidence.objects.all(),
        EvidenceFilter,
        SORTS,
        noun="evidence row",
        key="sequence",
        annotate_rows=partial(add_sentences, text=request.GET.get("q", "")),
    )
    if "export" in request.GET:
        return listing.export(COLUMNS)
    context = {"listing": listing, "may_oversee": may_oversee(request)}
    return render_page(request, "evidence/evidence_list.html", context, parts=["list"])


def told_one_by_one(rows):
    return [Folded(entry, []) for entry in sentences.describe(rows)]


@reads
def evidence(request, sequence):
    """Show one act with every value it left, and what came before and after it."""
    row = get_object_or_404(Evidence, sequence=sequence)
    add_sentences([row])
    return render_page(
        request,
        "evidence/evidence.html",
        {
            "row": row,
            "snapshot": sentences.recorded_snapshot(row),
            "besides": sentences.said_besides(row),
            "raw": json.dumps(row.context, ensure_ascii=False, indent=2),
            "then": entity_after(row),
            "neighbours": cache(lambda: sentences.neighbours(row)),
            "at_once": cache(lambda: told_one_by_one(sentences.at_once(row)[:SAME_MOMENT])),
        },
    )


def entity_after(row):
    """Return the page of what an act is about, as of then; of what it deleted there is none."""
    about = row.told.entity
    if row.action == "deleted" or not row.witnessed:
        return ""
    if row.entity_type == "builder":
        return address_then(about.get_absolute_url(), row.timestamp) if about else ""
    return address_then(address_of(f"programs:{row.entity_type}", row.entity_id), row.timestamp)


@reads
def evidence_proof(request, sequence):
    """Answer with the proof that a row is sealed, as a file for verifiers."""
    return proof_file(RecordKind.EVIDENCE, sequence)


@oversees
def office_log_proof(request, sequence):
    """Answer with the proof that an entry of the office log is sealed."""
    return proof_file(RecordKind.OFFICE, sequence)


def proof_file(kind, sequence):
    seal = seals_of([sequence], kind).get(sequence)
    if not seal:
        raise Http404(f"Row {sequence} is not sealed yet, or does not exist.")
    return HttpResponse(
        proof_of(seal, kind),
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{kind}-{sequence}.tlog-proof"'},
    )
