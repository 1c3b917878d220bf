"""Exports of OTLP as JSON, for tests, and how they are sent."""

import gzip
import json
import time

from django.test import Client
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

REQUESTS = {"metrics": ExportMetricsServiceRequest, "logs": ExportLogsServiceRequest}
PROTOBUF, JSON = "application/x-protobuf", "application/json"
SECOND = 10**9


def attributes(**named):
    """Return attributes as OTLP has them; two underscores stand for a dot."""
    return [
        {"key": name.replace("__", "."), "value": value_of(value)} for name, value in named.items()
    ]


def value_of(value):
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}


def now_ns():
    return int(time.time()) * SECOND


def data_point(value, at=0, started=-60, **named):
    """Return a data point so many seconds from now; a float or a whole number."""
    told = {"asDouble": value} if isinstance(value, float) else {"asInt": str(value)}
    return {
        "startTimeUnixNano": str(now_ns() + started * SECOND),
        "timeUnixNano": str(now_ns() + at * SECOND),
        "attributes": attributes(**{"model": "claude-sonnet", "session__id": "s-1"} | named),
        **told,
    }


def metric(name, *points, temporality=1, **sum_):
    return {
        "name": name,
        "sum": {
            "aggregationTemporality": temporality,
            "isMonotonic": True,
            "dataPoints": [*points],
            **sum_,
        },
    }


def tokens(*points, **more):
    return metric("claude_code.token.usage", *points, **more)


def export(*metrics, service="claude-code"):
    scope = {"scope": {"name": "meter"}, "metrics": [*metrics]}
    resource = {"attributes": attributes(service__name=service)}
    return {"resourceMetrics": [{"resource": resource, "scopeMetrics": [scope]}]}


def record(body="", at=0, **named):
    return {
        "timeUnixNano": str(now_ns() + at * SECOND),
        "body": {"stringValue": body},
        "attributes": attributes(**{"session__id": "s-1"} | named),
    }


def export_logs(*records, service="claude-code"):
    scope = {"scope": {"name": "events"}, "logRecords": [*records]}
    resource = {"attributes": attributes(service__name=service)}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]}


def send(token, what, body, *, content_type=PROTOBUF, packed=False, **headers):
    """Send an export, as protobuf unless it is bytes or the test says JSON."""
    if isinstance(body, bytes):
        content = body
    elif content_type == PROTOBUF:
        content = json_format.ParseDict(body, REQUESTS[what]()).SerializeToString()
    else:
        content = json.dumps(body).encode()
    if packed:
        content = gzip.compress(content)
        headers["Content-Encoding"] = "gzip"
    headers = {"Authorization": f"Bearer {token}", **headers}
    return Client().generic(
        "POST", f"/otlp/v1/{what}", content, content_type=content_type, headers=headers
    )
