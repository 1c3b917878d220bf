"""CI tokens by command: issued for all programs or for some, listed and revoked."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from builders.actions import authenticate_ci, issue_ci_token
from builders.models import BuilderToken, CIToken
from tests.factories import ProgramFactory

pytestmark = pytest.mark.django_db


def run(*command):
    told = StringIO()
    call_command(*command, stdout=told, stderr=StringIO())
    return told.getvalue().strip()


def test_a_ci_token_is_issued_for_all_programs_and_without_an_end():
    token = authenticate_ci(run("issue_token", "--ci", "pipeline"))
    assert (token.name, token.program_ids, token.ends_at) == ("pipeline", None, None)
    assert not BuilderToken.objects.exists()


def test_a_ci_token_is_issued_for_some_programs_and_for_a_time():
    programs = [ProgramFactory(name=name) for name in ("Lamps", "Barn")]
    text = run(
        *("issue_token", "--ci", "pipeline", "--days", "30"),
        *("--program", "Lamps", "--program", "Barn"),
    )
    token = authenticate_ci(text)
    assert token.program_ids == [str(program.pk) for program in programs]
    assert (token.ends_at - token.created_at).days in (29, 30)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ([], "Name a builder, or a CI system with --ci."),
        (["ui-builder", "--ci", "pipeline"], "Name a builder, or a CI system with --ci."),
        (["ui-builder", "--days", "3"], "--program and --days are for CI tokens only."),
        (["--ci", "pipeline", "--program", "Lamps"], "No program is named 'Lamps'."),
        (["--ci", "pipeline", "--days", "0"], "a number of days from 1 to 36500"),
        (["--ci", " "], "A CI token needs a name."),
    ],
)
def test_what_cannot_be_issued_is_refused_in_words(command, words):
    with pytest.raises(CommandError, match=words):
        run("issue_token", *command)
    assert not CIToken.objects.exists()
    assert not BuilderToken.objects.exists()


def test_a_ci_token_is_listed_and_revoked_by_its_prefix():
    token, text = issue_ci_token("pipeline", by=None)
    assert f"{token.prefix}  pipeline" in run("revoke_token")
    assert run("revoke_token", text) == f"{token.prefix} of pipeline is revoked."
    assert authenticate_ci(text) is None
    assert run("revoke_token") == ""
