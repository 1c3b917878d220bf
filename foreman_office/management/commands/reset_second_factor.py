from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError

from foreman_office.access.resetting import reset


class Command(BaseCommand):
    help = "Turn off the two-factor login of a user who lost the app and the recovery codes."

    def add_arguments(self, parser):
        parser.add_argument("username")
        parser.add_argument("--reason", required=True, help="stands in the log")

    def handle(self, *, username, reason, **options):
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"No user is called {username}.")
        if not reset(user, reason):
            raise CommandError(f"{username} has no two-factor login.")
        self.stdout.write(f"Two-factor login of {username} is off, and their sessions are ended.")
