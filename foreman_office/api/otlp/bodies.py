"""The bodies of OTLP over HTTP: bounded, unpacked, and read as far as they can be.

A batch is refused only if nothing in it can be read: exporters drop what is answered with a 4xx. So
in JSON each metric and each log record is read by itself.
"""

import json
import zlib
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, UnreadablePostError
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from foreman_office.api.otlp.reading import Reading
from kit.web.api import Problem
from kit.web.large import refuse_in_a_crowd

PROTOBUF, JSON = "application/x-protobuf", "application/json"
MAX_BODY = 4 * 2**20
MAX_UNPACKED = 8 * 2**20
MAX_MEMBERS = 100  # of a gzip file: reading one copies all that follows it
MAX_DEPTH = 60

Request = ExportMetricsServiceRequest | ExportLogsServiceRequest
# Where the single items are in the JSON of a request, and what one is called in a remark.
PATHS = {
    ExportMetricsServiceRequest: ("resourceMetrics", "scopeMetrics", "metrics", "name"),
    ExportLogsServiceRequest: ("resourceLogs", "scopeLogs", "logRecords", "eventName"),
}


def read_export(request: HttpRequest) -> bytes:
    """Return the body as it was before it was packed.

    Exporters that pack send it in chunks, without its length: the server knows where it ends.
    """
    if request.content_type not in (PROTOBUF, JSON):
        raise Problem(
            415, "Content-Type", "media_type", f"The content type must be {PROTOBUF} or {JSON}."
        )
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity").lower()
    if encoding not in ("gzip", "identity"):
        raise Problem(
            415, "Content-Encoding", "gzip_or_identity", "Send the body with gzip, or unencoded."
        )
    content = _content(request)
    return _unpacked(content) if encoding == "gzip" else content


def _content(request: HttpRequest) -> bytes:
    length = request.META.get("CONTENT_LENGTH") or ""
    is_chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    if is_chunked and not request.META.get("wsgi.input_terminated"):
        raise Problem(411, "Content-Length", "length_known", "Send a Content-Length header.")
    if not is_chunked and (not length.isdecimal() or int(length) > MAX_BODY):
        raise _too_large(MAX_BODY)
    refuse_in_a_crowd(MAX_BODY if is_chunked else int(length))
    try:
        content: bytes = (
            request.META["wsgi.input"].read(MAX_BODY + 1) if is_chunked else request.body
        )
    except (UnreadablePostError, OSError):
        raise Problem(400, "body", "body_complete", "The body is incomplete.") from None
    if len(content) > MAX_BODY:
        raise _too_large(MAX_BODY)
    return content


def _too_large(limit: int) -> Problem:
    return Problem(413, "body", "body_size", f"The body may have at most {limit} bytes.")


def _unpacked(content: bytes) -> bytes:
    """Return the content of a gzip file; of one that claims little and holds much, no more."""
    found = bytearray()
    members = 0
    try:
        while content:  # a file may have several members
            members += 1
            if members > MAX_MEMBERS:
                raise Problem(400, "body", "gzip", f"The gzip has more than {MAX_MEMBERS} members.")
            unpacking = zlib.decompressobj(wbits=31)
            found += unpacking.decompress(content, MAX_UNPACKED + 1 - len(found))
            if len(found) > MAX_UNPACKED:
                raise _too_large(MAX_UNPACKED)
            if not unpacking.eof:
                raise Problem(400, "body", "gzip", "The gzip of the body is incomplete.")
            content = unpacking.unused_data
    except zlib.error as error:
        raise Problem(400, "body", "gzip", f"The body is not gzip: {error}.") from None
    return bytes(found)


def parse(content: bytes, content_type: str, kind: type[Request], reading: Reading) -> Request:
    """Return the message of a body, without the items in it that cannot be read."""
    try:
        if content_type == PROTOBUF:
            return kind.FromString(content)
        return _from_json(json.loads(content), kind, reading)
    except DecodeError:
        raise Problem(400, "body", "protobuf", f"The body is no {kind.__name__}.") from None
    except (ValueError, RecursionError) as error:
        raise Problem(400, "body", "json", f"The body is not JSON: {error}.") from None


def _from_json(document: Any, kind: type[Request], reading: Reading) -> Request:
    """Return the message of a document. What does not fit is left out, an item at a time."""
    found = kind()
    if _fits(document, found):
        return found
    found = kind()
    outer, inner, items, name = PATHS[kind]
    for of_resource in _objects(document, outer):
        resource = getattr(found, _snake(outer)).add()
        if not _fits({"resource": of_resource.get("resource")}, resource):
            resource.Clear()
        for of_scope in _objects(of_resource, inner):
            scope = getattr(resource, _snake(inner)).add()
            if not _fits({"scope": of_scope.get("scope")}, scope):
                scope.Clear()
            for item in _objects(of_scope, items):
                read = getattr(scope, _snake(items)).add()
                if not _fits(item, read):
                    del getattr(scope, _snake(items))[-1]
                    said = item.get(name)
                    reading.reject(
                        said[:200].replace("\0", "") if isinstance(said, str) else items,
                        "It is not as OTLP has it.",
                    )
    return found


def _fits(value: Any, message: Message) -> bool:
    try:
        json_format.ParseDict(
            value, message, ignore_unknown_fields=True, max_recursion_depth=MAX_DEPTH
        )
    except (json_format.ParseError, ValueError, TypeError, AttributeError, RecursionError):
        return False
    return True


def _objects(value: Any, key: str) -> Iterator[dict[str, Any]]:
    found = value.get(key, value.get(_snake(key))) if isinstance(value, dict) else None
    if isinstance(found, list):
        yield from (each for each in found if isinstance(each, dict))


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
