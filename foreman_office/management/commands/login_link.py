from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError

from foreman_office.login_link import make_login_link


class Command(BaseCommand):
    help = "Print a link that logs a user in, once."

    def add_arguments(self, parser):
        parser.add_argument("username")
        parser.add_argument("--office", default="http://localhost:8000", help="its address")

    def handle(self, *, username, office, **options):
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(f"No user who may log in is called {username}.")
        self.stdout.write(office.rstrip("/") + make_login_link(user))
