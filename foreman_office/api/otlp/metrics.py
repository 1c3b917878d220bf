"""Points of usage in an export of metrics."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    DataPointFlags,
    Metric,
    ResourceMetrics,
)

from builders.models import UsageKind
from builders.usage import DataPoint, stored_value
from foreman_office.api.otlp.attributes import Origin, by_key, shortened, text
from foreman_office.api.otlp.known import METRICS, SESSION, KnownMetric, Whole, is_of_no_usage
from foreman_office.api.otlp.reading import Reading, Times

TEMPORALITIES = {
    AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA: False,
    AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE: True,
}


def read_metrics(exported: Iterable[ResourceMetrics], reading: Reading) -> None:
    """Collect the points of all metrics that are known, and remarks about the others."""
    for of_resource in exported:
        for of_scope in of_resource.scope_metrics:
            origin = Origin(of_resource.resource, of_scope.scope)
            for metric in of_scope.metrics:
                _read_metric(origin, metric, reading)


def _read_metric(origin: Origin, metric: Metric, reading: Reading) -> None:
    name = shortened(metric.name)
    shape = metric.WhichOneof("data")
    data = getattr(metric, shape) if shape else None
    points = data.data_points if data else []
    known = METRICS.get(metric.name)
    if known is None:
        if not is_of_no_usage(metric.name):
            reading.reject(name, "This metric is not known.", len(points))
        return
    if fault := _fault_of(shape, data):
        reading.reject(name, fault, len(points))
        return
    is_cumulative = TEMPORALITIES[data.aggregation_temporality]
    for each in points:
        if not each.flags & DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK:
            _read_point(origin, metric, known, each, is_cumulative, reading)


def _fault_of(shape: str | None, data: Any) -> str:
    """Return why the points of a known metric cannot be counted, or nothing."""
    if shape not in ("sum", "histogram", "exponential_histogram"):
        return "It is neither a sum nor a histogram, so it cannot be added up."
    if shape == "sum" and not data.is_monotonic:
        return "It may fall, so it is no count of what was used."
    if data.aggregation_temporality not in TEMPORALITIES:
        return "It does not say whether it is delta or cumulative."
    return ""


def _read_point(
    origin: Origin, metric: Metric, known: KnownMetric, each: Any, is_cumulative: bool,
    reading: Reading,
) -> None:  # fmt: skip
    times = Times(each.start_time_unix_nano, each.time_unix_nano)
    value = _value_of(each)
    if value is None or times.fault:
        reading.reject(shortened(metric.name), times.fault or "A data point has no usable value.")
        return
    attributes = by_key(each.attributes)
    whole = known.kinds.get(text(attributes, known.kind), Whole(UsageKind.OTHER))
    reading.points.append(
        DataPoint(
            service=origin.service,
            session=text(attributes, *SESSION) or text(origin.attributes, *SESSION),
            source=known.source,
            digest=origin.digest(
                each.attributes,
                metric.name,
                metric.unit,
                metric.WhichOneof("data") or "",
                "cumulative" if is_cumulative else "delta",
            ),
            is_cumulative=is_cumulative,
            model=text(attributes, *known.model),
            kind=whole.kind,
            part_of=whole.part_of,
            started_ns=times.started_ns,
            at_ns=times.at_ns,
            value=value,
        )
    )


def _value_of(each: Any) -> Decimal | None:
    """Return the value of a number, or the sum of a histogram."""
    if hasattr(each, "as_int"):
        kind = each.WhichOneof("value")
        return stored_value(getattr(each, kind)) if kind else None
    return stored_value(each.sum) if each.HasField("sum") else None
