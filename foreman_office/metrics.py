"""What Prometheus reads at /metrics, with a token.

The office's own figures are read from the database at each scrape: they are the same whichever
worker answers, and outlive it. Only how long requests took, and who listens to a stream, is known
to the processes alone; theirs are added up through files in var/metrics.
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
from foreman_office.kit.look import Look
from foreman_office.kit.measures import request_seconds, streams
from foreman_office.kit.unavailable import DatabaseError
from governance.models import Classification

PATIENCE = 5  # seconds: Prometheus itself waits for ten
DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"  # where processes leave what they measure


class RequestTimesMiddleware:
    """Measure how long each request takes until its answer begins."""

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
            time.perf_counter() - began
        )
        return response


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer whoever has the token; without one in the settings there is no such address."""
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
    """Remove what killed workers held at this moment. What they counted stays counted."""
    for path in directory.glob("gauge_live*_*.db"):
        pid = int(path.stem.rpartition("_")[2])
        if not psutil.pid_exists(pid):
            mark_process_dead(pid, str(directory))


def new_directory() -> dict[str, str]:
    """Make the directory in which a new office's processes count from zero; return who to tell."""
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
    SELECT count(*) FILTER (WHERE swept_at > now() - period * 3),
        extract(epoch FROM now() - max(swept_at))::float
    FROM watchers
"""

Rows = list[tuple[Any, ...]]


def read() -> dict[str, Rows]:
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
        }


look = Look(read)


class OfficeCollector(Collector):
    """The office's figures. While the database is away there are none, and `foreman_up` says so."""

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            found = look.within(PATIENCE)
        except (*DatabaseError, TimeoutError):
            found = None
        yield GaugeMetricFamily(
            "foreman_up", "Whether the office reaches its database.", value=found is not None
        )
        if found:
            yield from builders(found["builders"])
            yield from blockers(found["blockers"])
            [(received,)] = found["beats"]
            yield CounterMetricFamily(
                "foreman_heartbeats_received", "Heartbeats stored.", value=received
            )
            yield refusals(found["refusals"])
            yield from sweep(*found["sweep"][0])


def builders(rows: Rows) -> Iterator[Metric]:
    by_verdict = GaugeMetricFamily("foreman_builders", "Builders by verdict.", labels=["verdict"])
    for verdict in Verdict:
        by_verdict.add_metric([verdict], sum(row[1] == verdict for row in rows))
    yield by_verdict
    pulse = GaugeMetricFamily(
        "foreman_builder_pulse_age_seconds",
        "Since the builder was last heard; absent if it never was.",
        labels=["builder"],
    )
    for name, _, age in rows:
        if age is not None:
            pulse.add_metric([name], age)
    yield pulse


def blockers(rows: Rows) -> Iterator[Metric]:
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


def refusals(rows: Rows) -> Metric:
    refused = CounterMetricFamily(
        "foreman_refused_acts", "Acts that a rule refused.", labels=["rule", "actor"]
    )
    for rule, actor, occurrences in rows:
        refused.add_metric([rule, actor], occurrences)
    return refused


def sweep(alive: int, age: float | None) -> Iterator[Metric]:
    yield GaugeMetricFamily("foreman_watchers", "Watchers that sweep in time.", value=alive)
    age_of = GaugeMetricFamily("foreman_sweep_age_seconds", "Since the last sweep by any watcher.")
    if age is not None:
        age_of.add_metric([], age)
    yield age_of
