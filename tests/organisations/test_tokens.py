"""Tokens of an organisation are issued by those who serve the whole office, and by its foremen."""

import re
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from builders import actions
from builders.models import Builder, BuilderToken, CIToken
from governance.actions import record_qa_execution, record_validation
from kit.core.acts import Refused
from kit.runtime.database.members import as_member
from programs.models import Organisation
from tests.factories import TaskFactory
from tests.organisations.conftest import member_of
from tests.organisations.test_pages import log_in

CI_TOKENS = reverse("builders:ci_token_issue")


def issue_at(builder):
    return reverse("builders:builder_issue_token", args=[builder.pk])


@pytest.fixture
def superuser(three):
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def test_who_serves_the_whole_office_chooses_for_whom_a_token_is(three, superuser):
    a, builder = Organisation.objects.get(pk=three.a.id), three.b.builder
    page = superuser.get(builder.get_absolute_url()).text
    assert "The whole office" in page
    for chosen in ("", a.pk):
        assert superuser.post(issue_at(builder), {"organisation": chosen}).status_code == 200
    assert [*builder.tokens.order_by("created_at").values_list("organisation", flat=True)] == [
        None,
        a.pk,
    ]
    assert f"for {a}" in superuser.get(builder.get_absolute_url()).text
    # A CI token is for programs of its organisation.
    sent = {"name": "robot", "organisation": a.pk, "programs": [three.b.program.pk]}
    refused = superuser.post(CI_TOKENS, sent)
    assert (refused.status_code, CIToken.objects.count()) == (422, 0)
    assert f"Not of {a}: {three.b.program}." in refused.text
    superuser.post(CI_TOKENS, sent | {"programs": [three.a.program.pk]})
    assert CIToken.objects.get().organisation == a
    assert f"of {a}" in superuser.get(reverse("builders:ci_token_list")).text
    # In the admin there is an action for each.
    address = reverse("admin:builders_builder_changelist")
    assert f"Issue a token for {a}" in superuser.get(address).text
    sent = {"action": f"issue_token_{a.pk.hex}", "_selected_action": [three.a.builder.pk]}
    assert superuser.post(address, sent).status_code == 200
    assert three.a.builder.tokens.get().organisation == a


def test_a_foreman_issues_and_sees_the_tokens_of_their_own_organisation(three):
    a, b = (Organisation.objects.get(pk=each.id) for each in (three.a, three.b))
    ada, builder = log_in(three.a, "ada", "foreman"), three.a.builder
    theirs, _ = actions.issue_token(builder, organisation=b, by=None)
    actions.issue_ci_token("robot of beta", organisation=b, by=None)
    page = ada.get(builder.get_absolute_url()).text
    assert theirs.prefix not in page
    assert "The whole office" not in page
    # Whatever is sent, the token is of the organisation.
    for more in ({}, {"organisation": str(b.pk)}):
        ada.post(issue_at(builder), more)
    ada.post(CI_TOKENS, {"name": "robot"})
    assert {*BuilderToken.objects.exclude(pk=theirs.pk).values_list("organisation", flat=True)} == {
        a.pk
    }
    assert CIToken.objects.get(name="robot").organisation == a
    assert "beta" not in ada.get(reverse("builders:ci_token_list")).text
    assert ada.post(reverse("builders:token_revoke", args=[theirs.pk])).status_code == 404
    with member_of(three.a) as session:
        assert session.execute("SELECT count(*) FROM builder_tokens").fetchone()[0] > 0
        changed = session.execute(
            "UPDATE builder_tokens SET revoked_at = now() WHERE token_id = %s", [theirs.pk]
        )
        assert changed.rowcount == 0


def test_who_works_for_the_office_itself_issues_no_token_that_sees_all(three):
    with as_member(three.itself.id), pytest.raises(Refused) as refused:
        actions.issue_token(Builder.objects.get(pk=three.itself.builder.pk), by=None)
    assert refused.value.rule == "token_of_the_whole_office"


def test_the_command_takes_the_name_of_an_organisation(three):
    def run(*args):
        out, err = StringIO(), StringIO()
        call_command("issue_token", *args, stdout=out, stderr=err)
        return out.getvalue().strip()

    alpha = Organisation.objects.get(pk=three.a.id)
    for more in (["ui-builder"], ["--ci", "robot"]):
        assert re.match("f[oc]_", run(*more, "--organisation", alpha.name))
    assert BuilderToken.objects.get().organisation == alpha
    assert CIToken.objects.get().organisation == alpha
    with pytest.raises(CommandError, match="no organisation is named 'gamma'"):
        run("ui-builder", "--organisation", "gamma")


def test_an_organisation_with_tokens_is_not_deleted(three, sql):
    organisation = Organisation.objects.create(name="gamma")
    actions.issue_token(three.a.builder, organisation=organisation, by=None)
    with pytest.raises(Exception, match="has had tokens"):
        sql("DELETE FROM organisations WHERE organisation_id = %s", organisation.pk)


def test_a_member_changes_nothing_that_a_shared_builder_is_to_others(three):
    for change in ("silence_threshold_seconds = 999", "provenance = '{}'::jsonb || '[1]'"):
        with member_of(three.a) as session, pytest.raises(Exception, match="Builders are shared"):
            session.execute(
                f"UPDATE builders SET {change} WHERE builder_id = %s", [three.a.builder.pk]
            )


def test_a_builder_at_work_for_another_takes_no_task_and_is_only_busy(three):
    wave = three.a.wave
    for entity in (wave.program, wave):
        type(entity).objects.filter(pk=entity.pk).update(state="in-progress")
    ready = TaskFactory(wave=wave, name="ready", qa_suite_location="tests/ready")
    record_validation(ready, validation_results={"interfaces": {"named": True}}, by=None)
    record_qa_execution(ready, passing=0, failing=1, by=None)
    with as_member(three.a.id), pytest.raises(Refused) as refused:
        actions.assign_task(ready, three.b.builder, by=None)
    assert "qa-builder is busy" in refused.value.message
    assert "beta" not in refused.value.message
