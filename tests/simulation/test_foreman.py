"""The simulated foreman, builders at the office's own door, and the scene."""

from email.message import Message
from io import StringIO
from types import MappingProxyType

import pytest
from django.core.management.base import OutputWrapper
from django.test import Client
from django.utils.timezone import now
from foreman.office import Answer, Office

from builders.actions import authenticate, issue_token
from builders.models import Builder, BuilderToken, Question, UsageHour
from foreman_office import plan_files
from foreman_office.dashboard.inbox.pending_decisions import count_pending
from foreman_office.management.commands.simulate import (
    fresh_ci_token,
    fresh_password,
    fresh_tokens,
)
from foreman_office.simulation import builder as builder_module
from foreman_office.simulation import foreman as foreman_module
from foreman_office.simulation import scene
from foreman_office.simulation.builder import SimulatedBuilder, client_for
from foreman_office.simulation.foreman import Foreman
from foreman_office.simulation.history import ABANDONED, SETTLED, settle_history
from foreman_office.simulation.pages import Declined, Page, Pages, text_of_page
from foreman_office.simulation.script import BeatStep, script
from governance.actions import raise_blocker
from governance.models import Blocker, Evidence, OfficeSession, RefusedAct
from governance.quality import certificate
from kit.core.roles import Role
from programs.actions import approve_program, send_back_plan
from programs.models import BuilderName, Program, State, Task
from tests.factories import UserFactory

# --- the foreman, and builders at the office's own door ------------------------------------------


class OfficeAtHand(Office):
    """The office itself, asked without a network."""

    def __init__(self, token):
        super().__init__("http://testserver", token)
        self.refused = []

    def ask(self, method, path, body=None, headers=MappingProxyType({}), timeout=0):
        media = headers.get("Content-Type", "")
        headers = {"Authorization": f"Bearer {self.token}", **headers}
        answer = Client().generic(method, path, body or b"", media, headers=headers)
        if answer.status_code >= 300:
            self.refused.append((path.rpartition("/")[2], answer.status_code, answer.json()))
        return Answer(answer.status_code, Message(), answer.content.decode())


def client_at_hand(token):
    """Return the client of whoever has a token, at the office itself."""
    client = client_for("http://testserver", token)
    client.office = OfficeAtHand(token)
    return client


class PagesAtHand(Pages):
    """The pages of the office, asked without a network, and as strict with forms as over it."""

    def ask(self, method, path, content, headers):
        media = headers["Content-Type"]
        client = Client(enforce_csrf_checks=True)
        answer = client.generic(method, path, content, media, headers=headers)
        cookies = [cookie.OutputString() for cookie in answer.cookies.values()]
        text = answer.getvalue().decode()
        return Page(answer.status_code, answer.headers.get("Location", ""), cookies, text)


@pytest.fixture
def foreman(transactional_db):
    """Return a maker of simulated foremen, who have no other way in than any user.

    The builders were heard before: who never was is given nothing.
    """
    Builder.objects.update(heard_at=now())
    with fresh_password() as password, fresh_ci_token() as token:
        pages = PagesAtHand("http://testserver/", "simulation", password)
        yield lambda seed: Foreman(seed, pages, client_at_hand(token), pace=0)


@pytest.fixture
def short_release(monkeypatch, tmp_path):
    """Shorten the release to its first two waves, and the script to a beat for each fifth done.

    Returns a seed by which each lie is told, one builder is stuck and one meets trouble.
    """
    whole = foreman_module.RELEASE.read_text()
    part = tmp_path / "plan.yaml"
    part.write_text(whole[: whole.index("    - key: island-line-$number-payment\n")])
    monkeypatch.setattr(foreman_module, "RELEASE", part)
    monkeypatch.setattr(builder_module, "script", lambda *words: brisk(script(*words)))
    return 80


def brisk(steps):
    """Yield a script without the beats between which little was done."""
    told = -1
    for step in steps:
        if not isinstance(step, BeatStep):
            yield step
        elif step.progress // 20 > told:
            told = step.progress // 20
            yield step


def play_release(seed, foreman):
    """Run foreman and builders until the first release ends; return all refusals.

    The foreman looks now and then, and does all that is due: each look reads lists of the office.
    """
    workers = []
    for builder in Builder.objects.all():
        _, token = issue_token(builder, by=None)
        workers.append(SimulatedBuilder(builder.pk, client_at_hand(token), seed))
    for number in range(1000):
        while number % 5 == 0 and foreman.turn():
            pass
        if foreman.number > 1:
            return [refusal for worker in workers for refusal in worker.builder.office.refused]
        for worker in workers:
            worker.turn()
    raise AssertionError("the release did not end")


@pytest.mark.thorough
def test_the_live_program_is_carried_out_and_followed_by_the_next(short_release, foreman):
    refusals = play_release(short_release, foreman(short_release))

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

    questions = Question.objects.filter(task__wave__program=first)
    assert not questions.open()
    assert questions.exclude(answered_at=None).exists()
    assert UsageHour.objects.filter(task__wave__program=first, kind="cost").exists()

    blockers = Blocker.objects.all()
    assert {"repeated_failures"} < {blocker.classification for blocker in blockers}
    assert not blockers.open()
    assert not RefusedAct.objects.filter(actor="foreman").exists()
    assert {row.context["user"] for row in Evidence.objects.filter(action="assigned")} == {
        "simulation"
    }


