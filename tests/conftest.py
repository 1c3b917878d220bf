"""Fixtures that many tests use. The database itself is set up in tests/database.py."""

import gc
import os
from contextlib import contextmanager
from functools import cache

import psycopg
import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck
from hypothesis import settings as of_hypothesis

from governance import rules_in_force
from governance.sealing import sealer
from kit.core.acts import Refused
from tests.examples import USUALLY
from tests.factories import BuilderFactory, TaskFactory, UserFactory, WaveFactory

pytest_plugins = ["tests.choice", "tests.database", "tests.large", "tests.tenants"]

# How fast examples come says more of the machine than of us. CI tries the same ones each time.
of_hypothesis.register_profile(
    "suite",
    max_examples=USUALLY,
    deadline=None,
    derandomize="TESTS_NO_SKIPS" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
of_hypothesis.load_profile("suite")


def pytest_collection_finish():
    """Search for garbage seldom, and not among what collection made: a tenth of a run's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


@pytest.fixture
def person(client, db):
    """A client with which a foreman, johan, is logged in."""
    client.force_login(UserFactory(username="johan"))
    return client


@pytest.fixture
def wave(db):
    return WaveFactory()


@pytest.fixture
def task(wave):
    return TaskFactory(wave=wave)


@pytest.fixture
def builder(db):
    return BuilderFactory()


@pytest.fixture
def sql(db):
    """Run a statement past every model, and return its rows."""

    def sql(statement, *params):
        with connection.cursor() as cursor:
            cursor.execute(statement, params or None)
            return cursor.fetchall() if cursor.description else []

    return sql


@pytest.fixture
def connect(transactional_db):
    """Lend sessions beside Django's, as other writers have them."""
    lent = []

    def lend():
        lent.append(resting.pop() if resting else another_session())
        return lent[-1]

    yield lend
    for session in lent:
        give_back(session)


def pytest_sessionfinish():
    for session in resting:
        session.close()


resting = []  # sessions that the next test may have: a new one compiles every rule again


def another_session():
    return psycopg.connect(**connection.get_connection_params(), autocommit=True)


def give_back(session):
    """Let a session rest as if it were new, or end it where it cannot be made so."""
    try:
        session.rollback()
        session.execute("UNLISTEN *; RESET ALL; SELECT pg_advisory_unlock_all()")
        session.autocommit = True
    except psycopg.Error:
        session.close()
    if settings.DATABASE_POOLED or session.closed:
        session.close()
    else:
        resting.append(session)


rules_at_first = cache(rules_in_force.rules_fingerprint)


@pytest.fixture
def rules_read_once(monkeypatch):
    """Read the rules in force once for all tests that change none: it takes most of a seal."""
    monkeypatch.setattr(sealer, "rules_fingerprint", rules_at_first)


@pytest.fixture
def refuses():
    """Expect the database to refuse by the name of a rule. What was written before stays."""

    @contextmanager
    def refuses(rule):
        errors = (IntegrityError, psycopg.IntegrityError, Refused)
        with pytest.raises(errors) as refusal, _savepoint():
            yield
        assert rule_of(refusal.value) == rule

    return refuses


def rule_of(error):
    """Return the name of the constraint or trigger of an error."""
    if isinstance(error, Refused):
        return error.rule
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    return cause.diag.constraint_name


@contextmanager
def _savepoint():
    """Set a savepoint in the test's own transaction, if it has one."""
    if connection.in_atomic_block:
        with transaction.atomic():
            yield
    else:
        yield
