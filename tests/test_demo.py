"""The demo's parts: what builders decide, how they speak to the office, and their foreman."""

import json
from http import HTTPStatus
from io import StringIO
from itertools import groupby
from types import MappingProxyType

import pytest
from django.core.management.base import OutputWrapper
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from builders.actions import authenticate, issue_token
from builders.models import Builder, BuilderToken
from foreman_office.demo import scene
from foreman_office.demo.builder import Declined, Office, Worker, facts, junit
from foreman_office.demo.foreman import SIMULATED, Foreman
from foreman_office.demo.script import Beat, Claim, Escalation, Run, script, suite
from foreman_office.kit.roles import Role
from foreman_office.management.commands.simulate import fresh_tokens
from governance import plans
from governance.junit import read
from governance.models import Blocker, Evidence
from governance.quality import certificate
from programs.models import BuilderName, Program, State, Task
from tests.factories import UserFactory

seeds, builders = st.integers(0, 2**31), st.sampled_from(BuilderName.values)


def a_task(task_id="a", state="assigned", progress=0):
    """An instruction, as far as a builder of the demo reads it."""
    return {
        "task_id": task_id,
        "state": state,
        "progress_percentage": progress,
        "architecture": {"reference": "architecture/hold.md"},
        "suite": {"location": "tests/hold/"},
        "evidence_location": None,
    }


FACTS = facts(a_task())


class OfficeOnPaper(Office):
    """Hands out one task at a time, keeps what it is told, and fails as often as it should."""

    def __init__(self, task=None, failures=()):
        self.task, self.failures, self.heard, self.tries = task, list(failures), [], []

    def assignment(self):
        return self.task

    def post(self, message):
        self.tries.append(message)
        if self.failures and (failure := self.failures.pop(0)):
            raise failure
        self.heard.append(message)

    @property
    def beats(self):
        return [json.loads(each.content) for each in self.heard if each.path == "/api/heartbeat"]


def work(office, turns, seed=1):
    """Let a builder take its turns, and return what it was heard to say."""
    worker = Worker("ui-builder", office, seed)
    for _ in range(turns):
        try:
            worker.turn()
        except (OSError, Declined):
            continue
    return [(beat["status"], beat["progress_percentage"], beat["message"]) for beat in office.beats]


# --- the script ----------------------------------------------------------------------------------


def steps_of(play, kind):
    return [step for step in play if isinstance(step, kind)]


@given(seeds, builders)
def test_a_script_follows_from_its_seed_alone(seed, builder):
    assert list(script(seed, builder, FACTS)) == list(script(seed, builder, FACTS))


def test_another_seed_builder_or_task_has_another_script():
    plays = {
        tuple(script(seed, builder, {**FACTS, "task_id": task}))
        for seed in (1, 2)
        for builder in ("ui-builder", "qa-builder")
        for task in ("a", "b")
    }
    assert len(plays) == 8


@given(seeds, builders)
def test_a_script_goes_from_a_red_run_forwards_to_a_green_one_and_a_claim(seed, builder):
    play = list(script(seed, builder, FACTS))
    beats, runs, size = steps_of(play, Beat), steps_of(play, Run), len(suite(seed, FACTS))
    progress = [beat.progress for beat in beats]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0, 100)
    assert runs[0].passing == 0
    assert play[-2:] == [Run(size), Claim()]
    assert all(0 <= run.passing + run.hidden <= size for run in runs)
    assert all(step.pause > 0 for step in play)
    assert all(beat.status == "active" for beat in beats)
    assert not any("{" in beat.message for beat in beats)


def test_a_suite_names_each_of_its_tests_once():
    for seed in range(50):
        tests = suite(seed, FACTS)
        assert 10 < len(set(tests)) == len(tests) < 40


def test_some_fall_silent_meet_trouble_get_stuck_or_lie_and_most_just_work():
    threshold = 10  # seconds: the demo's own
    plays = [list(script(seed, "api-builder", FACTS)) for seed in range(200)]
    silent = [play for play in plays if any(beat.pause > threshold for beat in play)]
    held_up = [play for play in plays if steps_of(play, Escalation)]
    lying = [play for play in plays if len(steps_of(play, Claim)) > 1]
    stuck = [
        play
        for play in plays
        if any(len(list(same)) >= 3 for run, same in groupby(play) if isinstance(run, Run))
    ]
    assert 20 < len(silent) < 100
    assert 10 < len(held_up) < 80
    assert 30 < len(lying) < 110
    assert 10 < len(stuck) < 60


# --- the client ----------------------------------------------------------------------------------


def test_a_builder_without_a_task_says_that_it_is_idle():
    assert work(OfficeOnPaper(), 2) == [("idle", None, "Waiting for work")] * 2


def test_what_got_no_answer_goes_out_again_as_it_was():
    office = OfficeOnPaper(a_task(), failures=[None, ConnectionRefusedError(), TimeoutError()])
    work(office, 5)
    assert office.tries[1] == office.tries[2] == office.tries[3]
    assert len({message.key for message in office.tries}) == 3


@pytest.mark.parametrize("failure", [ConnectionResetError(), Declined(503, ""), Declined(401, "")])
def test_failures_of_the_office_change_no_decision(failure):
    undisturbed = work(OfficeOnPaper(a_task()), 20)
    office = OfficeOnPaper(a_task(), failures=[None, failure, failure, None, failure])
    assert work(office, 23) == undisturbed


