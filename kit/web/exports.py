"""Lists as files: CSV, JSON, NDJSON and Markdown of the same rows and columns.

A file holds every row that was there when it was begun, once: it is written to a temporary file
from one snapshot, and sent from there, so that no slow client holds a snapshot open.
"""

import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.core.serializers.json import DjangoJSONEncoder
from django.http import FileResponse, Http404
from django.utils.timezone import now

from kit.core.snapshot import snapshot

# The heading of each column, and how a row yields its value: text, number, time, or JSON.
type Columns = Mapping[str, Callable[[Any], Any]]
type Chunks = Iterable[list[Any]]

IN_MEMORY = 2**20  # bytes of a file; a longer one goes to the disk
# What a spreadsheet would take for the beginning of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class Exact(DjangoJSONEncoder):
    """A JSON encoder that keeps microseconds, as the database has them, and no exponents."""

    def default(self, o: Any) -> Any:
        if isinstance(o, Decimal):
            return f"{o:f}"
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


def as_json(value: Any) -> str:
    return json.dumps(value, cls=Exact, ensure_ascii=False)


def as_text(value: Any) -> str:
    """Return a value as one cell: times in ISO 8601, structures as JSON, None as empty."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict | list | bool):
        return as_json(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def cell(value: Any) -> str:
    """Return a cell that no spreadsheet calculates: text that looks like a formula is quoted."""
    text = as_text(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text


def to_csv(chunks: Chunks, columns: Columns) -> Iterator[str]:
    line = io.StringIO()
    writer = csv.writer(line)

    def taken() -> str:
        text = line.getvalue()
        line.seek(0)
        line.truncate()
        return text

    yield "\ufeff"  # without it Excel reads UTF-8 as something else
    writer.writerow(columns)
    yield taken()
    for rows in chunks:
        writer.writerows([cell(value(row)) for value in columns.values()] for row in rows)
        yield taken()


def records(rows: list[Any], columns: Columns) -> Iterator[str]:
    for row in rows:
        yield as_json({name: value(row) for name, value in columns.items()})


def to_ndjson(chunks: Chunks, columns: Columns) -> Iterator[str]:
    for rows in chunks:
        yield "".join(f"{record}\n" for record in records(rows, columns))


def to_json(chunks: Chunks, columns: Columns) -> Iterator[str]:
    between = "[\n"
    for rows in chunks:
        yield between + ",\n".join(records(rows, columns))
        between = ",\n"
    yield "[]\n" if between == "[\n" else "\n]\n"


def to_markdown(chunks: Chunks, columns: Columns) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}\n"
    for rows in chunks:
        lines = ([in_table(value(row)) for value in columns.values()] for row in rows)
        yield "".join(f"| {' | '.join(line)} |\n" for line in lines)


def in_table(value: Any) -> str:
    """Escape a text for a cell of Markdown: no bar, no line end, no HTML."""
    text = as_text(value)
    for mark in "\\|`*_<>[]":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())


class Format(NamedTuple):
    label: str
    media: str
    write: Callable[[Chunks, Columns], Iterator[str]]


FORMATS = {
    "csv": Format("CSV", "text/csv", to_csv),
    "json": Format("JSON", "application/json", to_json),
    "ndjson": Format("NDJSON", "application/x-ndjson", to_ndjson),
    "md": Format("Markdown", "text/markdown", to_markdown),
}


def format_labels() -> dict[str, str]:
    """Return the formats by their names in the address, as links show them."""
    return {key: format.label for key, format in FORMATS.items()}


def export_as(chunks: Chunks, columns: Columns, format: str, *, name: str) -> FileResponse:
    """Answer with a file of the format in an address, or raise `Http404`."""
    if format not in FORMATS:
        raise Http404("Unknown export format.")
    return file_response(chunks, columns, format, name=name)


def file_response(chunks: Chunks, columns: Columns, format: str, *, name: str) -> FileResponse:
    """Answer with a file of one of `FORMATS`."""
    _, media, write = FORMATS[format]
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  the response closes it
    with snapshot():
        for text in write(chunks, columns):
            file.write(text.encode())
    file.seek(0)
    return FileResponse(
        file,
        as_attachment=True,
        filename=f"{name}-{now():%Y-%m-%d}.{format}",
        content_type=f"{media}; charset=utf-8",
        headers={"Cache-Control": "no-store"},
    )
