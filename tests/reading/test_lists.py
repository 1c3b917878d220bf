"""Lists for machines: who reads what, page by page, with the filters of the pages."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils.timezone import now

from builders.actions import ask_foreman, assign_task, issue_ci_token, issue_token
from builders.models import Builder
from tests.factories import (
    BlockerFactory,
    BuilderFactory,
    ProgramFactory,
    QAExecutionFactory,
    TaskFactory,
)
from tests.scenes import past_the_rules

pytestmark = pytest.mark.django_db
NAMES = ["programs", "waves", "tasks", "builders", "runs", "blockers", "decisions"]


@pytest.fixture
def read():
    """Read a list with a token; return the answer."""

    def read(token, name, **asked):
        known = asked.pop("known", None)
        headers = {"Authorization": f"Bearer {token}"} | ({"If-None-Match": known} if known else {})
        return Client().get(f"/api/{name}", asked, headers=headers)

    return read


@pytest.fixture
def builder_token():
    return issue_token(BuilderFactory(), by=None)[1]


@pytest.fixture
def ci_token():
    return issue_ci_token("pipeline", by=None)[1]


@pytest.fixture
def office():
    """A task that the builder has, one planned for it, and one of another; each with its rest."""
    held = assign_task(TaskFactory(), BuilderFactory(), by=None, override="a scene")
    ask_foreman(held, question="Which?", by=Builder.objects.get(pk="ui-builder"))
    planned = TaskFactory(planned_builder="ui-builder", wave=held.wave)
    other = assign_task(
        TaskFactory(), BuilderFactory(builder_id="qa-builder"), by=None, override="a scene"
    )
    for task in (held, planned, other):
        QAExecutionFactory(task=task)
        BlockerFactory(entity=task)
    BlockerFactory(entity=other.wave)
    return held, planned, other


def keys(answer, name, key):
    assert answer.status_code == 200, answer.content
    return [row[key] for row in answer.json()[name]]


def test_a_builder_reads_what_concerns_it(read, builder_token, office):
    held, planned, _ = office
    own = {str(held.pk), str(planned.pk)}
    assert {*keys(read(builder_token, "tasks"), "tasks", "task_id")} == own
    assert keys(read(builder_token, "waves"), "waves", "name") == [held.wave.name]
    assert keys(read(builder_token, "programs"), "programs", "name") == [held.wave.program.name]
    assert keys(read(builder_token, "builders"), "builders", "builder_id") == ["ui-builder"]
    assert {*keys(read(builder_token, "runs"), "runs", "task_id")} == own
    assert {*keys(read(builder_token, "blockers"), "blockers", "entity_id")} == own
    decisions = read(builder_token, "decisions").json()["decisions"]
    assert {each["entity_id"] for each in decisions} == own
    assert {each["kind"] for each in decisions} == {"blocker", "question"}


def test_a_ci_token_reads_all_or_its_programs(read, ci_token, office):
    held, _, other = office
    program = other.wave.program
    some = issue_ci_token("some", programs=[program.pk], by=None)[1]
    lists = [("tasks", 3, 1), ("waves", 2, 1), ("programs", 2, 1), ("builders", 5, 1)]
    for name, everything, of_one in [*lists, ("runs", 3, 1), ("blockers", 4, 2)]:
        assert len(read(ci_token, name).json()[name]) == everything
        assert len(read(some, name).json()[name]) == of_one
    about = {each["entity_id"] for each in read(some, "decisions").json()["decisions"]}
    assert about <= {str(other.pk), str(other.wave_id), str(program.pk), "qa-builder"}
    assert str(other.pk) in about
    assert str(held.pk) in {e["entity_id"] for e in read(ci_token, "decisions").json()["decisions"]}
    nothing = issue_ci_token("none", programs=[ProgramFactory().pk], by=None)[1]
    assert read(nothing, "tasks").json() == {"tasks": [], "next": None}


def test_pages_are_stable_whatever_is_added_meanwhile(read, ci_token):
    first = TaskFactory.create_batch(7)
    for number, task in enumerate(first):  # of which the transaction of a test has only one
        past_the_rules(task, created_at=now() - timedelta(hours=1 + number // 2))
    seen, after = [], None
    while True:
        page = read(ci_token, "tasks", limit=3, **({"after": after} if after else {})).json()
        seen += [row["task_id"] for row in page["tasks"]]
        TaskFactory()
        after = page["next"]
        if after is None:
            break
    assert sorted(seen) == sorted(str(task.pk) for task in first)


def test_decisions_are_read_page_by_page(read, ci_token, office):
    everything = read(ci_token, "decisions").json()
    assert everything["next"] is None
    one = read(ci_token, "decisions", limit=1).json()
    two = read(ci_token, "decisions", limit=200, after=one["next"]).json()
    assert one["decisions"] + two["decisions"] == everything["decisions"]
    [row] = read(ci_token, "decisions", kind="question").json()["decisions"]
    assert (row["band"], row["happened"]) == ("waiting", "Which?")


def test_the_filters_of_the_pages_filter(read, ci_token, office):
    held, planned, other = office
    cases = [
        ("tasks", {"state": "blocked"}, office),
        ("tasks", {"state": "completed"}, []),
        ("tasks", {"builder": "qa-builder"}, [other]),
        ("tasks", {"q": other.name}, [other]),
        ("tasks", {"program": other.wave.program_id}, [other]),
        ("tasks", {"wave": held.wave_id}, [held, planned]),
        ("runs", {"builder": "qa-builder"}, [other]),
        ("blockers", {"of": f"task:{held.pk}"}, [held]),
        ("blockers", {"state": "resolved"}, []),
        ("waves", {"program": other.wave.program_id}, [other.wave]),
        ("programs", {"blockers": "none"}, []),
    ]
    ids = {"tasks": "task_id", "runs": "task_id", "blockers": "entity_id"}
    ids |= {"waves": "wave_id", "programs": "program_id"}
    for name, asked, expected in cases:
        found = keys(read(ci_token, name, **asked), name, ids[name])
        assert sorted(found) == sorted(str(row.pk) for row in expected), (name, asked)


def test_what_is_no_parameter_and_no_value_is_refused(read, ci_token, task):
    for name, asked, field in [
        ("tasks", {"stat": "planned"}, "stat"),
        ("tasks", {"state": "none"}, "state"),
        ("tasks", {"limit": 0}, "limit"),
        ("tasks", {"limit": 201}, "limit"),
        ("tasks", {"after": "x"}, "after"),
        ("tasks", {"after": "!"}, "after"),
        ("tasks", {"q": "x\0"}, "q"),
        ("tasks", {"program": "x"}, "program"),
        ("tasks", {"program": task.pk}, "program"),
        ("tasks", {"sort": "name"}, "sort"),
        ("tasks", {"export": "csv"}, "export"),
        ("decisions", {"after": "x"}, "after"),
        ("blockers", {"of": "task"}, "of"),
        ("builders", {"q": "x"}, "q"),
    ]:
        answer = read(ci_token, name, **asked)
        assert answer.status_code == 422, (name, asked)
        assert answer.json()["errors"][0]["field"] == field


def test_what_the_caller_has_is_not_sent_again(read, ci_token, office):
    for name in NAMES:
        first = read(ci_token, name)
        again = read(ci_token, name, known=first.headers["ETag"])
        assert (again.status_code, again.content) == (304, b""), name
    known = read(ci_token, "tasks").headers["ETag"]
    TaskFactory()
    assert read(ci_token, "tasks", known=known).status_code == 200


def test_without_a_token_nothing_is_read(read, db):
    for name in NAMES:
        assert read("fo_wrong", name).status_code == 401


def test_a_list_asks_no_more_for_more_rows(read, ci_token, django_assert_max_num_queries):
    for _ in range(12):
        task = TaskFactory()
        QAExecutionFactory(task=task)
        BlockerFactory(entity=task)
    for name in [each for each in NAMES if each != "decisions"]:
        with django_assert_max_num_queries(6):
            assert json.loads(read(ci_token, name).content)[name]


@pytest.mark.parametrize(
    ("asked", "rule"),
    [({"stat": "blocked"}, "unknown_parameter"), ({"limit": [1, 2]}, "parameter_given_once")],
)
def test_a_parameter_that_is_unknown_or_given_twice_is_refused_by_its_name(
    ci_token, read, asked, rule
):
    refused = read(ci_token, "tasks", **asked)
    assert refused.status_code == 422
    error = refused.json()["errors"][0]
    assert (error["field"], error["rule"]) == (next(iter(asked)), rule)
