"""Derivations: the conditions, the rows behind them, since when, and what would turn it."""

import random
import re
from collections import Counter
from datetime import timedelta
from html.parser import HTMLParser
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils.timezone import now

from builders.actions import assign_task
from builders.models import Builder
from foreman_office.dashboard.explain.state import derive
from governance.actions import claim_completion
from governance.models import Blocker
from kit.core.acts import act
from programs.models import Program, Task, Wave
from tests.examples import FACTOR
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    HeartbeatFactory,
    ProgramFactory,
    QAExecutionFactory,
    TaskFactory,
    UserFactory,
    WaveFactory,
)
from tests.scenes import green_after_work, prepare, take_up

pytestmark = pytest.mark.django_db


def why(entity):
    return reverse("governance:why", args=[entity._meta.model_name, entity.pk])


def changes(entity):
    return [change.words for change in derive(entity).changes]


# --- the smallest set of changes ------------------------------------------------------------------


def test_blockers_are_counted_and_resolving_them_turns_it(task):
    for kind in ("protected_path", "repeated_failures"):
        BlockerFactory(entity=task, classification=kind)
    task.refresh_from_db()
    assert changes(task)[0] == "Resolve 2 blockers."
    Blocker.objects.within(task).open().update(resolved_at=now(), resolution_action="Done")
    task.refresh_from_db()
    assert task.state == "planned"


def test_a_wave_wants_its_tasks_completed_or_any_at_all(task):
    assert changes(task.wave) == ["Complete the other tasks of the wave."]
    task.delete()
    assert changes(task.wave) == ["Add a task to the wave, or delete it."]


def test_resolving_a_violation_resolves_the_blocker_that_it_raised(task):
    violation = GovernanceViolationFactory(task=task)
    task.refresh_from_db()
    assert changes(task)[0] == "Resolve 1 violation."
    violation.resolved_at = now()
    violation.save(update_fields=["resolved_at"])
    task.refresh_from_db()
    assert task.state == "planned"


@pytest.mark.django_db(transaction=True)  # each record arrives at a moment of its own
def test_one_run_meets_every_condition_that_speaks_of_a_run(task):
    take_up(prepare(task))
    run, evidence = changes(task)
    assert run.startswith("Record a green run of tests/escalation/ newer than ")
    assert evidence == "Set the evidence location."
    green_after_work(task)
    assert changes(task) == ["Set the evidence location."]


def test_the_waves_before_are_named():
    program = ProgramFactory()
    first = WaveFactory(program=program, name="Foundation", sequence_number=1)
    second = WaveFactory(
        program=program, sequence_number=2, state="planned", dependencies=[str(first.pk)]
    )
    assert changes(second) == ["Complete “Foundation” first."]


def test_a_task_asks_for_its_parents_its_architecture_and_a_red_run():
    task = TaskFactory(wave__state="planned", wave__name="Roof", wave__program__state="planned")
    program = task.wave.program
    assert changes(task) == [
        f"Approve “{program}”.",
        "Start “Roof”.",
        "Validate architecture/escalation.md with every item passed.",
        "Record a run of tests/escalation/ with a failing test and none skipped.",
    ]


def test_what_nothing_stands_before_is_said_so():
    wave = WaveFactory(state="planned")
    TaskFactory(wave=wave)
    assert changes(wave) == ["Every condition is met: it can be started."]


def test_a_blocked_task_asks_the_gate_of_where_it_goes():
    task = TaskFactory(state="blocked", assigned_builder="ui-builder")
    derivation = derive(task)  # the trail does not know where it was: it goes back to the plan
    assert (derivation.move.target, derivation.move.conditions) == ("planned", [])
    assert derivation.move.title == "Can be planned again"


def test_a_task_that_its_builder_no_longer_has_says_what_to_do_before_it_resumes():
    task = TaskFactory(state="in-progress", assigned_builder="ui-builder")
    with act(None, reason="To see it asked."):
        Task.objects.filter(pk=task.pk).update(state="blocked")
    task.refresh_from_db()
    derivation = derive(task)
    assert [condition.rule for condition in derivation.move.unmet] == ["still_in_hand"]
    assert changes(task) == [
        "Unassign the task: ui-builder no longer has it. Then assign it again."
    ]


def test_since_when_is_read_from_the_evidence(task):
    BlockerFactory(entity=task)
    task.refresh_from_db()
    derivation = derive(task)
    assert derivation.evidence.context["to"] == "blocked"
    assert derivation.since == derivation.evidence.timestamp


