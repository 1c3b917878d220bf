"""A wave in progress whose dependency was taken back is a decision, from its card."""

import pytest
from django.urls import reverse

from foreman_office.dashboard.inbox.inbox_cards import finish, list_decisions, read_builders
from foreman_office.dashboard.inbox.pending_decisions import count_pending
from governance.models import Evidence
from kit.core.acts import act
from programs.models import Task, Wave
from tests.factories import ProgramFactory, TaskFactory, WaveFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ahead(db):
    """A wave in progress after the one that it depends on was taken back."""
    program = ProgramFactory(state="in-progress")
    first = WaveFactory(program=program, name="Cellar", state="in-progress")
    task = TaskFactory(wave=first, state="in-progress")
    roof = WaveFactory(program=program, name="Roof", state="planned", dependencies=[str(first.pk)])
    TaskFactory(wave=roof, state="in-progress")
    with act(None, override="The scene."):
        Task.objects.filter(pk=task.pk).update(state="completed")
    with act(None):
        Wave.objects.filter(pk=roof.pk).update(state="in-progress")
    with act(None, override="Taken back."):
        Task.objects.filter(pk=task.pk).update(state="in-progress")
    return roof


def cards():
    return [each for each in list_decisions() if each.kind == "ahead"]


def test_it_is_one_card_with_a_stable_key_and_says_what_was_taken_back(ahead):
    (card,) = cards()
    finish([card], read_builders(), decides=True)
    assert (card.key, card.broken) == (f"ahead-wave-{ahead.pk}", False)
    assert "“Cellar” is in progress" in card.happened
    assert card.since == Evidence.objects.filter(
        entity_type="wave", context__contains={"from": "completed"}
    ).latest("sequence").timestamp  # fmt: skip
    assert [each.label for each in card.offers] == ["Raise a blocker", "Accept"]
    assert count_pending().counts["ahead"] == 1


def test_it_is_accepted_from_the_inbox_with_a_reason(ahead, person):
    page = person.get(reverse("inbox"))
    address = reverse("programs:wave_accept", args=[ahead.pk])
    assert f'action="{address}"' in page.text
    assert person.post(address, {"reason": " "}).status_code == 422
    assert len(cards()) == 1
    assert person.post(address, {"reason": "The parts are apart."}).status_code == 302
    assert cards() == []
    told = Evidence.objects.of(ahead).latest("sequence").context
    assert (told["reason"], told["user"]) == ("The parts are apart.", "johan")
    assert "continues ahead of what it depends on" in person.get(ahead.get_absolute_url()).text


def test_a_blocker_on_the_wave_speaks_for_it_until_it_is_resolved(ahead, person, sql):
    address = reverse("governance:blocker_raise", args=["wave", ahead.pk])
    blocked = {"classification": "architecture_qa_mismatch", "description": "The cellar moves."}
    assert person.post(address, blocked).status_code == 302
    assert Wave.objects.get(pk=ahead.pk).state == "blocked"
    assert cards() == []
    sql("UPDATE blockers SET resolved_at = now(), resolution_action = 'It stands.'")
    assert len(cards()) == 1
