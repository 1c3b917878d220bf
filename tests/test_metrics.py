"""What Prometheus reads: figures of the database, whichever worker answers."""

import os
from datetime import timedelta

import psycopg
import pytest
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpResponse
from django.urls import resolve
from django.utils.timezone import now
from prometheus_client.parser import text_string_to_metric_families

from builders.models import Verdict
from foreman_office import metrics
from governance.models import Classification, RefusedAct, Watcher
from kit.core.acts import Refused, act
from kit.live.hub import Hub
from programs.models import Task
from tests.factories import BlockerFactory, BuilderFactory, HeartbeatFactory

TOKEN = "scrape"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def scrape(client, settings, transactional_db):
    """Read /metrics, and return the figures by name and labels, in the order of their names."""
    settings.FOREMAN_METRICS_TOKEN = TOKEN

    def scrape():
        answer = client.get("/metrics", headers=BEARER)
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("text/plain")
        assert "no-store" in answer["Cache-Control"]
        return {
            (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    return scrape


def test_without_a_token_in_the_settings_there_is_no_such_address(client, settings):
    settings.FOREMAN_METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404
    with pytest.raises(MiddlewareNotUsed):
        metrics.RequestTimesMiddleware(lambda request: HttpResponse())


@pytest.mark.parametrize("sent", ["", "Bearer ", "Bearer scrap", "Basic scrape", "scrape", "ä"])
def test_who_has_not_the_token_is_refused(client, settings, sent):
    settings.FOREMAN_METRICS_TOKEN = TOKEN
    answer = client.get("/metrics", headers={"Authorization": sent})
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


def test_an_office_without_anything_has_a_figure_for_everything_that_is_counted(scrape):
    found = scrape()
    assert found["foreman_up",] == 1
    assert found["foreman_watchers",] == 0
    assert found["foreman_builders", "never-heard"] == 5
    assert {key[1] for key in found if key[0] == "foreman_builders"} == set(Verdict.values)
    kinds = {key[2] for key in found if key[0] == "foreman_open_blockers"}
    assert kinds == set(Classification.values)
    assert not any(key[0] == "foreman_builder_pulse_age_seconds" for key in found)


def test_builders_by_verdict_and_the_age_of_their_pulse(scrape):
    HeartbeatFactory(builder=BuilderFactory(), status="idle")
    found = scrape()
    assert found["foreman_builders", "idle"] == 1
    assert found["foreman_builders", "never-heard"] == 4
    assert 0 <= found["foreman_builder_pulse_age_seconds", "ui-builder"] < 60


def test_open_blockers_by_class_and_age(scrape, task):
    BlockerFactory(entity=task, classification="protected_path")
    old = now() - timedelta(days=2)
    BlockerFactory(entity=task.wave, classification="protected_path", detected_at=old)
    BlockerFactory(entity=task, classification="builder_stall", resolved_at=now())
    found = scrape()
    assert found["foreman_open_blockers", "1h", "protected_path"] == 1
    assert found["foreman_open_blockers", "7d", "protected_path"] == 1
    assert found["foreman_open_blockers", "1h", "builder_stall"] == 0
    assert found["foreman_open_blocker_oldest_seconds", "protected_path"] > 172_000
    assert ("foreman_open_blocker_oldest_seconds", "builder_stall") not in found


def test_beats_stay_counted_when_they_are_removed(scrape, sql):
    sql("SELECT pg_stat_force_next_flush()")
    before = scrape()["foreman_heartbeats_received_total",]
    HeartbeatFactory.create_batch(3, builder=BuilderFactory())
    sql("DELETE FROM heartbeats")
    sql("SELECT pg_stat_force_next_flush()")
    # Sessions of earlier tests may tell only now what they wrote.
    assert scrape()["foreman_heartbeats_received_total",] >= before + 3


def test_acts_are_counted_by_the_rule_that_refused_them(scrape, task):
    def overdo(inner=None):
        with pytest.raises(Refused), act(None), act(inner):
            Task.objects.update(progress_percentage=101)

    overdo()
    overdo(BuilderFactory())  # an act inside another is part of it
    with act(None), pytest.raises(Refused), act(BuilderFactory()):
        Task.objects.update(progress_percentage=101)  # and may be refused without it
    name, rule = "foreman_refused_acts_total", "tasks_progress_percentage_check"
    assert scrape()[name, "foreman", rule] == 2
    assert RefusedAct.objects.count() == 1
    with pytest.raises(Refused), act(BuilderFactory()):
        Task.objects.update(progress_percentage=101)
    assert scrape()[name, "ui-builder", rule] == 1


def test_the_age_of_the_last_sweep(scrape):
    period = timedelta(seconds=5)
    for ago in (2, 3600):
        moment = now() - timedelta(seconds=ago)
        Watcher.objects.create(host="tower", pid=7, period=period, swept_at=moment)
    found = scrape()
    assert found["foreman_watchers",] == 1
    assert 2 <= found["foreman_sweep_age_seconds",] < 60


def test_a_scrape_asks_as_much_however_much_there_is(transactional_db, django_assert_num_queries):
    HeartbeatFactory.create_batch(20, builder=BuilderFactory())
    with django_assert_num_queries(9):
        metrics.read_figures()


def test_while_the_database_hangs_the_process_still_answers(scrape, connect, monkeypatch):
    monkeypatch.setattr(metrics, "PATIENCE", 0.05)
    holder = connect()
    holder.execute("BEGIN; LOCK TABLE builders")
    found = scrape()
    assert found["foreman_up",] == 0
    assert ("foreman_watchers",) not in found
    holder.execute("ROLLBACK")


def test_requests_are_timed_by_the_name_of_their_address(rf, scrape):
    def answer(path, status=200, method="GET"):
        request = rf.generic(method, path)
        request.resolver_match = resolve(path) if path == "/healthz" else None
        middleware = metrics.RequestTimesMiddleware(lambda request: HttpResponse(status=status))
        middleware(request)

    answer("/healthz")
    answer("/healthz")
    answer("/no/such/place", 404, "BREW")
    found = scrape()
    assert found["foreman_request_seconds_count", "healthz", "GET", "200"] == 2
    assert found["foreman_request_seconds_count", "none", "other", "404"] == 1
    metrics.request_seconds.clear()


def test_open_streams_are_counted(scrape):
    def nobody():
        raise psycopg.OperationalError("nobody is there to be heard")

    before = scrape()["foreman_streams",]
    hub = Hub(nobody)
    stream = hub.open({"*"}, 0)
    assert scrape()["foreman_streams",] == before + 1
    hub.close(stream)
    hub.stop()
    assert scrape()["foreman_streams",] == before


def test_a_new_office_counts_from_zero_and_its_dead_hold_nothing(tmp_path, settings):
    settings.FOREMAN_VAR = tmp_path
    settings.FOREMAN_METRICS_TOKEN = ""
    assert metrics.new_directory() == {}
    settings.FOREMAN_METRICS_TOKEN = TOKEN
    metrics.new_directory()
    (tmp_path / "metrics" / "histogram_1.db").touch()
    assert metrics.new_directory() == {metrics.DIRECTORY: str(tmp_path / "metrics")}
    assert list((tmp_path / "metrics").iterdir()) == []

    alive = tmp_path / "metrics" / f"gauge_livesum_{os.getpid()}.db"
    dead = tmp_path / "metrics" / "gauge_livesum_999999999.db"
    counted = tmp_path / "metrics" / "counter_999999999.db"
    for path in (alive, dead, counted):
        path.touch()
    metrics.forget_the_dead(tmp_path / "metrics")
    assert (alive.exists(), dead.exists(), counted.exists()) == (True, False, True)
