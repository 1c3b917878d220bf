"""OpenTelemetry's own SDK as sender: delta and cumulative, a restart, two processes, its logs."""

import os
import subprocess
import sys
from decimal import Decimal

import pytest
from django.db.models import Sum
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExportResult,
    PeriodicExportingMetricReader,
)

from builders.actions import issue_token
from builders.models import UsageHour, UsageRemark
from tests.factories import BuilderFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def headers(live_server):
    return {"authorization": f"Bearer {issue_token(BuilderFactory(), by=None)[1]}"}


def used():
    rows = UsageHour.objects.counted().values_list("kind").annotate(sum=Sum("amount"))
    return {kind: total for kind, total in rows.order_by("kind") if total}


class Twice(OTLPMetricExporter):
    """Sends each export twice, as an exporter does that has missed the answer."""

    def export(self, *args, **options):
        assert super().export(*args, **options) is MetricExportResult.SUCCESS
        return super().export(*args, **options)


@pytest.mark.parametrize("temporality", ["DELTA", "CUMULATIVE"])
def test_what_the_sdk_exports_is_counted_once(live_server, headers, temporality):
    kind = AggregationTemporality[temporality]
    exporter = Twice(
        f"{live_server.url}/otlp/v1/metrics",
        headers=headers,
        compression=Compression.Gzip,
        preferred_temporality={Counter: kind, Histogram: kind},
    )
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=10**9)
    provider = MeterProvider([reader])
    meter = provider.get_meter("agent")
    tokens = meter.create_counter("claude_code.token.usage", "tokens")
    cost = meter.create_counter("claude_code.cost.usage", "USD")
    unknown = meter.create_counter("my.counter")
    for _ in range(3):
        tokens.add(100, {"type": "input", "model": "m"})
        tokens.add(10, {"type": "output", "model": "m"})
        cost.add(0.25, {"model": "m"})
        unknown.add(1)
        assert provider.force_flush()
    assert provider.force_flush()  # nothing new
    provider.shutdown()
    assert used() == {"input": 300, "output": 30, "cost": Decimal("0.75")}
    assert UsageRemark.objects.get().subject == "my.counter"


def test_a_histogram_counts_for_its_sum(live_server, headers):
    exporter = OTLPMetricExporter(f"{live_server.url}/otlp/v1/metrics", headers=headers)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=10**9)
    provider = MeterProvider([reader])
    usage = provider.get_meter("agent").create_histogram("gen_ai.client.token.usage", "{token}")
    for count in (7, 5000):
        usage.record(count, {"gen_ai.token.type": "input", "gen_ai.response.model": "m"})
        assert provider.force_flush()
    provider.shutdown()
    assert used() == {"input": 5007}


def test_the_sdks_log_records_are_counted(live_server, headers):
    provider = LoggerProvider()
    exporter = OTLPLogExporter(f"{live_server.url}/otlp/v1/logs", headers=headers)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger = provider.get_logger("events")
    for count in (5, 6):
        logger.emit(
            event_name="claude_code.api_request",
            body="a prompt",
            attributes={"model": "m", "input_tokens": count, "cost_usd": 0.5},
        )
    provider.shutdown()
    assert used() == {"input": 11, "cost": 1}


def test_processes_side_by_side_and_one_after_another_are_told_apart(live_server, headers):
    def begin(temporality, *counts):
        return subprocess.Popen(
            [sys.executable, "-m", "tests.api.otlp_agent", *map(str, counts)],
            env=os.environ
            | {
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"{live_server.url}/otlp",
                "OTEL_EXPORTER_OTLP_HEADERS": "authorization=" + headers["authorization"],
                "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": temporality,
            },
            stderr=subprocess.PIPE,
        )

    side_by_side = [begin("cumulative", 1, 10), begin("delta", 100, 1000), begin("delta", 2000)]
    for process in [*side_by_side, begin("cumulative", 10_000)]:
        _, said = process.communicate()
        assert process.returncode == 0, said
    assert used() == {"input": 13_111}
