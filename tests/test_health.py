"""What the office says of itself to those who run it, and to those who look at its pages."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.urls import reverse
from django.utils.timezone import now

from governance.models import Watcher
from kit.runtime.database_addresses import OWNER, acting_as
from tests.factories import UserFactory

pytestmark = pytest.mark.pooled

PERIOD = timedelta(seconds=5)


def watch(ago=0.0, **watcher):
    swept_at = now() - timedelta(seconds=ago)
    return Watcher.objects.create(
        host="tower", pid=7, period=PERIOD, **{"swept_at": swept_at} | watcher
    )


def ready(client):
    response = client.get("/readyz")
    answer = response.json()
    assert response.status_code == (200 if answer["status"] == "ok" else 503)
    return {name for name, check in answer["checks"].items() if not check["ok"]}, answer


def test_a_living_process_says_so_without_a_database(client):
    # No database mark: a query would fail the test.
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.django_db(transaction=True)
def test_a_watched_office_is_ready(client):
    watch()
    assert ready(client)[0] == set()


@pytest.mark.django_db(transaction=True)
def test_an_office_that_nobody_watches_is_not_ready(client):
    assert ready(client)[0] == {"watcher"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("ago", "failed"), [(14, set()), (16, {"watcher"})])
def test_a_sweep_counts_for_three_periods(client, ago, failed):
    watch(ago)
    assert ready(client)[0] == failed


@pytest.mark.django_db(transaction=True)
def test_one_living_watcher_is_enough(client):
    watch(3600)
    watch(1)
    assert ready(client)[0] == set()


@pytest.mark.django_db(transaction=True)
def test_a_missing_migration_is_named(client):
    watch()
    recorder = MigrationRecorder(connection)
    with acting_as(OWNER):
        recorder.record_unapplied("governance", "0001_initial")
    try:
        failed, answer = ready(client)
    finally:
        with acting_as(OWNER):
            recorder.record_applied("governance", "0001_initial")
    assert "migrations" in failed
    assert "governance.0001_initial" in answer["checks"]["migrations"]["detail"]


@pytest.mark.django_db(transaction=True)
def test_both_are_asked_over_plain_http_too(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$"]
    watch()
    assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200
    assert client.get("/login/").status_code == 301


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("page", ["inbox", "programs:program_list", "builders:builder_list"])
def test_every_page_says_that_nobody_watches(client, page):
    client.force_login(UserFactory())
    assert "The watcher is not running." in client.get(reverse(page)).text
    watch()
    assert "The watcher is not running." not in client.get(reverse(page)).text


@pytest.mark.django_db(transaction=True)
def test_the_lamps_bring_the_warning_along(client):
    client.force_login(UserFactory())
    htmx = {"HX-Request": "true", "HX-Target": "lamps"}
    assert "The watcher is not running." in client.get("/", headers=htmx).text
