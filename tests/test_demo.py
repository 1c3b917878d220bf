"""The demo's parts: what builders decide, how they speak to the office, and their foreman."""

import json
from collections import defaultdict
from http import HTTPStatus
from io import StringIO
from itertools import groupby

import pytest
from django.core.management.base import OutputWrapper
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from builders.actions import authenticate, issue_token
from builders.models import Builder, BuilderToken
from foreman_office.demo import scene
from foreman_office.demo.builder import Declined, Office, Worker
from foreman_office.demo.foreman import SIMULATED, Foreman
from foreman_office.demo.script import script
from foreman_office.management.commands.simulate import fresh_tokens
from governance import plans
from governance.models import Blocker, Evidence
from programs.models import BuilderName, Program, State, Task
from tests.factories import HeartbeatFactory, UserFactory

seeds, builders = st.integers(0, 2**31), st.sampled_from(BuilderName.values)


def a_task(task_id="a", state="assigned", progress=0):
    return {
        "task_id": task_id,
        "state": state,
        "progress_percentage": progress,
        "architecture_reference": "architecture/hold.md",
        "qa_suite_location": "tests/hold/",
    }


class OfficeOnPaper(Office):
    """Hands out one task at a time, keeps what it is told, and fails as often as it should."""

    def __init__(self, task=None, failures=()):
        self.task, self.failures, self.heard, self.tries = task, list(failures), [], []

    def assignment(self):
        return self.task

    def heartbeat(self, body):
        self.tries.append(body)
        if self.failures and (failure := self.failures.pop(0)):
            raise failure
        self.heard.append(body)


def work(office, turns, seed=1):
    """Let a builder take its turns, and return what it was heard to say."""
    worker = Worker("ui-builder", office, seed)
    for _ in range(turns):
        try:
            worker.turn()
        except (OSError, Declined):
            continue
    return [(beat["status"], beat["progress_percentage"], beat["message"]) for beat in office.heard]


# --- the script ----------------------------------------------------------------------------------


@given(seeds, builders)
def test_a_script_follows_from_its_seed_alone(seed, builder):
    assert list(script(seed, builder, a_task())) == list(script(seed, builder, a_task()))


def test_another_seed_builder_or_task_has_another_script():
    plays = {
        tuple(script(seed, builder, a_task(task)))
        for seed in (1, 2)
        for builder in ("ui-builder", "qa-builder")
        for task in ("a", "b")
    }
    assert len(plays) == 8


@given(seeds, builders)
def test_a_script_goes_forwards_until_the_work_is_done(seed, builder):
    beats = list(script(seed, builder, a_task()))
    progress = [beat.progress for beat in beats]
    assert progress == sorted(progress)
    assert progress[0] == 0
    assert progress[-1] == 100
    assert beats[-1].status == "active"
    assert all(beat.pause > 0 and beat.status in ("active", "blocked") for beat in beats)
    assert not any("{" in beat.message for beat in beats)


def test_some_builders_fall_silent_some_meet_trouble_and_most_just_work():
    threshold = 10  # seconds: the demo's own
    plays = [list(script(seed, "api-builder", a_task())) for seed in range(200)]
    silent = [play for play in plays if any(beat.pause > threshold for beat in play)]
    blocked = [play for play in plays if any(beat.status == "blocked" for beat in play)]
    assert 20 < len(silent) < 100
    assert 10 < len(blocked) < 80


# --- the client ----------------------------------------------------------------------------------


def test_a_builder_without_a_task_says_that_it_is_idle():
    assert work(OfficeOnPaper(), 2) == [("idle", None, "Waiting for work")] * 2


def test_a_beat_that_got_no_answer_goes_out_again_under_its_id():
    office = OfficeOnPaper(a_task(), failures=[None, ConnectionRefusedError(), TimeoutError()])
    work(office, 5)
    ids = [beat["heartbeat_id"] for beat in office.tries]
    assert ids[1] == ids[2] == ids[3]
    assert len(set(ids)) == 3


