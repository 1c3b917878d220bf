"""Questions of builders: asked by who has the task, settled once, withdrawn with the task."""

import pytest

from builders.actions import (
    answer_question,
    ask_foreman,
    assign_task,
    release_task,
    withdraw_question,
)
from builders.models import Builder, Question
from governance.models import Evidence
from governance.replay import Replay
from kit.core.acts import Refused
from programs.actions import complete_task
from tests.factories import BuilderFactory, HeartbeatFactory, TaskFactory, UserFactory
from tests.races import overlap
from tests.scenes import undone

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(builder):
    return assign_task(TaskFactory(), builder, by=None, override="a scene")


@pytest.fixture
def asked(held, builder):
    return ask_foreman(held, question="Which colour?", options=["red", "blue"], by=builder)


def acts_on(task):
    rows = Evidence.objects.of(task).filter(action__startswith="question_")
    return [(row.action, row.actor) for row in rows.order_by("sequence")]


def test_a_question_and_its_answer_leave_evidence_and_replay(held, asked):
    answer_question(asked, option=1, answer=" The darker one. ", by=UserFactory(username="johan"))
    asked.refresh_from_db()
    assert (asked.option, asked.answer, asked.answered_by) == ("blue", "The darker one.", "johan")
    assert acts_on(held) == [("question_asked", "ui-builder"), ("question_answered", "foreman")]
    assert Replay().first_differences() == []


WRONG_ANSWERS = [
    ({}, "task_questions_answer_check"),
    ({"answer": " \n"}, "task_questions_answer_check"),
    ({"option": 2}, "task_questions_chosen_option_check"),
    ({"option": -1}, "task_questions_chosen_option_check"),
]


def test_an_answer_is_an_option_or_a_text(asked, refuses):
    for answer, rule in WRONG_ANSWERS:
        with refuses(rule):
            answer_question(asked, by=None, **answer)
    assert Question.objects.open().get() == asked


WRONG_OPTIONS = [["a", "a"], ["a", " "], [1], [None], {"a": 1}, "a", ["x" * 501], [*"abcdefghijk"]]


def test_options_are_few_different_texts(held, builder, sql, refuses):
    for options in WRONG_OPTIONS:
        with refuses("task_questions_options_check"):
            Question.objects.create(task=held, builder=builder, question="?", options=options)
    with refuses("task_questions_question_check"):
        ask_foreman(held, question=" ", by=builder)
    ask_foreman(held, question="?", options=[*"abcdefghij"], by=builder)


def test_only_who_has_the_task_asks_and_not_without_end(held, builder, refuses):
    other = BuilderFactory(builder_id="qa-builder")
    with refuses("builders_questions_of_holder"):
        ask_foreman(held, question="And I?", by=other)
    with refuses("builders_questions_of_holder"):
        ask_foreman(TaskFactory(), question="Whose is this?", by=builder)
    questions = [ask_foreman(held, question=f"Question {n}", by=builder) for n in range(5)]
    with refuses("builders_questions_of_holder"):
        ask_foreman(held, question="One more?", by=builder)
    withdraw_question(questions[0], by=builder)
    ask_foreman(held, question="One more?", by=builder)


def test_what_is_settled_stays_so(held, asked, builder, refuses, sql):
    with refuses("builders_questions_are_settled_once"):
        sql("UPDATE task_questions SET question = 'Another?'")
    answer_question(asked, answer="Red.", by=None)
    for again in (
        lambda: answer_question(asked, answer="Blue.", by=None),
        lambda: withdraw_question(asked, by=builder),
        lambda: sql("UPDATE task_questions SET answer = 'Blue.'"),
    ):
        with refuses("builders_questions_are_settled_once"):
            again()
    other = ask_foreman(held, question="And the size?", by=builder)
    assert withdraw_question(other, by=builder).withdrawn_because == "ui-builder withdrew it."
    assert withdraw_question(other, by=None).withdrawn_because == "ui-builder withdrew it."
    with pytest.raises(Refused, match="withdrawn: ui-builder withdrew it"):
        answer_question(other, answer="Ten.", by=None)


def test_a_question_goes_with_its_task(held, asked, builder):
    endings = [
        (lambda: release_task(held, by=None), "ui-builder no longer has the task."),
        (lambda: force_completed(held), "The task is completed."),
    ]
    for end, because in endings:
        with undone():
            end()
            asked.refresh_from_db()
            assert asked.withdrawn_because == because
            assert acts_on(held)[-1] == ("question_withdrawn", "foreman")
            assert Replay().first_differences() == []
    asked.refresh_from_db()
    assert asked.is_open


def force_completed(task):
    task.refresh_from_db()
    complete_task(task, evidence_location="e/", by=None, override="It is done.")


def test_a_heartbeat_leaves_questions_alone(held, asked, builder):
    HeartbeatFactory(builder=builder, task=held, progress_percentage=20)
    HeartbeatFactory(builder=builder, task=held, status="blocked")
    asked.refresh_from_db()
    assert asked.is_open


@pytest.mark.django_db(transaction=True)
def test_no_question_stays_open_about_a_task_that_is_taken_away_meanwhile(connect):
    """In both orders: the later of the two sees what the earlier did."""
    for order in ("asked first", "released first"):
        task = TaskFactory()
        builder = BuilderFactory(state="idle")
        assign_task(task, builder, by=None, override="a scene")
        ask = [
            (
                "INSERT INTO task_questions (task_id, builder_id, question)"
                " VALUES (%s, 'ui-builder', 'Now?')",
                [task.pk],
            )
        ]
        release = [("UPDATE tasks SET state = 'planned' WHERE task_id = %s", [task.pk])]
        if order == "asked first":
            assert overlap(connect, ask, release) == (None, None)
            assert Question.objects.get(task=task).withdrawn_at
        else:
            first, second = overlap(connect, release, ask)
            assert first is None
            assert second.diag.constraint_name == "builders_questions_of_holder"
            assert not Question.objects.filter(task=task).exists()
        assert Builder.objects.get(pk="ui-builder").current_task_id is None
