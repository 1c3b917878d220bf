from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from builders import actions
from builders.models import BuilderToken


class Command(BaseCommand):
    help = "End a token's validity at once, or list the valid tokens."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("prefix", nargs="?", help="what the token begins with, as listed")

    def handle(self, *args: Any, prefix: str | None, **options: Any) -> None:
        tokens = BuilderToken.objects.valid().order_by("builder", "created_at")
        if prefix is None:
            for token in tokens:
                used = f"{token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never"
                self.stdout.write(f"{token.prefix}  {token.builder_id}  last used: {used}")
            return
        # A token pasted whole is recognised too.
        found = list(tokens.filter(prefix=prefix[: actions.TOKEN_PREFIX_LENGTH]))
        if not found:
            raise CommandError("No valid token begins so. Without a prefix, they are listed.")
        for token in found:
            actions.revoke_token(token, by=None)
            self.stdout.write(f"{token.prefix} of {token.builder_id} is revoked.")
