"""Tokens: given once, kept as a digest, two at a time, ended at once."""

import hashlib
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from builders import actions
from builders.models import BuilderToken
from foreman_office.dashboard.evidence.sentences import describe
from governance.models import Evidence
from kit.core.acts import Refused
from tests.database import as_administrator
from tests.factories import BuilderFactory, BuilderTokenFactory, UserFactory
from tests.races import overlap

TWO_VALID = "builders_builder_tokens_two_valid"


def test_only_the_digest_of_a_token_and_its_beginning_are_kept(builder, sql):
    token, text = actions.issue_token(builder, by=None)
    token.refresh_from_db()
    assert bytes(token.digest) == hashlib.sha256(text.encode()).digest()
    assert text.startswith(token.prefix)
    assert len(text) - len(token.prefix) >= 32
    assert text not in str(sql("SELECT builder_tokens::text FROM builder_tokens"))


def test_a_token_says_which_builder_speaks(builder):
    other = BuilderFactory(builder_id="qa-builder")
    assert actions.authenticate(actions.issue_token(builder, by=None)[1]) == "ui-builder"
    assert actions.authenticate(actions.issue_token(other, by=None)[1]) == "qa-builder"
    assert actions.authenticate("something else") is None


def test_a_revoked_token_is_refused_from_that_moment(post, beat, builder):
    assert post(beat).status_code == 201
    actions.revoke_token(builder.tokens.get(), by=None)
    assert post(beat).status_code == 401


def test_revoking_twice_keeps_the_first_time(builder):
    token, _ = actions.issue_token(builder, by=None)
    first = actions.revoke_token(token, by=None).revoked_at
    assert actions.revoke_token(token, by=None).revoked_at == first


def test_the_old_token_is_good_until_it_is_revoked(builder):
    old, old_text = actions.issue_token(builder, by=None)
    _, new_text = actions.issue_token(builder, by=None)
    assert actions.authenticate(old_text) == actions.authenticate(new_text) == "ui-builder"
    actions.revoke_token(old, by=None)
    assert actions.authenticate(old_text) is None
    assert actions.authenticate(new_text) == "ui-builder"


def test_a_third_valid_token_is_refused(builder):
    first, _ = actions.issue_token(builder, by=None)
    actions.issue_token(builder, by=None)
    with pytest.raises(Refused) as refusal:
        actions.issue_token(builder, by=None)
    assert refusal.value.rule == TWO_VALID
    actions.issue_token(BuilderFactory(builder_id="qa-builder"), by=None)
    actions.revoke_token(first, by=None)
    actions.issue_token(builder, by=None)


def test_a_revoked_token_cannot_come_back_as_a_third(builder, refuses):
    revoked = BuilderTokenFactory(revoked_at=now())
    BuilderTokenFactory.create_batch(2)
    with refuses(TWO_VALID):
        BuilderToken.objects.filter(pk=revoked.pk).update(revoked_at=None)


def test_of_two_tokens_issued_at_once_only_one_becomes_the_second(builder, connect):
    def issue(digest):
        query = "INSERT INTO builder_tokens (builder_id, prefix, digest) VALUES (%s, %s, %s)"
        return [(query, ["ui-builder", "fo_race", digest])]

    BuilderTokenFactory()
    first, second = overlap(connect, issue(b"a" * 32), issue(b"b" * 32))
    assert first is None
    assert second.diag.constraint_name == TWO_VALID
    assert BuilderToken.objects.valid().count() == 2


def test_the_use_of_a_token_is_noted_once_a_minute(post, beat, builder):
    def used(seconds_ago):
        at = now() - timedelta(seconds=seconds_ago)
        builder.tokens.update(last_used_at=at)
        post(beat)
        return builder.tokens.get().last_used_at != at

    assert builder.tokens.get().last_used_at is None
    post(beat)
    assert builder.tokens.get().last_used_at is not None
    assert not used(50)
    assert used(70)


def test_a_token_is_noted_as_used_by_reading_too(client, token, builder):
    client.get("/api/assignment", headers={"Authorization": f"Bearer {token}"})
    assert builder.tokens.get().last_used_at is not None


# --- by hand --------------------------------------------------------------------------------------


