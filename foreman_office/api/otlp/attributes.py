"""Attributes of OTLP: read by name, and as what identifies a series."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

MAX_NAME = 200  # characters of what is kept of a name

Attributes = dict[str, AnyValue]


def by_key(pairs: Iterable[KeyValue]) -> Attributes:
    return {pair.key: pair.value for pair in pairs}


def text(found: Attributes, *names: str) -> str:
    """Return the first of these attributes that is a text, without NUL, or the empty text."""
    for name in names:
        value = found.get(name)
        if value is not None and value.string_value:
            return shortened(value.string_value)
    return ""


def shortened(name: str) -> str:
    return name.replace("\0", "")[:MAX_NAME]


def told_number(value: AnyValue) -> int | float | str | None:
    """Return a count as it is told: some agents write all of their attributes as text."""
    kind = value.WhichOneof("value")
    if kind in ("int_value", "double_value", "string_value"):
        told: int | float | str = getattr(value, kind)
        return told
    return None


class Origin:
    """The resource and scope of what is exported."""

    def __init__(self, resource: Resource, scope: InstrumentationScope) -> None:
        self.attributes = by_key(resource.attributes)
        self.service = text(self.attributes, "service.name")
        self.scope = shortened(scope.name)
        self.identity = [*_in_order(resource.attributes), scope.name, scope.version]
        self.identity += _in_order(scope.attributes)

    def digest(self, pairs: Sequence[KeyValue], *more: str) -> bytes:
        """Return what identifies a series of this origin with these attributes: 32 bytes."""
        digest = hashlib.sha256()
        for part in (*self.identity, "attributes", *_in_order(pairs), "series", *more):
            content = part if isinstance(part, bytes) else part.encode()
            digest.update(len(content).to_bytes(8) + content)
        return digest.digest()


def _in_order(pairs: Iterable[KeyValue]) -> list[Any]:
    """Return each attribute in a form that does not depend on how they were sent, in one order."""
    return sorted(pair.SerializeToString(deterministic=True) for pair in pairs)
