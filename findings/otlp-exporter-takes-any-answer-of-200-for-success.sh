#!/usr/bin/env bash
# OpenTelemetry (Python): the exporter never reads what the collector answers; "all rejected" and a login page are success.
#
# One would expect: a partial_success that says how many spans were rejected, and why, is at least logged; an HTML page
#   instead of an OTLP answer is an error.
# What happens: only the status line is looked at. A 200 whose body rejects every span, and a 200 that is the page of some
#   proxy, both count as exported: SpanExportResult.SUCCESS, and not one record in the log.
# Versions: opentelemetry-sdk 1.45.2, opentelemetry-exporter-otlp-proto-http 1.45.2 (PyPI).
# Why it matters: a quota or a rule of the collector throws spans away while the sender reports health. Ask the collector
#   for what it kept.
# Reference: open-telemetry/opentelemetry-python issues 2882 and 4803.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile opentelemetry-sdk==1.45.2 opentelemetry-exporter-otlp-proto-http==1.45.2
cat > "$work/export.py" <<'EOF'
import http.server, importlib.metadata, logging, sys, threading
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTracePartialSuccess, ExportTraceServiceResponse
from opentelemetry.sdk.trace import TracerProvider

records, answer = [], {}


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", answer["type"])
        self.send_header("Content-Length", str(len(answer["body"])))
        self.end_headers()
        self.wfile.write(answer["body"])

    def log_message(self, *words):
        pass


class Keep(logging.Handler):
    def emit(self, record):
        records.append(record.getMessage())


logging.getLogger().addHandler(Keep())
collector = http.server.HTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=collector.serve_forever, daemon=True).start()
exporter = OTLPSpanExporter(endpoint=f"http://127.0.0.1:{collector.server_port}/v1/traces")
span = TracerProvider(shutdown_on_exit=False).get_tracer("sample").start_span("work")
span.end()
rejected = ExportTraceServiceResponse(partial_success=ExportTracePartialSuccess(rejected_spans=1, error_message="quota"))
seen = {}
for kind, media, body in (
    ("all rejected", "application/x-protobuf", rejected.SerializeToString()),
    ("a login page", "text/html", b"<html><body>Please log in</body></html>"),
):
    answer.update(type=media, body=body)
    seen[kind] = exporter.export([span]).name
print("version: opentelemetry-exporter-otlp-proto-http", importlib.metadata.version("opentelemetry-exporter-otlp-proto-http"))
print("seen: results", seen, "records of the log", records)
if (seen, records) != ({"all rejected": "SUCCESS", "a login page": "SUCCESS"}, []):
    sys.exit("not as described: the exporter has changed")
print("as expected by this finding")
EOF
"$work/venv/bin/python" "$work/export.py"