def test_every_unmet_condition_is_met_by_some_change():
    for entity in furnish(7):
        derivation = derive(entity)
        if derivation.move and derivation.move.unmet:
            met = frozenset().union(*(change.rules for change in derivation.changes))
            unmet = {condition.rule for condition in derivation.move.unmet}
            assert unmet - {"returns_to_where_it_was"} == met, entity


# --- the page -------------------------------------------------------------------------------------


def test_a_stranger_is_sent_to_the_login(client, task):
    assert client.get(why(task)).url.startswith(reverse("login"))


def test_the_page_shows_conditions_rows_and_changes(person):
    task = TaskFactory(state="in-progress")
    BlockerFactory(entity=task, description="The suite tests another page.")
    content = person.get(why(task)).text
    for words in ("Resolve 1 blocker", "The suite tests another page", "No open blocker", "since"):
        assert words in content


def test_the_page_tells_how_it_came_about(person):
    task = TaskFactory()
    with act(None, reason="To see it told."):
        Task.objects.filter(pk=task.pk).update(state="blocked")
    builder = Builder.objects.get(pk="ui-builder")
    assert "Planned → Blocked" in person.get(why(task)).text.partition("History")[2]
    assert "Builder created" in person.get(why(builder)).text.partition("History")[2]


def test_a_builder_is_derived_from_its_beats(person):
    task = TaskFactory()
    builder = take_up(prepare(task))
    long_ago = now() - timedelta(minutes=5)
    builder.heartbeats.update(timestamp=long_ago)
    Builder.objects.filter(pk=builder.pk).update(
        last_heartbeat=long_ago, heard_at=long_ago, assigned_at=long_ago
    )
    content = person.get(why(builder)).text
    assert "Why is “ui-builder” silent?" in content
    assert "ends the silence" in content


@pytest.mark.parametrize(
    "address",
    [
        ("castle", uuid4()),
        ("task", uuid4()),
        ("task", "not-a-key"),
        ("builder", "nobody"),
    ],
)
def test_what_is_not_there_is_not_found(person, address):
    assert person.get(reverse("governance:why", args=address)).status_code == 404


def test_the_derivation_is_a_part(person, task):
    headers = {"HX-Request": "true", "HX-Target": "derivation"}
    alone = person.get(why(task), headers=headers).text
    assert alone.count('id="derivation"') == 1
    assert "<html" not in alone


# --- no bad news without its derivation -----------------------------------------------------------

BAD = {"blocked", "failed"}
HOLDERS = ("li", "tr", "section", "header", "div", "details")


class Marks(HTMLParser):
    """Collect the marks of bad states that have no link to a derivation beside them.

    Beside means: in the same link, or in the row, card or heading that holds the mark.
    """

    VOID = frozenset({"meta", "link", "input", "br", "use", "rect", "path", "line", "hr", "img"})

    def __init__(self, page):
        super().__init__()
        self.open, self.unexplained, self.links = [], [], set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        classes = (given.get("class") or "").split()
        if tag in self.VOID:
            return
        frame = {"tag": tag, "marks": [], "why": False}
        if tag == "a" and (href := given.get("href", "")).startswith("/"):
            self.links.add(href)
            frame["why"] = href.startswith("/why/") or bool(ROWS.search(href))
        shown = "mark" in classes or "status" in classes
        if shown and given.get("data-tone") in BAD:
            frame["marks"].append(f"{tag} {given} in {[above['tag'] for above in self.open[-5:]]}")
        self.open.append(frame)

    def handle_endtag(self, tag):
        if tag in self.VOID or not any(frame["tag"] == tag for frame in self.open):
            return
        while True:
            frame = self.open.pop()
            marks = [] if frame["why"] else frame["marks"]
            if self.open:
                self.open[-1]["why"] |= frame["why"] and not self._holds(frame)
                self.open[-1]["marks"] += marks
            else:
                self.unexplained += marks
            if frame["tag"] == tag:
                return

    def _holds(self, frame):
        """A row explains what is in it, and nothing outside."""
        return frame["tag"] in ("li", "tr", "section")