def run(*arguments):
    out, err = StringIO(), StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_issue_token_prints_the_token_and_nothing_else(builder):
    out, err = run("issue_token", "ui-builder")
    text = out.removesuffix("\n")
    assert actions.authenticate(text) == "ui-builder"
    assert builder.tokens.get().prefix in err
    assert text not in err


def test_issue_token_names_the_builders_that_there_are(db):
    with pytest.raises(CommandError) as refusal:
        run("issue_token", "no-builder")
    for name in ("ui", "api", "schema", "integration", "qa"):
        assert f"{name}-builder" in str(refusal.value)


def test_issue_token_says_why_there_is_no_third(builder):
    BuilderTokenFactory.create_batch(2)
    with pytest.raises(CommandError, match=TWO_VALID):
        run("issue_token", "ui-builder")


def test_revoke_token_lists_the_valid_and_ends_the_one_that_is_named(builder):
    token, text = actions.issue_token(builder, by=None)
    listed, _ = run("revoke_token")
    assert token.prefix in listed
    assert "ui-builder" in listed
    run("revoke_token", token.prefix)
    assert actions.authenticate(text) is None
    assert run("revoke_token") == ("", "")


def test_revoke_token_takes_a_whole_token(builder):
    _, text = actions.issue_token(builder, by=None)
    run("revoke_token", text)
    assert actions.authenticate(text) is None


def test_revoke_token_refuses_what_nothing_begins_with(db):
    with pytest.raises(CommandError, match="No valid token"):
        run("revoke_token", "fo_nothing")


# --- evidence -------------------------------------------------------------------------------------


def trail(builder):
    return list(
        Evidence.objects.of(builder).filter(action__startswith="token_").order_by("sequence")
    )


def test_to_issue_and_to_revoke_a_token_are_evidence_of_who_did_it(builder):
    token, _ = actions.issue_token(builder, by=UserFactory(username="johan"))
    actions.revoke_token(token, by=UserFactory(username="maria"))
    issued, revoked = trail(builder)
    assert (issued.action, issued.context["user"]) == ("token_issued", "johan")
    assert (revoked.action, revoked.context["user"]) == ("token_revoked", "maria")
    assert issued.context["snapshot"]["token_id"] == str(token.pk)


def test_neither_the_secret_nor_its_digest_is_in_the_evidence(builder, sql):
    token, text = actions.issue_token(builder, by=None)
    actions.revoke_token(token, by=None)
    BuilderToken.objects.filter(pk=token.pk).update(digest=b"\x07" * 32)
    BuilderToken.objects.filter(pk=token.pk).delete()
    ((told,),) = sql("SELECT string_agg(evidence_trail::text, ' ') FROM evidence_trail")
    assert text not in told
    assert bytes(token.digest).hex() not in told
    assert "07" * 32 not in told
    keys = {key for row in trail(builder) for key in row.context["snapshot"]}
    digests = {"digest_sha256"}  # of the digest, which nobody can log in with
    columns = {"token_id", "builder_id", "organisation_id", "prefix", "created_at", "revoked_at"}
    assert keys == columns | digests


def test_whatever_is_done_to_a_token_past_its_actions_is_evidence_too(builder):
    token = BuilderTokenFactory()
    rows = BuilderToken.objects.filter(pk=token.pk)
    for change in ({"revoked_at": now()}, {"revoked_at": None}, {"digest": b"\x07" * 32}):
        rows.update(**change)
    rows.delete()
    assert [row.action.removeprefix("token_") for row in trail(builder)] == [
        *("issued", "revoked", "restored", "edited", "deleted"),
    ]


def test_that_a_token_is_used_is_no_evidence(builder):
    _, text = actions.issue_token(builder, by=None)
    actions.authenticate(text)
    assert BuilderToken.objects.get().last_used_at
    assert len(trail(builder)) == 1


def test_tokens_cannot_be_emptied_without_evidence(sql, refuses):
    with refuses("governance_no_truncate"):
        as_administrator("TRUNCATE builder_tokens")


def test_the_trail_tells_of_tokens_in_words(builder):
    token, _ = actions.issue_token(builder, by=None)
    actions.revoke_token(token, by=None)
    told = [(each.what, each.detail) for each in describe(trail(builder))]
    assert told == [
        ("Token issued", f"{token.prefix}…"),
        ("Token revoked", f"{token.prefix}…"),
    ]
