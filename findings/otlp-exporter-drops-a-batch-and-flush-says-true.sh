#!/usr/bin/env bash
# OpenTelemetry (Python): after a refused export force_flush() returns True, and the spans are gone.
#
# One would expect: force_flush() is False when what it flushed did not arrive.
# What happens: the collector answers 400; the exporter logs an error and returns FAILURE; the batch processor has taken
#   the spans out of its queue already and drops the result. force_flush() says True, and a second one sends nothing.
# Versions: opentelemetry-sdk 1.45.2, opentelemetry-exporter-otlp-proto-http 1.45.2 (PyPI).
# Why it matters: a short process that flushes before it ends and trusts the answer loses its trace without knowing.
#   Only the log record of the exporter tells.
# Reference: open-telemetry/opentelemetry-python issue 5020 (the same for metrics).
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile opentelemetry-sdk==1.45.2 opentelemetry-exporter-otlp-proto-http==1.45.2
cat > "$work/export.py" <<'EOF'
import http.server, importlib.metadata, logging, sys, threading
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

requests, records = [], []


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        requests.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(400)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words):
        pass


class Keep(logging.Handler):
    def emit(self, record):
        records.append(record.levelname)


logging.getLogger("opentelemetry").addHandler(Keep())
collector = http.server.HTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=collector.serve_forever, daemon=True).start()
provider = TracerProvider(shutdown_on_exit=False)
exporter = OTLPSpanExporter(endpoint=f"http://127.0.0.1:{collector.server_port}/v1/traces")
provider.add_span_processor(BatchSpanProcessor(exporter))
provider.get_tracer("sample").start_span("work").end()
seen = (provider.force_flush(), len(requests), provider.force_flush(), len(requests), records)
print("version: opentelemetry-sdk", importlib.metadata.version("opentelemetry-sdk"))
print("seen: (first flush, requests so far, second flush, requests so far, records of the log):", seen)
if seen != (True, 1, True, 1, ["ERROR"]):
    sys.exit("not as described: OpenTelemetry has changed")
print("as expected by this finding")
EOF
"$work/venv/bin/python" "$work/export.py"