def furnish(seed):
    """An office of random states, each reached as it would be, and all kinds of trouble."""
    dice = random.Random(seed)
    found = []
    with act(None, override="the scene"):
        for _ in range(2):
            program = ProgramFactory(state=dice.choice(Program.State.values))
            waves = []
            for number in range(1, 4):
                after = [str(wave.pk) for wave in waves if dice.random() < 0.5]
                wave = WaveFactory(
                    program=program,
                    sequence_number=number,
                    state=dice.choice(Wave.State.values),
                    dependencies=after,
                )
                waves.append(wave)
                for _ in range(dice.randrange(4)):
                    task = TaskFactory(wave=wave, state=dice.choice(Task.State.values))
                    found.append(task)
            found += [program, *waves]
    tasks = [entity for entity in found if isinstance(entity, Task)]
    for task in tasks:
        if dice.random() < 0.6:
            judge(task, dice)
    for entity in found:
        if entity.state != "completed" and dice.random() < 0.3:
            BlockerFactory(entity=entity)
    put_to_work(dice)
    for entity in found:
        entity.refresh_from_db()
    return found


def judge(task, dice):
    passing, failing, skipped = (dice.randrange(3) for _ in range(3))
    QAExecutionFactory(
        task=task, passing_tests=passing, failing_tests=failing, skipped_tests=skipped
    )
    if dice.random() < 0.5:
        ArchitectureValidationFactory(
            task=task,
            pass_rate=50,
            build_readiness="NOT_READY",
            validation_results={"documents": {"design": True, "plan": False}},
        )
    if dice.random() < 0.3:
        GovernanceViolationFactory(task=task)


def put_to_work(dice):
    names = ["ui-builder", "api-builder", "qa-builder"]
    for name, how in zip(names, ("silent", "spinning", "refused"), strict=True):
        task = TaskFactory()
        ArchitectureValidationFactory(task=task)
        QAExecutionFactory(task=task, passing_tests=0, failing_tests=5)
        builder = BuilderFactory(builder_id=name, state="idle")
        assign_task(task, builder, by=None)
        for second in range(11 if how == "spinning" else 1):
            HeartbeatFactory(
                builder=builder,
                task=task,
                progress_percentage=10,
                timestamp=now() + timedelta(seconds=second),
            )
        if how == "silent":
            since = now() - timedelta(minutes=dice.randrange(5, 60))
            Builder.objects.filter(pk=name).update(
                last_heartbeat=since, heard_at=since, assigned_at=since
            )
        if how == "refused":
            claim_completion(Task.objects.get(pk=task.pk), by=builder)


# A number leads to the rows that it counts, of which each says why.
ROWS = re.compile(r"[?&]state=|^/blockers/\?")
# The same rows of a list in another order, cut elsewhere, or as a file; of the trail, a part alone;
# a page as of a moment that is over, of which only the state is known.
AGAIN = re.compile("[?&](sort|before|after|export|of|within|as_of)=|/evidence/[0-9]+/")


ID = re.compile("[0-9a-f-]{36}")
OF_A_KIND = 2 * FACTOR  # so many pages of one kind are looked at


def kind_of(address):
    """Return an address without what differs from row to row."""
    path, _, query = ID.sub("ID", address).partition("?")
    return path, frozenset(word.partition("=")[0] for word in query.split("&"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "role"), [(1, "foreman"), pytest.param(2, "viewer", marks=pytest.mark.thorough)]
)
def test_no_page_shows_bad_news_without_its_derivation(client, seed, role):
    furnish(seed)
    client.force_login(UserFactory(roles=[role]))
    ahead, seen, unexplained = ["/"], set(), []
    kinds = Counter()
    while ahead:
        address = ahead.pop()
        seen.add(address)
        kinds[kind_of(address)] += 1
        if kinds[kind_of(address)] > OF_A_KIND:
            continue
        response = client.get(address)
        assert response.status_code == 200, address
        if response.streaming:  # a file to keep, and no page
            response.getvalue()  # to its end, which closes it
            continue
        marks = Marks(response.text)
        if not address.startswith("/why/"):  # a derivation is its own
            unexplained += [f"{address}: {mark}" for mark in marks.unexplained]
        plain = {link.partition("#")[0] for link in marks.links if not link.startswith("/static")}
        plain = {link for link in plain if not AGAIN.search(link)}
        ahead += sorted(plain - seen - set(ahead))
    assert any(address.startswith("/why/builder/") for address in seen)
    assert unexplained == []


def test_the_crawler_finds_bad_news_that_stands_alone():
    bad = '<svg class="mark" data-tone="failed"></svg>'
    why_link = '<a href="/why/task/1/">why</a>'
    assert Marks(f"<ul><li>{bad}</li><li>{why_link}</li></ul>").unexplained
    assert not Marks(f"<ul><li>{bad} {why_link}</li></ul>").unexplained
    assert not Marks(f'<a href="/why/task/1/">{bad}</a>').unexplained
    assert Marks(f"<section>{bad}</section><section>{why_link}</section>").unexplained
