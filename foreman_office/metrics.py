"""The endpoint /metrics, which Prometheus reads with a token.

The office's own figures are read from the database at each scrape: they are the same whichever
worker answers, and outlive it. Only the duration of requests and the number of streams are known
to the processes alone; these are added up through files in var/metrics.
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from builders.models import Verdict, silence_threshold
from governance.models import Classification
from governance.sealing.sealer import unsealed
from kit.core.outages import DATABASE_AWAY
from kit.runtime.background_probe import SingleFlight
from kit.runtime.metrics_registry import request_seconds, streams

PATIENCE = 5  # seconds: Prometheus itself waits for ten
DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"  # where processes leave what they measure


class RequestTimesMiddleware:
    """Measure how long each request takes until its answer begins.

    What a long poll was asked to wait is none of it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.FOREMAN_METRICS_TOKEN:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        address = match.view_name if match and match.view_name else "none"
        method = request.method if request.method in ("GET", "HEAD", "POST") else "other"
        request_seconds.labels(address, method, response.status_code).observe(
            time.perf_counter() - began - getattr(request, "waited", 0)
        )
        return response


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with the metrics if the token is right; without a token in the settings, 404."""
    if not settings.FOREMAN_METRICS_TOKEN:
        raise Http404
    sent = request.headers.get("Authorization", "")
    if not constant_time_compare(sent, f"Bearer {settings.FOREMAN_METRICS_TOKEN}"):
        headers = {"WWW-Authenticate": "Bearer"}
        return HttpResponse("Send the token of FOREMAN_METRICS_TOKEN.", status=401, headers=headers)
    return HttpResponse(generate_latest(registry()), content_type=CONTENT_TYPE_LATEST)


def registry() -> CollectorRegistry:
    found = CollectorRegistry()
    found.register(OfficeCollector())
    directory = os.environ.get(DIRECTORY)
    if directory:
        forget_the_dead(Path(directory))
        MultiProcessCollector(found, directory)
    else:
        found.register(request_seconds)
        found.register(streams)
    return found


def forget_the_dead(directory: Path) -> None:
    """Remove the gauges of killed workers. Their counters stay."""
    for path in directory.glob("gauge_live*_*.db"):
        pid = int(path.stem.rpartition("_")[2])
        if not psutil.pid_exists(pid):
            mark_process_dead(pid, str(directory))


def new_directory() -> dict[str, str]:
    """Create the empty directory of a new office's counts; return the environment that names it."""
    if not settings.FOREMAN_METRICS_TOKEN:
        return {}
    directory = settings.FOREMAN_VAR / "metrics"
    directory.mkdir(parents=True, exist_ok=True)
    for path in directory.glob("*.db"):
        path.unlink()
    return {DIRECTORY: str(directory)}


# --- from the database ----------------------------------------------------------------------------

BUILDERS = """
    SELECT builder_id, builders_verdict(builder_id, %s, now()),
        extract(epoch FROM now() - builders_pulse(builder_id))::float
    FROM builders ORDER BY builder_id
"""
BLOCKERS = """
    SELECT classification,
        CASE
            WHEN now() - detected_at < interval '1 hour' THEN '1h'
            WHEN now() - detected_at < interval '1 day' THEN '1d'
            WHEN now() - detected_at < interval '7 days' THEN '7d'
            ELSE 'older'
        END AS age,
        count(*), extract(epoch FROM now() - min(detected_at))::float
    FROM blockers WHERE resolved_at IS NULL GROUP BY 1, 2
"""
# PostgreSQL's own count, so that a million rows are not counted at each scrape, and those removed
# by retention stay counted. It begins anew after a crash of the server, as a counter may.
BEATS = "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relid = 'heartbeats'::regclass"
REFUSALS = "SELECT rule, actor, occurrences FROM refused_acts ORDER BY rule, actor"
SWEEP = """
    SELECT count(*) FILTER (WHERE left_at IS NULL AND swept_at > now() - period * 3),
        extract(epoch FROM now() - max(swept_at))::float
    FROM watchers
"""

