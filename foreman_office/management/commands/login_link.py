from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError

from foreman_office.login_link import make_login_link


class Command(BaseCommand):
    help = "Print a one-time link that logs a user in."

    def add_arguments(self, parser):
        parser.add_argument("username")
        parser.add_argument("--office", default=last_address(), help="its address: %(default)s")

    def handle(self, *, username, office, **options):
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(f"No user who may log in is called {username}.")
        self.stdout.write(office.rstrip("/") + make_login_link(user))


def last_address():
    """Return the address at which the office of this var/ was opened last, as it stored it."""
    noted = settings.FOREMAN_VAR / "office.children"
    address = noted.read_text() if noted.exists() else ""
    return address or f"http://localhost:{settings.PORT or 8000}"
