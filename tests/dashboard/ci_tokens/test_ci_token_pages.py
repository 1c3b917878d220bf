"""The page of CI tokens: what there is, a new one, and the end of one."""

import re

import pytest
from django.urls import reverse

from builders.actions import authenticate_ci, issue_ci_token
from builders.models import CIToken
from tests.factories import ProgramFactory, UserFactory

pytestmark = pytest.mark.django_db

LIST, ISSUE = reverse("builders:ci_token_list"), reverse("builders:ci_token_issue")


def test_a_token_is_shown_once_and_listed_by_its_prefix(person):
    program = ProgramFactory(name="Lamps")
    sent = {"name": "pipeline", "programs": [program.pk], "days": "7"}
    answer = person.post(ISSUE, sent)
    text = re.search(r'class="secret"[^>]*>([^<]+)<', answer.text)[1]
    token = CIToken.objects.get()
    assert authenticate_ci(text) == token
    assert token.program_ids == [str(program.pk)]
    assert (token.ends_at - token.created_at).days in (6, 7)
    page = person.get(LIST).text
    assert text not in page
    assert "for Lamps" in page
    assert f"{token.prefix}…" in page


def test_without_programs_a_token_is_for_all(person):
    person.post(ISSUE, {"name": "pipeline"})
    token = CIToken.objects.get()
    assert (token.program_ids, token.ends_at) == (None, None)
    assert "for all programs" in person.get(LIST).text


def test_a_token_needs_a_name(person):
    answer = person.post(ISSUE, {"name": " "})
    assert (answer.status_code, CIToken.objects.count()) == (422, 0)
    assert "This field is required." in answer.text


def test_a_revoked_token_says_so(person):
    token, text = issue_ci_token("pipeline", by=None)
    person.post(reverse("builders:ci_token_revoke", args=[token.pk]))
    assert authenticate_ci(text) is None
    assert "Revoked" in person.get(LIST).text


def test_one_who_reads_sees_the_list_without_the_form(client):
    issue_ci_token("pipeline", by=None)
    client.force_login(UserFactory(roles=["viewer"]))
    page = client.get(LIST).text
    assert "pipeline" in page
    assert "Issue a CI token" not in page
    assert "Revoke" not in page
