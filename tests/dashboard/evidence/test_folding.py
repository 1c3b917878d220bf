"""One act is one line, whoever did it: a person, a command, or another program."""

import pytest
from django.db import connection, transaction
from django.urls import reverse

from foreman_office.dashboard.evidence.folding import fold
from foreman_office.dashboard.handover.span import SpanRow, sort_rows
from governance.actions import raise_blocker, resolve_blocker
from governance.models import Evidence
from kit.core.acts import act
from programs.models import Task
from tests.factories import TaskFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def lines(rows):
    """Return what each line tells first, and how much is folded below it."""
    folded = fold(rows.order_by("sequence"), lambda row: row)
    return [(each.head.action, len(each.others)) for each in folded]


def since(sequence):
    return Evidence.objects.filter(sequence__gt=sequence)


@pytest.fixture
def last():
    TaskFactory.create_batch(2, state="in-progress")
    return Evidence.objects.latest("sequence").sequence


def test_what_a_command_does_in_one_transaction_is_one_line_and_two_are_two(last):
    one, other = Task.objects.order_by("created_at")
    raised = {"classification": "protected_path", "description": "A lock.", "by": None}
    blocker = raise_blocker(one, **raised)
    raise_blocker(other, **raised)
    assert lines(since(last)) == [("blocker_raised", 1), ("blocker_raised", 1)]
    last = Evidence.objects.latest("sequence").sequence
    resolve_blocker(blocker, resolution_action="Open.", by=None)
    assert lines(since(last)) == [("blocker_resolved", 1)]


def test_what_another_program_does_in_one_transaction_is_one_line(last, person):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE tasks SET name = name || ' again'")
        cursor.execute("UPDATE waves SET name = name || ' again'")
    (line,) = lines(since(last))
    assert line[0] == "edited"
    assert line[1] == since(last).count() - 1 >= 3
    page = person.get(reverse("governance:evidence_list")).text
    assert f"{line[1]} more in the same transaction" in page


def test_a_command_of_a_person_is_one_decision_of_the_handover(last):
    with act(UserFactory()):
        for task in Task.objects.all():
            task.name += " again"
            task.save(update_fields=["name"])
    columns = ["sequence", "timestamp", "action", "entity_type", "entity_id"]
    rows = [
        SpanRow(*row, *[None] * 5, user="johan", request=None, transaction="7")
        for row in since(last).values_list(*columns)
    ]
    assert len(rows) == 2
    assert [len(found) for found in sort_rows(rows).values()] == [1]
