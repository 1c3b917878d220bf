"""The archive as a page to read: one HTML file without script, written a part at a time."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.template.loader import render_to_string

from foreman_office.dashboard.evidence import sentences
from foreman_office.dashboard.evidence_archive.rows import Row
from governance.quality import Certificate

TEMPLATE = "evidence_archive/archive.html"


class Completed(NamedTuple):
    """A completed task: what its certificate says, and its file; without one, nothing is proven."""

    task: str
    wave: str
    summary: str = "Completed without it"
    file: str = ""


def certificate_in_words(certificate: Certificate) -> str:
    """Return what a certificate says in a sentence."""
    red, green = certificate.red, certificate.green
    parts = [
        f"{red.failing_tests} of {red.total_tests} tests failed before the work,"
        f" {green.passing_tests} of {green.total_tests} pass after it",
        f"checked by {'name' if certificate.by_name else 'counts only'}",
        "tests removed or skipped" if certificate.moved else "",
        "edited by hand" if certificate.edited else "",
        "criteria changed" if certificate.changes else "",
    ]
    return "; ".join(filter(None, parts))


class Line(NamedTuple):
    """A row of evidence as the page shows it."""

    position: int | None
    at: str
    told: sentences.EvidenceEntry


def html_page(told: Any, filter: str, key: str, table: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the page around the table of the rows."""
    context = {
        "told": told,
        "filter": filter,
        "key": key,
        "as_of": utc(told.as_of),
        "rows_digest": told.digests["rows.jsonl"],
    }
    yield part("head", context)
    yield from table
    yield part("foot", context)


def lines(rows: Sequence[Row]) -> bytes:
    """Return rows as lines of the page's table."""
    evidence = [row.evidence() for row in rows]
    entries = sentences.describe(evidence)
    shown = [
        Line(row.position, str(each.timestamp), entry)
        for row, each, entry in zip(rows, evidence, entries, strict=True)
    ]
    return part("lines", {"lines": shown})


def part(name: str, context: dict[str, Any]) -> bytes:
    return render_to_string(f"{TEMPLATE}#{name}", context).encode()


def utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
