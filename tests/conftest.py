"""The scene: what many tests speak of. The database itself is set up in tests/database.py."""

import os
from contextlib import ExitStack, closing, contextmanager

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, settings

from foreman_office.kit.acts import Refused
from tests.factories import BuilderFactory, TaskFactory, WaveFactory

pytest_plugins = ["tests.choice", "tests.database", "tests.large"]

# How fast examples come says more of the machine than of us. CI tries the same ones each time.
settings.register_profile(
    "suite",
    deadline=None,
    derandomize="FOREMAN_NO_SKIPS" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("suite")


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
    """Open connections beside Django's, as other writers have them."""
    params = connection.get_connection_params()
    with ExitStack() as opened:
        yield lambda: opened.enter_context(closing(psycopg.connect(**params, autocommit=True)))


@pytest.fixture
def refuses():
    """Expect the database to refuse, by the name of its rule. Whatever came before stays."""

    @contextmanager
    def refuses(rule):
        errors = (IntegrityError, psycopg.IntegrityError, Refused)
        with pytest.raises(errors) as refusal, _savepoint():
            yield
        assert rule_of(refusal.value) == rule

    return refuses


def rule_of(error):
    """Return the name of the constraint or trigger that an error speaks of."""
    if isinstance(error, Refused):
        return error.rule
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    return cause.diag.constraint_name


@contextmanager
def _savepoint():
    """Protect the test's own transaction, if it has one."""
    if connection.in_atomic_block:
        with transaction.atomic():
            yield
    else:
        yield
