"""Lists as files, streamed: CSV, JSON, NDJSON and Markdown of the same rows and columns."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.core.serializers.json import DjangoJSONEncoder
from django.http import StreamingHttpResponse
from django.utils.timezone import now

# The heading of each column, and how a row yields its value: text, number, time, or JSON.
type Columns = Mapping[str, Callable[[Any], Any]]
type Chunks = Iterable[list[Any]]

# What a spreadsheet would take for the beginning of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class Exact(DjangoJSONEncoder):
    """JSON that keeps microseconds, as the database has them."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


def as_json(value: Any) -> str:
    return json.dumps(value, cls=Exact, ensure_ascii=False)


def as_text(value: Any) -> str:
    """Say a value in one cell: times in ISO 8601, structures as JSON, nothing as nothing."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict | list | bool):
        return as_json(value)
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
    """Keep a text in its cell: no bar, no line end, nothing that a reader would take for HTML."""
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


def export(chunks: Chunks, columns: Columns, format: str, *, name: str) -> StreamingHttpResponse:
    """Answer with a file of one of `FORMATS`, written as it is read."""
    _, media, write = FORMATS[format]
    return StreamingHttpResponse(
        write(chunks, columns),
        content_type=f"{media}; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}-{now():%Y-%m-%d}.{format}"',
            "Cache-Control": "no-store",
        },
    )
