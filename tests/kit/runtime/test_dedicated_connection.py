"""A connection that stays between requests, and comes again when it has died."""

import pytest
from django.db import ProgrammingError, close_old_connections, connection

from kit.core import prepared_query
from kit.runtime import pool
from kit.runtime.batching.dedicated_connection import DedicatedConnection


@pytest.fixture
def kept(transactional_db):
    kept = DedicatedConnection(plan_cache_mode="force_generic_plan")
    yield kept
    kept().close()


def asked(kept):
    """Run a query over it, and return the connection that it was."""
    assert prepared_query.fetch("SELECT 1", using=kept()) == [(1,)]
    return kept().connection


def test_it_is_the_same_after_a_request_and_nobody_elses(kept):
    before = asked(kept)
    close_old_connections()
    assert asked(kept) is before
    connection.ensure_connection()
    assert connection.connection is not before


def test_it_takes_nothing_from_the_pool(kept, monkeypatch):
    connection.close()
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "pool", pool.options(1))
    try:
        connection.ensure_connection()  # all that there are
        asked(kept)
    finally:
        connection.close()
        connection.close_pool()


@pytest.mark.parametrize(("is_pooled", "plans"), [(False, "force_generic_plan"), (True, "auto")])
def test_it_has_parameters_of_its_own_where_no_pooler_refuses_them(
    kept, settings, is_pooled, plans
):
    settings.DATABASE_POOLED = is_pooled
    question = "SELECT current_setting('plan_cache_mode'), current_setting('statement_timeout')"
    usual, limit = prepared_query.fetch(question)[0]
    assert usual == "auto"
    assert prepared_query.fetch(question, using=kept()) == [(plans, limit)]


def test_it_comes_again_when_it_has_died(kept):
    before = asked(kept)
    before.close()
    assert asked(kept) is not before


def test_it_comes_again_when_the_server_has_ended_it(kept, connect):
    before = asked(kept)
    # With the time in which to see that it has ended.
    connect().execute("SELECT pg_terminate_backend(%s, 60000)", [before.info.backend_pid])
    asked(kept)


def test_it_goes_on_after_a_statement_that_failed(kept):
    before = asked(kept)
    with pytest.raises(ProgrammingError):
        prepared_query.fetch("SELECT nothing_of_the_kind", using=kept())
    assert asked(kept) is before
