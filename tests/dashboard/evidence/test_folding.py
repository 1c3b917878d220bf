"""What one transaction did is one line, with the consequences folded below the act."""

from operator import attrgetter

import pytest
from django.urls import reverse

from foreman_office.dashboard.evidence.folding import fold
from governance.models import Evidence
from tests.factories import TaskFactory

pytestmark = pytest.mark.django_db


def blocked_on_the_page(person):
    task = TaskFactory(state="in-progress", name="Masonry")
    address = reverse("governance:blocker_raise", args=["task", task.pk])
    person.post(address, {"classification": "protected_path", "description": "Not ours"})
    return task


def test_an_act_of_a_request_has_its_consequences_below_it(person):
    task = blocked_on_the_page(person)
    rows = list(Evidence.objects.of(task).order_by("-sequence"))
    (act, others), (created, none) = fold(rows, lambda row: row)
    assert act.action == "blocker_raised"
    assert [other.action for other in others] == ["state_changed"]
    assert (created.action, none) == ("created", [])


def test_each_act_is_on_the_list_and_on_its_page_once(person):
    task = blocked_on_the_page(person)
    for address in (reverse("governance:evidence_list"), task.get_absolute_url()):
        text = person.get(address).text
        assert "1 more in the same transaction" in text
        assert text.count("In progress → Blocked") == 1
    everything = person.get(reverse("governance:evidence_list"), {"export": "ndjson"})
    assert b"".join(everything.streaming_content).count(b"\n") == Evidence.objects.count()


def test_what_no_request_did_is_told_act_by_act():
    TaskFactory.create_batch(3)  # the test is one transaction
    rows = Evidence.objects.order_by("sequence")
    assert [folded.others for folded in fold(rows, lambda row: row)] == [[]] * len(rows)


def test_the_order_of_a_list_is_that_of_its_rows(person):
    blocked_on_the_page(person)
    blocked_on_the_page(person)
    for order in ("sequence", "-sequence"):
        heads = [act.head for act in fold(Evidence.objects.order_by(order), lambda row: row)]
        numbers = [head.sequence for head in heads if head.action == "blocker_raised"]
        assert numbers == sorted(numbers, reverse=order == "-sequence")
        for act in fold(Evidence.objects.order_by(order), lambda row: row):
            assert act.others == sorted(act.others, key=attrgetter("sequence"))
