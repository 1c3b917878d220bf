"""What only a process knows of itself; `/metrics` adds the processes up."""

from prometheus_client import Gauge, Histogram

request_seconds = Histogram(
    "foreman_request_seconds",
    "How long requests took until their answer began, by name of the address, method, status.",
    ["address", "method", "status"],
    registry=None,
)
streams = Gauge(
    "foreman_streams", "Open event streams.", registry=None, multiprocess_mode="livesum"
)
