from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from builders import actions
from builders.models import Builder
from foreman_office.kit.acts import Refused
from programs.models import BuilderName


class Command(BaseCommand):
    help = (
        "Give a builder a token for the API. The token alone goes to standard output, once:"
        " only its digest is kept."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "builder",
            choices=BuilderName.values,
            metavar="builder",
            help=(f"one of {', '.join(BuilderName.values)}"),
        )

    def handle(self, *args: Any, builder: str, **options: Any) -> None:
        try:
            token, text = actions.issue_token(Builder.objects.get(pk=builder), by=None)
        except Refused as refused:
            raise CommandError(f"{refused.message} ({refused.rule})") from refused
        said = f"A token of {builder}, known from now on as {token.prefix}:"
        self.stderr.write(said, self.style.SUCCESS)
        self.stdout.write(text)