CHECKPOINT = "SELECT extract(epoch FROM now() - max(made_at))::float FROM evidence_checkpoints"
MOST_UNSEALED = 100_000  # are counted, so that a scrape stays cheap

Rows = list[tuple[Any, ...]]


def read_figures() -> dict[str, Rows]:
    with connection.cursor() as cursor:

        def rows(query: str, *params: Any) -> Rows:
            cursor.execute(query, params)
            return cursor.fetchall()

        return {
            "builders": rows(BUILDERS, silence_threshold()),
            "blockers": rows(BLOCKERS),
            "beats": rows(BEATS),
            "refusals": rows(REFUSALS),
            "sweep": rows(SWEEP),
            "sealing": [(*rows(CHECKPOINT)[0], unsealed(MOST_UNSEALED))],
        }


look = SingleFlight(read_figures)


class OfficeCollector(Collector):
    """The office's figures. Without its database there is only `foreman_up`, which is 0."""

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            found = look.within(PATIENCE)
        except (*DATABASE_AWAY, TimeoutError):
            found = None
        yield GaugeMetricFamily(
            "foreman_up", "Whether the office reaches its database.", value=found is not None
        )
        if found:
            yield from builder_metrics(found["builders"])
            yield from blocker_metrics(found["blockers"])
            [(received,)] = found["beats"]
            yield CounterMetricFamily(
                "foreman_heartbeats_received", "Heartbeats stored.", value=received
            )
            yield refusal_metrics(found["refusals"])
            yield from sweep_metrics(*found["sweep"][0])
            yield from sealing_metrics(*found["sealing"][0])


def builder_metrics(rows: Rows) -> Iterator[Metric]:
    by_verdict = GaugeMetricFamily("foreman_builders", "Builders by verdict.", labels=["verdict"])
    for verdict in Verdict:
        by_verdict.add_metric([verdict], sum(row[1] == verdict for row in rows))
    yield by_verdict
    pulse = GaugeMetricFamily(
        "foreman_builder_pulse_age_seconds",
        "Time since the last sign of the builder; absent if there is none.",
        labels=["builder"],
    )
    for name, _, age in rows:
        if age is not None:
            pulse.add_metric([name], age)
    yield pulse


def blocker_metrics(rows: Rows) -> Iterator[Metric]:
    by_age = GaugeMetricFamily(
        "foreman_open_blockers",
        "Open blockers by classification and age: under 1h, under 1d, under 7d, older.",
        labels=["classification", "age"],
    )
    oldest = GaugeMetricFamily(
        "foreman_open_blocker_oldest_seconds",
        "Age of the oldest open blocker of each classification; absent if there is none.",
        labels=["classification"],
    )
    counts = {(kind, age): count for kind, age, count, _ in rows}
    for kind in Classification:
        for age in ("1h", "1d", "7d", "older"):
            by_age.add_metric([kind, age], counts.get((kind, age), 0))
        ages = [seconds for found, _, _, seconds in rows if found == kind]
        if ages:
            oldest.add_metric([kind], max(ages))
    yield by_age
    yield oldest


def refusal_metrics(rows: Rows) -> Metric:
    refused = CounterMetricFamily(
        "foreman_refused_acts", "Acts that a rule refused.", labels=["rule", "actor"]
    )
    for rule, actor, occurrences in rows:
        refused.add_metric([rule, actor], occurrences)
    return refused


def sweep_metrics(alive: int, age: float | None) -> Iterator[Metric]:
    yield GaugeMetricFamily("foreman_watchers", "Watchers that sweep in time.", value=alive)
    age_of = GaugeMetricFamily("foreman_sweep_age_seconds", "Since the last sweep by any watcher.")
    if age is not None:
        age_of.add_metric([], age)
    yield age_of


def sealing_metrics(age: float | None, waiting: int) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "foreman_unsealed_rows",
        f"Rows of the record that are not sealed yet; counted up to {MOST_UNSEALED}.",
        value=waiting,
    )
    age_of = GaugeMetricFamily(
        "foreman_checkpoint_age_seconds", "Since the last checkpoint; absent if there is none."
    )
    if age is not None:
        age_of.add_metric([], age)
    yield age_of
