"""A question in the same words is planned once for a connection."""

import pytest
from django.db import connection

from kit.core import prepared_query

pytestmark = pytest.mark.django_db


def prepared_on_this_connection(question):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement = %s", [question]
        )
        return cursor.fetchone()[0]


def test_a_question_is_planned_once_however_often_it_is_asked():
    question = prepared_query.words("SELECT %s, %s", ("it's", 2))
    assert [prepared_query.fetch(question) for _ in range(3)] == [[("it's", 2)]] * 3
    assert prepared_on_this_connection(question) == 1


def test_a_refused_act_leaves_what_is_planned(refuses, wave, task):
    prepared_query.fetch("SELECT 'kept'")
    with refuses("tasks_progress_percentage_check"):
        type(task).objects.filter(pk=task.pk).update(progress_percentage=101)
    assert prepared_on_this_connection("SELECT 'kept'") == 1


def test_where_sessions_are_not_ours_it_is_asked_all_the_same(monkeypatch):
    connection.ensure_connection()
    monkeypatch.setattr(connection.connection, "prepare_threshold", None)
    assert prepared_query.fetch("SELECT 'pooled'") == [("pooled",)]
    assert prepared_on_this_connection("SELECT 'pooled'") == 0


def test_it_counts_among_the_questions_of_a_page(django_assert_num_queries):
    with django_assert_num_queries(1):
        prepared_query.fetch("SELECT 1")
