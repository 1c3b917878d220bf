"""The table of rules: every rule that the database can name has words, rows and a remedy."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.timezone import now

from builders.models import Builder
from foreman_office.dashboard.builders.queries import with_last_words, with_verdict
from foreman_office.rules import RULES, Case, explain, remedies
from governance.gates import Condition, conditions
from programs.models import today
from tests.factories import (
    BlockerFactory,
    BuilderFactory,
    BuilderPauseFactory,
    BuilderTokenFactory,
    GovernanceViolationFactory,
    TaskFactory,
)

pytestmark = pytest.mark.django_db

GOVERNANCE = Path(settings.BASE_DIR) / "governance" / "sql"
ANSWERS = "TABLE (rule text, met boolean, detail text)"
# The name stands first in a row of such a function: in what is selected, in a list of values, or
# where it is assigned.
NAME = re.compile(r"(?:SELECT|\()\s*'([a-z]+(?:_[a-z]+)+)'\s*,|\brule := '(\w+)'")
OF_BUILDERS = {"heard", "gets_on", "not_waiting", "works_on_its_task", "may_report"}
OF_DUE_DATES = {"in_time"}  # no gate asks for it: nothing is refused for being late


def rules_of_the_database():
    found = set()
    for path in GOVERNANCE.glob("*.sql"):
        text = path.read_text()
        if ANSWERS in text:
            found |= {first or other for first, other in NAME.findall(text)}
    return found


def test_the_rules_are_found_in_the_files_of_the_gates():
    assert rules_of_the_database() >= {
        "still_in_hand",
        "suite_green",
        "program_in_progress",
        "builder_idle",
        "waves_have_tasks",
    }


def test_every_rule_of_the_database_is_in_the_table_and_no_other():
    assert rules_of_the_database() == RULES.keys() - OF_BUILDERS - OF_DUE_DATES


@pytest.fixture
def cases():
    """A program, a wave and a task of which everything is unmet, and a builder with a task."""
    task = TaskFactory(
        assigned_builder="ui-builder",
        due_on=today() - timedelta(days=1),
        wave__state="planned",
        wave__program__state="planned",
    )
    BuilderFactory(builder_id="ui-builder", current_task=TaskFactory(state="in-progress"))
    BlockerFactory(entity=task)
    GovernanceViolationFactory(task=task)
    task.wave.dependencies = [
        str(TaskFactory(wave__program=task.wave.program, wave__sequence_number=9).wave_id)
    ]
    builder = with_last_words(with_verdict()).get(pk="ui-builder")
    return [Case(entity) for entity in (task, task.wave, task.wave.program, builder)]


@pytest.mark.parametrize("name", RULES)
def test_a_rule_that_is_not_met_has_words_and_something_to_do(name, cases):
    assert RULES[name].words[0].isupper()
    case = next(case for case in cases if is_of(name, case.entity))
    acts = remedies([Condition(name, False, "It is so.")], case)
    assert acts
    for act in acts:
        assert act.words
        assert act.address.startswith("/")
        assert act.rules == {name}
    assert explain(Condition(name, False, "It is so."), case).words == RULES[name].words


OF_WAVES = {"dependencies_completed", "tasks_completed"}
OF_PROGRAMS = {"has_waves", "waves_have_tasks", "dependencies_acyclic", "waves_completed"}


def is_of(name, entity):
    kind = entity._meta.model_name
    if isinstance(entity, Builder):
        return name in OF_BUILDERS
    if name in OF_WAVES:
        return kind == "wave"
    if name in OF_PROGRAMS:
        return kind == "program"
    return kind == "task" and name not in OF_BUILDERS


@pytest.mark.parametrize(
    ("builder", "act"),
    [
        ({"heard_at": None}, "Issue a token for ui-builder, and let it send its first heartbeat"),
        ({"state": "failed"}, "Let ui-builder send a heartbeat"),
        ({"current_task": True}, "Let ui-builder finish its task"),
        (None, "End the pause of ui-builder"),
    ],
)
def test_what_frees_a_builder_is_what_keeps_it(builder, act):
    task = TaskFactory(assigned_builder="ui-builder")
    if builder is None:
        begun, until = now() - timedelta(minutes=1), now() + timedelta(hours=1)
        BuilderPauseFactory(
            builder=BuilderFactory(), started_at=begun, ends_at=until, ended_at=None
        )
    elif "current_task" in builder:
        BuilderFactory(current_task=TaskFactory(state="in-progress"))
    else:
        BuilderFactory(**builder)
    asked = conditions(task, "assigned", builder=Builder.objects.get(pk="ui-builder"))
    (remedy,) = remedies([row for row in asked if row.rule == "builder_idle"], Case(task))
    assert remedy.words == f"{act}, or choose another builder."


def test_who_has_a_token_and_was_never_heard_needs_no_other():
    builder = BuilderFactory(heard_at=None)
    BuilderTokenFactory(builder=builder)
    task = TaskFactory(assigned_builder="ui-builder")
    unmet = [row for row in conditions(task, "assigned", builder=builder) if not row.met]
    words = {remedy.words for remedy in remedies(unmet, Case(task))}
    assert "Let ui-builder send its first heartbeat, or choose another builder." in words


def test_one_run_is_named_once_for_all_rules_that_it_meets(cases):
    names = ["suite_green", "no_debt", "run_newer_than_work"]
    (act,) = remedies([Condition(name, False, "") for name in names], cases[0])
    assert act.rules == set(names)


def test_what_no_gate_knows_is_said_in_the_words_of_its_name():
    condition = Condition("programs_tasks_moves", False, "A planned task cannot become completed.")
    assert explain(condition).words == "Programs tasks moves"
