"""Questions to the foreman by the API, and the three ways on which the answer comes."""

import uuid

from builders.actions import answer_question, issue_ci_token, release_task
from builders.models import Question
from governance.models import Evidence
from tests.api.caller import IN_REAL_TIME, Caller
from tests.api.refusals import said
from tests.factories import BuilderFactory, TaskFactory

pytestmark = IN_REAL_TIME
QUESTION = {"question": "Which colour?", "options": ["red", "blue"]}


def ask(caller, task, body=QUESTION, **more):
    return caller.post("questions", task, body, **more)


def test_the_answer_comes_with_the_heartbeat_the_assignment_and_when_it_is_asked_for(caller, held):
    asked = ask(caller, held)
    assert (asked.status_code, asked.json()["state"]) == (201, "open")
    key = asked.json()["question_id"]
    assert [each["question_id"] for each in caller.get()["questions"]] == [key]
    beat = {"builder_id": caller.name, "status": "active"}
    assert caller.ask("POST", "heartbeat", beat).json()["answers"] == []

    answer_question(Question.objects.get(), option=1, answer="The dark one.", by=None)
    told = {"question_id": key, "option": "blue", "text": "The dark one."}
    for _ in range(2):  # so that none is lost with an answer
        [received] = caller.ask("POST", "heartbeat", beat).json()["answers"]
        assert received.items() >= told.items()
    [assigned] = caller.get()["questions"]
    assert assigned.items() >= {**told, "state": "answered"}.items()
    path = f"tasks/{held.pk}/questions"
    assert caller.ask("GET", path).json() == {"questions": [assigned]}
    assert caller.ask("GET", f"{path}/{key}").json() == assigned

    release_task(held, by=None)
    assert caller.ask("POST", "heartbeat", beat).json()["answers"] == []


def test_a_question_that_is_asked_twice_with_one_key_is_one(caller, held):
    first, second = (ask(caller, held, key="once") for _ in range(2))
    assert first.json() == second.json()
    assert second.headers["Idempotent-Replay"] == "true"
    assert Question.objects.count() == 1
    assert ask(caller, held, {"question": "Another?"}, key="once").status_code == 409
    assert Evidence.objects.of(held).filter(action="question_asked").count() == 1


def test_a_builder_withdraws_its_question_unless_it_is_answered(caller, held):
    first, second = (ask(caller, held).json()["question_id"] for _ in range(2))
    gone = caller.post(f"questions/{first}/withdrawal", held, {})
    assert (gone.status_code, gone.json()["state"]) == (200, "withdrawn")
    assert gone.json()["withdrawn_because"] == "ui-builder withdrew it."
    answer_question(Question.objects.get(pk=second), answer="Red.", by=None)
    refused = caller.post(f"questions/{second}/withdrawal", held, {})
    assert (refused.status_code, said(refused)[0][1]) == (
        409,
        "builders_questions_are_settled_once",
    )


WRONG = [
    ({}, "question"),
    ({"question": " "}, "question"),
    ({"question": "x\0"}, "question"),
    ({"question": "x" * 10_001}, "question"),
    ({"question": "x", "options": ["a", "a"]}, "options"),
    ({"question": "x", "options": [" "]}, "options.0"),
    ({"question": "x", "options": [*"abcdefghijk"]}, "options"),
    ({"question": "x", "option": ["a"]}, "option"),
]


def test_a_question_is_a_text_with_a_few_options(caller, held, subtests):
    for body, field in WRONG:
        with subtests.test(body=body):
            answer = ask(caller, held, body)
            assert (answer.status_code, said(answer)[0][0]) == (422, field)
    assert not Question.objects.exists()


def test_who_does_not_have_the_task_neither_asks_nor_withdraws(caller, held):
    other = Caller(BuilderFactory(builder_id="qa-builder"))
    key = ask(caller, held).json()["question_id"]
    assert ask(other, held).status_code == 404
    assert ask(caller, TaskFactory()).status_code == 404
    assert other.ask("GET", f"tasks/{held.pk}/questions").status_code == 404
    assert other.post(f"questions/{key}/withdrawal", held, {}).status_code == 404
    assert caller.ask("GET", f"tasks/{held.pk}/questions/{uuid.uuid4()}").status_code == 404


def test_a_ci_token_reads_the_questions_of_its_programs(caller, held):
    key = ask(caller, held).json()["question_id"]
    caller.token = issue_ci_token("pipeline", by=None)[1]
    path = f"tasks/{held.pk}/questions"
    assert caller.ask("GET", path).json()["questions"][0]["question_id"] == key
    assert ask(caller, held).status_code == 403
    elsewhere = TaskFactory().wave.program_id
    caller.token = issue_ci_token("other", programs=[elsewhere], by=None)[1]
    assert caller.ask("GET", path).status_code == 404
