import json
import select
import subprocess
import sys

import psycopg
import pytest
from django.db import connection

from kit.runtime import pool
from tests.platform.conftest import ROOT, copied, environment

SERVER = {"DATABASE_URL": "postgres://foreman@db.example/foreman", "SECRET_KEY": "a secret"}


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({**SERVER, "SECRET_KEY": ""}, "SECRET_KEY"),
        ({"DATABASE_URL": "mysql://localhost/x", "SECRET_KEY": "s"}, "DATABASE_URL"),
        ({"DATABASE_URL": "nonsense", "SECRET_KEY": "s"}, "DATABASE_URL"),
        ({**SERVER, "DATABASE_MEMBER_URL": SERVER["DATABASE_URL"]}, "a role of its own"),
        ({"DEBUG": "perhaps"}, "DEBUG"),
        ({"HTTPS": "perhaps"}, "HTTPS"),
        ({"PORT": "eighty"}, "PORT"),
        ({"PORT": "65536"}, "PORT"),
        ({"WEB_WORKERS": "0"}, "WEB_WORKERS"),
        ({"WEB_THREADS": "many"}, "WEB_THREADS"),
        ({"FOREMAN_DB_POOL_SIZE": "-1"}, "FOREMAN_DB_POOL_SIZE"),
        ({"FOREMAN_STREAMS": "-1"}, "FOREMAN_STREAMS"),
        ({"DATABASE_LISTEN_URL": "nonsense"}, "DATABASE_LISTEN_URL"),
        ({"FOREMAN_HEARTBEAT_INTERVAL_SECONDS": "1m"}, "FOREMAN_HEARTBEAT_INTERVAL_SECONDS"),
        ({"FOREMAN_SILENCE_THRESHOLD_SECONDS": "0"}, "FOREMAN_SILENCE_THRESHOLD_SECONDS"),
        ({"FOREMAN_SILENCE_THRESHOLD_SECONDS": "119"}, "must be at least twice"),
        ({"FOREMAN_HEARTBEAT_INTERVAL_SECONDS": "61"}, "must be at least twice"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_its_name(manage, variables, sentence):
    refused = manage("check", **variables)
    assert refused.returncode == 1
    assert refused.stderr.startswith("The office cannot start: ")
    assert sentence in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_a_missing_secret_stops_the_start(tmp_path):
    variables = environment(tmp_path / "var", DATABASE_URL=SERVER["DATABASE_URL"])
    del variables["SECRET_KEY"]
    refused = subprocess.run(
        [sys.executable, ROOT / "manage.py", "check"], env=variables, capture_output=True, text=True
    )
    assert refused.returncode == 1
    assert "SECRET_KEY" in refused.stderr


@pytest.mark.parametrize("variables", [{}, SERVER, {**SERVER, "SECRET_KEY": "", "DEBUG": "true"}])
def test_the_defaults_are_enough(manage, variables):
    accepted = manage("check", **variables)
    assert accepted.returncode == 0, accepted.stderr


def test_behind_tls_the_office_passes_the_deployment_checks(manage):
    checked = manage("check", "--deploy", "--fail-level", "WARNING", HTTPS="true")
    assert checked.returncode == 0, checked.stderr


def test_the_deployment_checks_look_at_the_offices_own_database_if_asked_to(
    manage, migrated, tmp_path
):
    var = copied(migrated, tmp_path / "var")
    checked = manage("check", "--deploy", "--database", "default", var=var, HTTPS="true")
    assert checked.returncode == 1
    assert "watcher: (foreman.E041) The watcher is not running" in checked.stderr
    assert "users: (foreman.W043) Nobody can log in" in checked.stderr
    assert "identified 3 issues" in checked.stderr


def options(tmp_path, **variables):
    program = "import json; from foreman_office import settings as s;" + (
        "s.DATABASES['default']['OPTIONS'].pop('pool');print(json.dumps(s.DATABASES['default']))"
    )
    env = environment(tmp_path, **{**SERVER, **variables})
    said = subprocess.run(
        [sys.executable, "-c", program], env=env, cwd=ROOT, capture_output=True, check=True
    )
    return json.loads(said.stdout)


def test_a_direct_connection_has_timeouts(tmp_path):
    assert "statement_timeout" in options(tmp_path)["OPTIONS"]["options"]


def test_a_schema_in_the_address_is_kept_beside_the_timeouts(tmp_path):
    address = SERVER["DATABASE_URL"] + "?currentSchema=office"
    said = options(tmp_path, DATABASE_URL=address)["OPTIONS"]["options"]
    assert said.startswith("-c search_path=office -c statement_timeout=")


def test_a_transaction_pooler_is_asked_for_nothing_that_it_refuses(tmp_path):
    settings = options(tmp_path, DATABASE_POOLED="true")
    assert "options" not in settings["OPTIONS"]
    assert settings["DISABLE_SERVER_SIDE_CURSORS"]


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_died_in_the_pool_is_not_handed_out():
    parameters = connection.get_connection_params()
    with psycopg.connect(**parameters) as pooled, psycopg.connect(**parameters) as other:
        pool.check(pooled)
        other.execute("SELECT pg_terminate_backend(%s)", [pooled.info.backend_pid])
        assert select.select([pooled], [], [], 10)[0]
        with pytest.raises(psycopg.OperationalError):
            pool.check(pooled)
