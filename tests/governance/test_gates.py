"""Gates open when all is met, and name whatever is not."""

import json

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given

from builders.models import Builder
from governance.gates import conditions
from kit.core.acts import act
from programs.models import Program, Task, Wave
from tests.examples import examples
from tests.factories import (
    ProgramFactory,
    TaskFactory,
    WaveFactory,
)
from tests.governance.gate_scenes import SCENES, Unblock, breakable, subsets

pytestmark = pytest.mark.django_db


def check(scene, broken):
    """Break conditions of a scene: the gate names exactly them, and refuses if there is one."""
    # A condition about the rows that another removes comes last.
    made = scene()
    for rule in sorted(broken, key=lambda rule: rule == "no_open_blocker"):
        getattr(made, rule)()
    expected = broken | getattr(scene, "always", set())
    if "no_debt" in broken:
        expected = expected | {"suite_green"}  # a run with debt is not green
    entity = made.entity
    entity.refresh_from_db()
    builder = Builder.objects.get(pk="ui-builder")

    answer = conditions(entity, made.target, builder=builder)
    assert {condition.rule for condition in answer if not condition.met} == expected
    assert {condition.rule for condition in answer} >= {*breakable(scene)}
    assert len({condition.rule for condition in answer}) == len(answer)
    assert all(condition.detail.endswith((".", "proof")) for condition in answer)

    rows = type(entity).objects.filter(pk=entity.pk)
    try:
        with transaction.atomic():
            rows.update(state=made.target, **made.columns)
    except IntegrityError as error:
        diag = error.__cause__.diag
        assert diag.constraint_name == f"governance_{entity._meta.db_table}_gate"
        assert {unmet["rule"] for unmet in json.loads(diag.message_detail)} == expected
        for unmet in json.loads(diag.message_detail):
            assert unmet["detail"] in diag.message_primary
        assert expected
    else:
        assert not expected
        assert rows.get().state == made.target


@pytest.mark.parametrize("scene", SCENES)
def test_a_gate_opens_when_all_is_met(scene):
    check(scene, set())


@pytest.mark.parametrize(
    ("scene", "rule"), [(scene, rule) for scene in SCENES for rule in breakable(scene)]
)
def test_each_condition_alone_keeps_it_shut(scene, rule):
    check(scene, {rule})


@given(subsets())
@examples(12)
def test_whatever_is_broken_is_named_and_nothing_else(db, broken):
    with transaction.atomic():
        check(*broken)
        transaction.set_rollback(True)


@pytest.mark.parametrize("scene", SCENES)
def test_an_override_passes_whatever_is_broken(scene):
    made = scene()
    for rule in sorted(breakable(scene), key=lambda rule: rule == "no_open_blocker"):
        if (scene, rule) != (Unblock, "still_in_hand"):
            getattr(made, rule)()
    made.entity.refresh_from_db()
    with act(None, override="The owner wants it so."):
        type(made.entity).objects.filter(pk=made.entity.pk).update(
            state=made.target, **made.columns
        )
    made.entity.refresh_from_db()
    assert made.entity.state == made.target


def test_every_gated_state_has_a_scene():
    gated = {("program", "in-progress"), ("program", "completed"), ("wave", "in-progress"),
             ("wave", "completed"), ("task", "assigned"), ("task", "in-progress"),
             ("task", "completed")}  # fmt: skip
    found = set()
    for model in (Program, Wave, Task):
        entity = {Program: ProgramFactory, Wave: WaveFactory, Task: TaskFactory}[model]()
        for target in model.State.values:
            if conditions(entity, target):
                found.add((model._meta.model_name, target))
    assert found == gated