@pytest.mark.parametrize("failure", [ConnectionResetError(), Declined(503, ""), Declined(401, "")])
def test_failures_of_the_office_change_no_decision(failure):
    undisturbed = work(OfficeOnPaper(a_task()), 20)
    office = OfficeOnPaper(a_task(), failures=[None, failure, failure, None, failure])
    assert work(office, 23) == undisturbed


@pytest.mark.parametrize("status", [404, 409, 422])
def test_a_beat_that_was_refused_for_good_is_not_repeated(status):
    office = OfficeOnPaper(a_task(), failures=[Declined(HTTPStatus(status), "")])
    work(office, 3)
    assert len({beat["heartbeat_id"] for beat in office.tries}) == 3


def test_a_builder_says_that_it_is_blocked_as_long_as_its_task_is():
    office = OfficeOnPaper(a_task())
    before = work(office, 4)
    office.task = a_task(state="blocked", progress=before[-1][1])
    worker = Worker("ui-builder", office, 1)
    for _ in range(3):
        worker.turn()
    assert [beat["status"] for beat in office.heard[4:]] == ["blocked"] * 3
    assert {beat["progress_percentage"] for beat in office.heard[4:]} == {before[-1][1]}
    office.task = a_task(state="in-progress", progress=before[-1][1])
    worker.turn()
    assert office.heard[-1]["status"] == "active"
    assert office.heard[-1]["progress_percentage"] > before[-1][1]


def test_a_builder_that_starts_again_goes_on_where_the_work_was_left():
    whole = work(OfficeOnPaper(a_task()), 30)
    progress = whole[9][1]
    rest = [beat for beat in whole if beat[1] > progress]
    assert rest
    assert work(OfficeOnPaper(a_task(progress=progress)), len(rest)) == rest


def test_a_builder_that_is_done_says_so_until_the_task_is_taken_back():
    office = OfficeOnPaper(a_task(progress=100, state="in-progress"))
    worker = Worker("ui-builder", office, 1)
    worker.turn()
    assert office.heard[-1]["progress_percentage"] == 100
    office.task = None
    worker.turn()
    assert office.heard[-1]["status"] == "idle"


# --- the foreman, and builders at the office's own door ------------------------------------------


class OfficeAtHand(Office):
    """The office itself, asked without a network."""

    def __init__(self, token):
        super().__init__("http://testserver", token)
        self.said = defaultdict(list)

    def ask(self, method, path, body=None):
        content = json.dumps(body) if body else ""
        answer = Client(headers=self.headers).generic(method, path, content, "application/json")
        assert answer.status_code < 300, answer.content
        if body and body["task_id"]:
            beat = body["status"], body["progress_percentage"], body["message"]
            self.said[body["task_id"]].append(beat)
        return answer.json()


def play_release(seed):
    """Let foreman and builders act in turn until the first release ends; return what was said."""
    foreman = Foreman(seed, pace=0)
    workers = []
    for builder in Builder.objects.all():
        _, token = issue_token(builder, by=SIMULATED)
        workers.append(Worker(builder.pk, OfficeAtHand(token), seed))
    for _ in range(1000):
        foreman.turn()
        if foreman.number > 1:
            return {worker.name: worker.office.said for worker in workers}
        for worker in workers:
            worker.turn()
    raise AssertionError("the release did not end")


def test_the_live_program_is_carried_out_and_followed_by_the_next(transactional_db):
    said = play_release(seed=7)

    first, second = Program.objects.order_by("created_at")[:2]
    assert (first.state, first.progress_percentage) == (State.COMPLETED, 100)
    assert second.name == "Island Line booking - release 2"
    assert second.state != State.COMPLETED
    assert {wave.state for wave in first.waves.all()} == {State.COMPLETED}
    assert (
        second.created_at
        < Task.objects.filter(wave__program=first).latest("completed_at").completed_at
    )

    for task in Task.objects.filter(wave__program=first):
        colours = [run.qa_status for run in task.qa_executions.order_by("executed_at")]
        assert (colours[0], colours[-1]) == ("RED", "GREEN")
        assert task.validations.latest("validated_at").build_readiness == "READY"
        assert task.started_at < task.completed_at
        # What its builder said is what the script says, but for waiting.
        told = said[task.assigned_builder][str(task.pk)]
        play = script(7, task.assigned_builder, {"task_id": str(task.pk), **vars(task)})
        assert [beat for beat, _ in groupby(told)] == [
            beat for beat, _ in groupby((beat.status, beat.progress, beat.message) for beat in play)
        ]

    blockers = Blocker.objects.all()
    assert blockers
    assert not blockers.open()
    assert {row.context["user"] for row in Evidence.objects.filter(action="assigned")} == {
        "simulation"
    }