def test_the_foreman_waits_while_a_visitor_holds_the_program_up(foreman):
    foreman = foreman(1)
    while foreman.turn():
        pass
    program = Program.objects.get()
    held = Task.objects.filter(wave__program=program, state=Task.State.ASSIGNED)
    assert len(held) == 5
    raise_blocker(program, classification="protected_path", description="Wait.", by=None)
    program.refresh_from_db()
    assert program.state == State.BLOCKED
    assert not foreman.turn()


def test_a_release_that_a_visitor_renamed_is_the_same_release(foreman):
    foreman = foreman(1)
    foreman.plan_release(1)
    Program.objects.update(name="A visitor's name")
    assert foreman.release(1)["program_id"] == str(Program.objects.get().pk)
    assert Program.objects.get().name == "Island Line booking - release 1"


def test_the_foreman_leaves_a_plan_alone_that_a_visitor_sent_back(foreman):
    foreman = foreman(1)
    foreman.plan_release(1)
    program = Program.objects.get()
    send_back_plan(program, note="Say how many seats there are.", by=None)
    assert not foreman.turn()
    program.refresh_from_db()
    assert program.state == State.PLANNED


@pytest.mark.parametrize("change", ["declare failed", "take away"])
def test_a_task_that_a_visitor_has_spoiled_is_begun_again(change, foreman):
    foreman = foreman(1)
    task = assigned_by(foreman)
    if change == "take away":
        Builder.objects.filter(current_task=task).update(current_task=None)
    else:
        for state in (Task.State.BLOCKED, Task.State.FAILED):
            Task.objects.filter(pk=task.pk).update(state=state)
    assert assigned_by(foreman, pk=task.pk) == task
    assert task.holders.get().pk == task.assigned_builder


def assigned_by(foreman, **fields):
    """Return a task that is held, as soon as the foreman has assigned one."""
    held = Task.objects.filter(state=Task.State.ASSIGNED, holders__isnull=False, **fields)
    while not held.exists():
        assert foreman.turn()
    return held.first()


def test_the_foreman_reports_by_its_ci_token_and_decides_as_its_user(foreman):
    assigned_by(foreman(1))
    reports = Evidence.objects.filter(action__in=["qa_run_recorded", "validation_recorded"])
    assert {row.context.get("ci_token") for row in reports} == {"simulation"}
    assert {row.actor for row in reports} == {"foreman"}
    decisions = Evidence.objects.filter(action="assigned")
    assert {row.context.get("user") for row in decisions} == {"simulation"}


def test_the_foreman_logs_in_again_when_its_session_has_ended(foreman):
    foreman = foreman(1)
    assert foreman.turn()
    OfficeSession.objects.all().delete()
    assert foreman.turn()


def test_the_user_of_the_simulation_cannot_log_in_once_it_is_over(db):
    with fresh_password() as password:
        PagesAtHand("http://testserver/", "simulation", password).log_in()
    with pytest.raises(Declined, match="The login is refused"):
        PagesAtHand("http://testserver/", "simulation", password).log_in()


def test_a_refusal_of_a_page_is_told_in_its_words():
    assert text_of_page("<html><main id=main><p>No &amp; <b>never</b>.</p>") == "No & never ."


# --- the scene -----------------------------------------------------------------------------------


def test_the_sample_is_imported_once_and_then_left_alone(db):
    scene.set_the_scene(OutputWrapper(StringIO()))
    sample = Program.objects.get(pk=plan_files.program_id(scene.SAMPLE_KEY))
    Program.objects.filter(pk=sample.pk).update(description="What a visitor wrote.")
    scene.set_the_scene(OutputWrapper(StringIO()))
    sample.refresh_from_db()
    assert sample.description == "What a visitor wrote."
    assert Program.objects.count() == 1


@pytest.fixture
def pages(transactional_db):
    """Return the pages as the simulated foreman has them, who finds the sample."""
    scene.set_the_scene(OutputWrapper(StringIO()))
    with fresh_password() as password:
        yield PagesAtHand("http://testserver/", "simulation", password)


def test_the_imported_history_waits_for_no_decision_and_stays_as_it_was_written(pages):
    sample = Program.objects.get()
    written = {*Task.objects.filter(state="completed"), *Task.objects.filter(state="failed")}
    opened = {*Blocker.objects.open()}
    assert opened
    settle_history(pages)

    assert not count_pending().counts
    settled = Blocker.objects.filter(resolution_action=SETTLED)
    assert {*settled} == opened
    sample.refresh_from_db()
    assert sample.state == State.FAILED
    assert {*Task.objects.filter(state__in=["completed", "failed"])} == written
    abandoned = Evidence.objects.of(sample).get(context__to="failed")
    assert (abandoned.context["user"], abandoned.context["reason"]) == ("simulation", ABANDONED)


def test_a_visitor_who_reopens_the_history_keeps_it_open(pages):
    settle_history(pages)
    sample = Program.objects.get()
    approve_program(sample, by=None)
    wave = sample.waves.filter(state=State.PLANNED).first()
    raise_blocker(wave, classification="protected_path", description="A visitor's.", by=None)
    settle_history(pages)
    sample.refresh_from_db()
    assert sample.state == State.IN_PROGRESS
    assert Blocker.objects.open().get().description == "A visitor's."


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
        issue_token(builder, by=None)
    with fresh_tokens() as tokens:
        assert authenticate(tokens["ui-builder"]) == "ui-builder"
        assert builder.tokens.valid().count() == 2
