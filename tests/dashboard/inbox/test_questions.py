"""A builder's question: a card of the inbox, a problem and a panel of the task, and its answer."""

import pytest
from django.urls import reverse

from builders.actions import ask_foreman, assign_task, withdraw_question
from builders.models import Question
from foreman_office.dashboard.explain.problems import problems_of
from programs.models import Task
from tests.dashboard.inbox.decisions import kinds, list_decisions
from tests.factories import HeartbeatFactory, QuestionFactory, TaskFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(builder):
    task = assign_task(TaskFactory(), builder, by=None, override="a scene")
    HeartbeatFactory(builder=builder, task=task)
    return ask_foreman(task, question="Which <b>?", options=["red", "<i>blue"], by=builder)


def answer(person, question, **given):
    return person.post(reverse("builders:question_answer", args=[question.pk]), given)


def test_a_question_waits_in_the_inbox_under_one_key_until_it_is_settled(asked, builder):
    [card] = list_decisions()
    assert card.title == "Question of ui-builder"
    assert card.key == f"question-task-{asked.task_id}-{asked.pk}"
    assert "Options: “red”, “<i>blue”" in card.happened
    assert not card.broken
    assert [each.label for each in card.offers] == ["Answer"]
    assert [each.key for each in list_decisions()] == [card.key]
    [problem] = problems_of(Task.objects.get(pk=asked.task_id))
    assert problem.key == card.key
    withdraw_question(asked, by=builder)
    assert kinds() == []


def test_a_question_speaks_for_the_builder_that_waits_for_its_answer(asked, builder):
    HeartbeatFactory(builder=builder, task=asked.task, status="blocked")
    assert kinds() == ["Question of ui-builder"]
    assert [each.kind for each in problems_of(Task.objects.get(pk=asked.task_id))] == ["question"]
    withdraw_question(asked, by=builder)
    assert kinds() == ["Waiting builder"]


def test_the_foreman_answers_by_an_option_or_a_text(asked, person):
    page = person.get("/").text
    assert "Which &lt;b&gt;?" in page
    assert "&lt;i&gt;blue" in page
    assert answer(person, asked, option="", answer=" ").status_code == 422
    assert answer(person, asked, option="5").status_code == 409
    assert answer(person, asked, option="11").status_code == 422
    assert Question.objects.open().exists()
    assert answer(person, asked, option="1", answer="Dark.").status_code == 302
    asked.refresh_from_db()
    assert (asked.option, asked.answer, asked.answered_by) == ("<i>blue", "Dark.", "johan")
    again = answer(person, asked, answer="Red.")
    assert (again.status_code, "answered already" in again.text) == (409, True)
    page = person.get(f"/tasks/{asked.task_id}/").text
    assert "<b>&lt;i&gt;blue</b>. Dark." in page


def test_a_question_without_options_has_a_text_only(person):
    question = QuestionFactory()
    page = person.get("/").text
    assert 'name="answer"' in page
    assert 'name="option"' not in page
    assert answer(person, question, answer="The first.").status_code == 302
    assert Question.objects.get().answer == "The first."
