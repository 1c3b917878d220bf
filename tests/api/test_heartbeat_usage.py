"""The usage that a heartbeat tells: counted once with its id, for its task."""

from uuid import uuid4

import pytest
from django.db.models import Sum

from builders.models import Heartbeat, UsageHour
from foreman_office.dashboard.spend.figures import NOT_TOLD
from tests.api.refusals import said

pytestmark = pytest.mark.django_db


def used():
    rows = UsageHour.objects.counted().values_list("kind", "task", "model")
    return {tuple(key): total for *key, total in rows.annotate(sum=Sum("amount")).order_by("kind")}


def test_what_a_heartbeat_used_is_counted_once_for_its_task(post, beat, task):
    usage = {"model": "m", "input_tokens": 70, "output_tokens": 30, "cost_usd": 0.5}
    again = beat | {"heartbeat_id": str(uuid4()), "task_id": str(task.pk), "usage": usage}
    for _ in range(2):
        assert post(again).status_code == 201
    expected = {("cost", task.pk, "m"): 0.5, ("input", task.pk, "m"): 70,
                ("output", task.pk, "m"): 30}  # fmt: skip
    assert used() == expected
    assert Heartbeat.objects.count() == 1
    # Two of one moment are two; the same one cannot tell something else.
    assert post(again | {"heartbeat_id": str(uuid4())}).status_code == 201
    assert used()["output", task.pk, "m"] == 60
    answer = post(again | {"usage": usage | {"output_tokens": 31}})
    assert (answer.status_code, said(answer)) == (
        409,
        [("heartbeat_id", "heartbeat_id_used_once")],
    )
    assert used()["output", task.pk, "m"] == 60


def test_a_heartbeat_without_a_task_is_of_the_task_that_the_builder_has(post, beat, held):
    assert post(beat | {"usage": {"input_tokens": 5}}).status_code == 201
    assert used() == {("input", held.pk, ""): 5}


def test_a_cost_that_one_heartbeat_tells_is_not_that_of_the_others(post, beat, held):
    tokens = {"input_tokens": 70}
    unpriced = UsageHour.objects.counted().filter(NOT_TOLD)
    first = beat | {"heartbeat_id": str(uuid4()), "usage": tokens}
    assert post(first).status_code == 201
    for cost in (0.5, 0):
        told = {"usage": tokens | {"cost_usd": cost}, "heartbeat_id": str(uuid4())}
        assert post(beat | told).status_code == 201
    assert unpriced.aggregate(sum=Sum("unpriced")) == {"sum": 70}
    assert used() == {("cost", held.pk, ""): 0.5, ("input", held.pk, ""): 210}
    answer = post(first | {"usage": tokens | {"cost_usd": 1}})
    assert (answer.status_code, said(answer)) == (
        409,
        [("heartbeat_id", "heartbeat_id_used_once")],
    )
    assert used()["input", held.pk, ""] == 210


def test_usage_that_cannot_be_one_is_refused(post, beat):
    for wrong in (
        {"input_tokens": -1},
        {"input_tokens": 1.5},
        {"input_tokens": True},
        {"output_tokens": 10**15 + 1},
        {"cost_usd": -0.1},
        {"cost_usd": "1"},
        {"model": "a\0b"},
        {"model": "m" * 201},
        {"prompt": "a secret"},
        [],
    ):
        answer = post(beat | {"usage": wrong})
        assert answer.status_code == 422, wrong
        assert all(field.startswith("usage") for field, _ in said(answer)), wrong
    assert not Heartbeat.objects.exists()
    assert post(beat | {"usage": None}).status_code == 201
    assert post(beat | {"usage": {}}).status_code == 201
    assert used() == {}
