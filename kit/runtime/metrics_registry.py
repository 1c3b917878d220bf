"""The metrics of a process; `/metrics` adds those of all processes up."""

from prometheus_client import Gauge, Histogram

request_seconds = Histogram(
    "foreman_request_seconds",
    "Time until the response started, by name of the address, method and status.",
    ["address", "method", "status"],
    registry=None,
)
streams = Gauge(
    "foreman_streams", "Open event streams.", registry=None, multiprocess_mode="livesum"
)
