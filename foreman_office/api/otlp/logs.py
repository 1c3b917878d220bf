"""Points of usage in an export of log records, of which nothing else is read."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs

from builders.usage import DataPoint, stored_value
from foreman_office.api.otlp.attributes import Attributes, Origin, by_key, text, told_number
from foreman_office.api.otlp.known import (
    CONVENTION_EVENT,
    EVENTS,
    EVENTS_OF_SERVICES,
    SESSION,
    KnownEvent,
)
from foreman_office.api.otlp.reading import Reading, Times


def read_logs(exported: Iterable[ResourceLogs], reading: Reading) -> None:
    """Collect the counts of all records that are known. Others are nothing to remark."""
    for of_resource in exported:
        for of_scope in of_resource.scope_logs:
            origin = Origin(of_resource.resource, of_scope.scope)
            for record in of_scope.log_records:
                _read_record(origin, record, reading)


def _read_record(origin: Origin, record: LogRecord, reading: Reading) -> None:
    attributes = by_key(record.attributes)
    name, known = _known(origin, record, attributes)
    if known is None:
        return
    times = Times(
        # Two requests may end in one millisecond: what differs in them tells them apart.
        int.from_bytes(origin.digest(record.attributes, name)[:8]) >> 1,
        record.time_unix_nano or record.observed_time_unix_nano,
    )
    if times.fault:
        reading.reject(name, times.fault)
        return
    wrong = []
    for field, whole in known.counts.items():
        told = attributes.get(field)
        value = _value_told(told) if told is not None else Decimal(0)
        if value is None:
            wrong.append(field)
        if not value:
            continue
        session = text(attributes, *SESSION) or text(origin.attributes, *SESSION)
        model = text(attributes, *known.model)
        reading.points.append(
            DataPoint(
                service=origin.service,
                session=session,
                source=known.source,
                digest=origin.digest([], name, field, session, model),
                is_cumulative=False,
                model=model,
                kind=whole.kind,
                part_of=whole.part_of,
                started_ns=times.started_ns,
                at_ns=times.at_ns,
                value=value,
            )
        )
    if wrong:
        reading.reject(name, f"No usable number: {', '.join(wrong)}.")


def _known(
    origin: Origin, record: LogRecord, attributes: Attributes
) -> tuple[str, KnownEvent | None]:
    """Return the name of a record and what is known of it."""
    for name in (record.event_name, text(attributes, "event.name"), record.body.string_value):
        full = EVENTS_OF_SERVICES.get((origin.service, name), name)
        if full in EVENTS:
            return full, EVENTS[full]
    if CONVENTION_EVENT.counts.keys() & attributes.keys():
        return "gen_ai.usage", CONVENTION_EVENT
    return "", None


def _value_told(told: AnyValue) -> Decimal | None:
    value = told_number(told)
    if isinstance(value, str):
        try:
            value = Decimal(value.strip()) if len(value) < 40 else None
        except InvalidOperation:
            return None
    return None if value is None else stored_value(value)
