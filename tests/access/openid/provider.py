"""A real provider of logins, as a process: python -m tests.access.openid.provider PORT."""

import os
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from tests.access.openid.registration import CALLBACKS, CLIENT_ID, CLIENT_SECRET, USERS


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 50


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


def prepare():
    """Make the tables, the users and the office's registration."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from oauth2_provider.models import Application

    call_command("migrate", verbosity=0)
    for name in USERS:
        User.objects.create_user(name, password="pw")
    for client_id, algorithm in ((CLIENT_ID, "RS256"), ("by-shared-secret", "HS256")):
        Application.objects.create(
            client_id=client_id,
            client_secret=CLIENT_SECRET,
            hash_client_secret=algorithm == "RS256",
            client_type="confidential",
            authorization_grant_type="authorization-code",
            redirect_uris=" ".join(CALLBACKS),
            algorithm=algorithm,
            skip_authorization=True,
        )


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.access.openid.provider_settings"
    import django
    from django.core.wsgi import get_wsgi_application

    django.setup()
    prepare()
    make_server(
        "127.0.0.1", int(sys.argv[1]), get_wsgi_application(), Server, Quiet
    ).serve_forever()
