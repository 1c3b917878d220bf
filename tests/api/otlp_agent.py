"""An agent that exports with OpenTelemetry's own SDK: a process of its own, for tests.

Arguments: the tokens of each export. The exporter reads its address from the environment.
"""

import sys

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

reader = PeriodicExportingMetricReader(OTLPMetricExporter(), export_interval_millis=10**9)
provider = MeterProvider([reader], Resource({"service.name": "claude-code"}))
counter = provider.get_meter("agent").create_counter("claude_code.token.usage", "tokens")
for count in map(int, sys.argv[1:]):
    counter.add(count, {"type": "input", "model": "m"})
    assert provider.force_flush()
provider.shutdown()
