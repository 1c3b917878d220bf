from argparse import ArgumentTypeError
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from builders import actions
from builders.models import Builder, BuilderToken, CIToken
from kit.core.acts import Refused
from programs.models import BuilderName, Organisation, Program


def days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 36_500:
        raise ArgumentTypeError("a number of days from 1 to 36500 is expected")
    return int(text)


class Command(BaseCommand):
    help = (
        "Give a builder, or with --ci a CI system or script, a token for the API. Only the token"
        " goes to standard output, once: the office stores its digest."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "builder",
            nargs="?",
            choices=BuilderName.values,
            metavar="builder",
            help=f"one of {', '.join(BuilderName.values)}",
        )
        parser.add_argument(
            "--ci", metavar="NAME", help="the name of a CI system or script, for the evidence"
        )
        parser.add_argument(
            "--program",
            action="append",
            metavar="PROGRAM",
            help="with --ci: the name of a program that the token is for; repeat it for several,"
            " leave it out for all",
        )
        parser.add_argument(
            "--days", type=days, metavar="N", help="with --ci: the token ends after so many days"
        )

        parser.add_argument(
            "--organisation",
            type=organisation_by_name,
            metavar="ORGANISATION",
            help="the name of the organisation for whose tasks the token is; leave it out for the"
            " whole office",
        )

    def handle(self, *args: Any, builder: str | None, **options: Any) -> None:
        name = options["ci"]
        if (builder is None) == (name is None):
            raise CommandError("Name a builder, or a CI system with --ci.")
        if name is None and (options["program"] or options["days"]):
            raise CommandError("--program and --days are for CI tokens only.")
        try:
            token, text = self.issue(builder, name, options)
        except Refused as refused:
            raise CommandError(f"{refused.message} ({refused.rule})") from refused
        said = f"A token of {builder or name}, listed from now on as {token.prefix}:"
        self.stderr.write(said, self.style.SUCCESS)
        self.stdout.write(text)

    def issue(
        self, builder: str | None, name: str | None, options: dict[str, Any]
    ) -> tuple[BuilderToken | CIToken, str]:
        if name is None:
            of = Builder.objects.get(pk=builder)
            return actions.issue_token(of, organisation=options["organisation"], by=None)
        programs = options["program"] and [*map(program_named, options["program"])]
        return actions.issue_ci_token(
            name,
            programs=programs,
            organisation=options["organisation"],
            days=options["days"],
            by=None,
        )


def organisation_by_name(name: str) -> Organisation:
    """Return the organisation of this name."""
    try:
        return Organisation.objects.get(name=name)
    except Organisation.DoesNotExist:
        raise ArgumentTypeError(f"no organisation is named {name!r}") from None


def program_named(name: str) -> Any:
    """Return the id of the program of this name."""
    try:
        return Program.objects.values_list("pk", flat=True).get(name=name)
    except Program.DoesNotExist:
        raise CommandError(f"No program is named {name!r}.") from None
