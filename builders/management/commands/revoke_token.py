from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from builders import actions
from builders.models import BuilderToken, CIToken


class Command(BaseCommand):
    help = "Revoke a token of a builder or of a CI system, or list the valid tokens."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("prefix", nargs="?", help="the prefix of the token, as listed")

    def handle(self, *args: Any, prefix: str | None, **options: Any) -> None:
        builders = BuilderToken.objects.valid().order_by("builder", "created_at")
        systems = CIToken.objects.valid().order_by("name", "created_at")
        if prefix is None:
            for token in [*builders, *systems]:
                used = f"{token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never"
                self.stdout.write(f"{token.prefix}  {owner(token)}  last used: {used}")
            return
        # A token pasted whole is recognised too.
        wanted = {"prefix": prefix[: actions.TOKEN_PREFIX_LENGTH]}
        found = [*builders.filter(**wanted), *systems.filter(**wanted)]
        if not found:
            raise CommandError(
                "No valid token has this prefix. Without one, the command lists them."
            )
        for token in found:
            actions.revoke_token(token, by=None)
            self.stdout.write(f"{token.prefix} of {owner(token)} is revoked.")


def owner(token: BuilderToken | CIToken) -> str:
    return token.name if isinstance(token, CIToken) else token.builder_id