@pytest.mark.parametrize("status", [404, 409, 422])
def test_what_was_refused_for_good_is_not_repeated(status):
    office = OfficeOnPaper(a_task(), failures=[Declined(HTTPStatus(status), "")])
    work(office, 3)
    assert len({message.key for message in office.tries}) == 3


def test_a_builder_says_that_it_is_blocked_as_long_as_its_task_is():
    office = OfficeOnPaper(a_task())
    worker = Worker("ui-builder", office, 1)

    def turns(number, **task):
        office.task = {**a_task(), **task}
        heard = len(office.beats)
        for _ in range(number):
            worker.turn()
        return [(beat["status"], beat["progress_percentage"]) for beat in office.beats[heard:]]

    progress = turns(5)[-1][1]
    assert turns(3, state="blocked") == [("blocked", progress)] * 3
    status, further = turns(1, state="in-progress")[0]
    assert (status, further > progress) == ("active", True)


def test_a_builder_that_starts_again_goes_on_where_the_work_was_left():
    whole = work(OfficeOnPaper(a_task(state="in-progress")), 30)
    progress = whole[9][1]
    rest = [beat for beat in whole if beat[1] > progress]
    assert rest
    again = work(OfficeOnPaper(a_task(progress=progress, state="in-progress")), 30)
    assert again[: len(rest)] == rest


def test_a_builder_that_starts_again_at_the_end_runs_the_suite_and_claims():
    office = OfficeOnPaper(a_task(progress=100, state="in-progress"))
    work(office, 3)
    paths = [message.path for message in office.heard]
    assert paths == ["/api/heartbeat", "/api/tasks/a/qa-runs", "/api/tasks/a/claim"]


def test_a_builder_whose_claim_is_refused_runs_the_suite_and_claims_again():
    office = OfficeOnPaper(a_task(progress=100, state="in-progress"))
    work(office, 6)
    assert [message.path.rpartition("/")[2] for message in office.heard] == [
        *("heartbeat", "qa-runs", "claim"),
        *("heartbeat", "qa-runs", "claim"),
    ]


def test_a_report_names_each_test_and_hides_what_a_liar_hides():
    tests = ["tests/hold/::one", "tests/hold/::two", "tests/hold/::three"]
    report = read(junit(tests, Run(passing=1)))
    assert [result.name for result in report.results] == tests
    assert [result.outcome for result in report.results] == ["passed", "failed", "failed"]
    assert len(read(junit(tests, Run(passing=1, hidden=2))).results) == 1


# --- the foreman, and builders at the office's own door ------------------------------------------


class OfficeAtHand(Office):
    """The office itself, asked without a network."""

    def __init__(self, token):
        super().__init__("http://testserver", token)
        self.refused = []

    def ask(self, method, path, content=b"", headers=MappingProxyType({})):
        media = headers.get("Content-Type", "")
        headers = {"Authorization": f"Bearer {self.token}", **headers}
        answer = Client().generic(method, path, content, media, headers=headers)
        if answer.status_code >= 300:
            self.refused.append((path.rpartition("/")[2], answer.status_code, answer.json()))
            raise Declined(answer.status_code, answer.content.decode())
        return answer.content.decode()


def play_release(seed):
    """Let foreman and builders act in turn until the first release ends; return all refusals."""
    foreman = Foreman(seed, pace=0)
    workers = []
    for builder in Builder.objects.all():
        _, token = issue_token(builder, by=SIMULATED)
        workers.append(Worker(builder.pk, OfficeAtHand(token), seed))
    for _ in range(1000):
        foreman.turn()
        if foreman.number > 1:
            return [refusal for worker in workers for refusal in worker.office.refused]
        for worker in workers:
            worker.turn()
    raise AssertionError("the release did not end")


def test_the_live_program_is_carried_out_and_followed_by_the_next(transactional_db):
    refusals = play_release(seed=4)

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
        assert certificate(task).clean
        assert task.claims.filter(accepted=True).count() == 1
        assert Evidence.objects.of(task).get(context__to="completed").actor == task.assigned_builder

    # Whoever lied was found out, by the rule that it broke, and by no other.
    lies = {error["rule"] for _, _, answer in refusals for error in answer["errors"]}
    assert lies == {"suite_green", "run_newer_than_work", "goalposts_stand"}
    assert {(what, status) for what, status, _ in refusals} == {("claim", 409)}

    blockers = Blocker.objects.all()
    assert {"repeated_failures"} < {blocker.classification for blocker in blockers}
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


@pytest.mark.parametrize("change", ["declare failed", "take away"])
def test_a_task_that_a_visitor_has_spoiled_is_begun_again(change, transactional_db):
    foreman = Foreman(seed=1, pace=0)
    while foreman.turn():
        pass
    task = Task.objects.filter(state=Task.State.ASSIGNED).first()
    if change == "take away":
        Builder.objects.filter(current_task=task).update(current_task=None)
    else:
        for state in (Task.State.BLOCKED, Task.State.FAILED):
            Task.objects.filter(pk=task.pk).update(state=state)
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
    assert set(visitor.groups.values_list("name", flat=True)) == {Role.FOREMAN, Role.ADMIN}
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
