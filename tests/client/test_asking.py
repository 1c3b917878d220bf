"""Questions, notes and links by the client; a question is waited for with heartbeats."""

import json
from concurrent.futures import ThreadPoolExecutor

import foreman
import pytest
from django.db import connection
from foreman import cli
from foreman.errors import Refused

from builders.actions import answer_question
from builders.models import Heartbeat, Question
from programs.models import Program
from tests.races import PATIENCE, until

pytestmark = pytest.mark.slow


@pytest.fixture
def answered_soon():
    """Answer the first question once its builder says that it waits."""

    def answer():
        try:
            until(Heartbeat.objects.filter(status="blocked").exists)
            answer_question(Question.objects.get(), option=1, answer="The dark one.", by=None)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        yield thread.submit(answer)


def command(capsys, *arguments):
    status = cli.run([str(each) for each in arguments])
    return status, capsys.readouterr().out


def test_a_question_is_asked_and_its_answer_comes_with_a_heartbeat(known, held, capsys):
    status, out = command(capsys, "ask", "Which colour?", "--option", "red", "--option", "blue")
    assert (status, "It waits for an answer" in out) == (0, True)
    assert Question.objects.get().options == ["red", "blue"]
    assert "Asked: Which colour?" in command(capsys, "status")[1]
    answer_question(Question.objects.get(), option=0, by=None)
    assert "Answer: red" in command(capsys, "beat")[1]
    assert "Answer: red" in command(capsys, "next")[1]


def test_the_command_waits_for_the_answer(known, held, capsys, answered_soon):
    given = ["ask", "Which?", "--option", "red", "--option", "blue", "--wait", PATIENCE, "--json"]
    status, out = command(capsys, *given)
    answered_soon.result(PATIENCE)
    told = json.loads(out)
    assert (status, told["option"], told["text"]) == (0, "blue", "The dark one.")


def test_python_waits_for_the_answer_and_is_told_of_too_many_questions(known, held, answered_soon):
    with foreman.task() as task:
        asked = task.ask("Which?", ["red", "blue"], wait=PATIENCE)
        answered_soon.result(PATIENCE)
        assert asked["option"] == "blue"
        for number in range(5):
            assert task.ask(f"Question {number}")["state"] == "open"
        with pytest.raises(Refused, match="Five questions"):
            task.ask("One more")


def test_links_and_notes_are_on_the_task(known, held, capsys):
    given = ["link", "log", "https://ci.example.org/7", "--label", "Log"]
    assert command(capsys, *given) == (0, "Added: log https://ci.example.org/7\n")
    assert command(capsys, "link", "log", "ftp://ci.example.org/7")[0] == 16
    assert command(capsys, "note", "--", "-1 is refused.")[0] == 0
    assert command(capsys, "note", "Half is *done*.")[0] == 0
    assert "ui-builder: Half is *done*." in command(capsys, "next")[1]
    with foreman.task() as task:
        assert task.link("commit", "https://git.example.org/1")["kind"] == "commit"
        assert task.note("All of it.")["written_by"] == "ui-builder"


def test_a_builder_takes_the_next_task_itself(known, ready, capsys):
    assert command(capsys, "next", "--pull")[0] == 10
    Program.objects.update(allows_pull=True)
    status, out = command(capsys, "next", "--pull", "--json")
    assert (status, json.loads(out)["task"]["task_id"]) == (0, str(ready.pk))
    assert command(capsys, "next", "--pull")[0] == 0