def test_the_foreman_waits_while_a_visitor_holds_the_program_up(transactional_db):
    foreman = Foreman(seed=1, pace=0)
    while foreman.turn():
        pass
    program = next(foreman.releases())
    held = Task.objects.filter(wave__program=program, state=Task.State.ASSIGNED)
    assert len(held) == 5
    Program.objects.filter(pk=program.pk).update(state=State.BLOCKED)
    assert not foreman.turn()


@pytest.mark.parametrize(
    ("said", "classification", "description"),
    [
        ("Protected path: not mine", "protected_path", "not mine"),
        ("Rain: it is wet", "architecture_qa_mismatch", "Rain: it is wet"),
        (None, "architecture_qa_mismatch", "The builder says no more than that it is blocked."),
    ],
)
def test_a_blocked_builder_is_taken_at_its_word(said, classification, description, task, builder):
    HeartbeatFactory(builder=builder, task=task, status="blocked", message=said)
    Foreman(seed=1).block(task, builder)
    blocker = task.blockers.get()
    assert (blocker.classification, blocker.description) == (classification, description)
    assert task.state == Task.State.BLOCKED


@pytest.mark.parametrize("change", ["declare failed", "take away"])
def test_a_task_that_a_visitor_has_spoiled_is_begun_again(change, transactional_db):
    foreman = Foreman(seed=1, pace=0)
    while foreman.turn():
        pass
    task = Task.objects.filter(state=Task.State.ASSIGNED).first()
    if change == "take away":
        Builder.objects.filter(current_task=task).update(current_task=None)
    else:
        Task.objects.filter(pk=task.pk).update(state=Task.State.FAILED)
    while foreman.turn():
        pass
    task.refresh_from_db()
    assert task.state == Task.State.ASSIGNED
    assert task.holders.get().pk == task.assigned_builder


# --- the scene -----------------------------------------------------------------------------------


def test_the_sample_is_imported_once_and_then_left_alone(db):
    scene.set_the_scene(OutputWrapper(StringIO()))
    sample = Program.objects.get(pk=plans.program_id(scene.SAMPLE_KEY))
    Program.objects.filter(pk=sample.pk).update(description="What a visitor wrote.")
    scene.set_the_scene(OutputWrapper(StringIO()))
    sample.refresh_from_db()
    assert sample.description == "What a visitor wrote."
    assert Program.objects.count() == 1


def test_the_visitor_may_enter_the_admin_and_has_no_password(db):
    visitor = scene.visitor()
    assert visitor.is_superuser
    assert visitor.is_staff
    assert not visitor.has_usable_password()
    assert scene.visitor() == visitor


def test_a_foreman_who_was_there_before_is_given_no_more_rights(db):
    UserFactory(username="foreman")
    assert not scene.visitor().is_staff


def test_a_simulation_takes_its_tokens_back_and_leaves_others_alone(db):
    own = issue_token(Builder.objects.get(pk="ui-builder"), by=None)[0]
    with fresh_tokens() as tokens:
        assert set(tokens) == set(BuilderName.values)
        assert authenticate(tokens["ui-builder"]) == "ui-builder"
    assert list(BuilderToken.objects.valid()) == [own]


def test_the_token_of_a_killed_simulation_makes_way(db):
    builder = Builder.objects.get(pk="ui-builder")
    for _ in range(2):
        issue_token(builder, by=SIMULATED)
    with fresh_tokens() as tokens:
        assert authenticate(tokens["ui-builder"]) == "ui-builder"
        assert builder.tokens.valid().count() == 2
