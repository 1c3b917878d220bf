"""The provider as a process of its own, and a way there and back."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from django.conf import settings as office

from foreman_office.access import openid
from tests.access.openid.registration import CLIENT_ID, CLIENT_SECRET
from tests.races import until
from tests.throwaway import free_port

GROUPS = {"office-foremen": "foreman", "office-viewers": "viewer", "office-admins": "admin"}
FOREMEN = {"groups": ["gardeners", "office-foremen"]}


@dataclass
class Provider:
    issuer: str
    directory: Path

    def tells(self, **claims):
        """Let the provider say this of its users from now on."""
        draft = self.directory / "claims.draft"
        draft.write_text(json.dumps(claims))
        draft.rename(self.directory / "claims.json")

    def sends_back(self, address, name):
        """Log in at the provider as a browser does, and return where it sends back to."""
        with requests.Session() as browser:
            form = browser.get(address, timeout=20)
            answer = browser.post(
                form.url,
                {"username": name, "password": "pw"},
                headers={"X-CSRFToken": browser.cookies["csrftoken"]},
                allow_redirects=False,
                timeout=20,
            )
            answer = browser.get(
                f"{self.issuer.removesuffix('/o')}{answer.headers['Location']}",
                allow_redirects=False,
                timeout=20,
            )
            return answer.headers["Location"].removeprefix("http://testserver")


@pytest.fixture(scope="session")
def running_provider(tmp_path_factory):
    directory, port = tmp_path_factory.mktemp("provider"), free_port()
    issuer = f"http://localhost:{port}/o"
    environment = os.environ | {
        "PROVIDER_DIRECTORY": str(directory),
        "PROVIDER_ISSUER": issuer,
        "PYTHONPATH": str(office.BASE_DIR),
    }
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.access.openid.provider", str(port)],
            env=environment,
            stdout=log,
            stderr=log,
        )
    provider = Provider(issuer, directory)
    try:
        until(lambda: answers(issuer) or process.poll() is not None)
        assert process.poll() is None, (directory / "log").read_text()
        yield provider
    finally:
        process.kill()
        process.wait()


def answers(issuer):
    try:
        return requests.get(f"{issuer}/.well-known/openid-configuration", timeout=20).ok
    except requests.ConnectionError:
        return False


@pytest.fixture
def provider(running_provider, settings, db):
    """The provider, to which the office is registered, and by which ada is a foreman."""
    settings.FOREMAN_OPENID_ISSUER = running_provider.issuer
    settings.FOREMAN_OPENID_CLIENT_ID = CLIENT_ID
    settings.FOREMAN_OPENID_CLIENT_SECRET = CLIENT_SECRET
    settings.FOREMAN_OPENID_NAME = "the club"
    settings.FOREMAN_OPENID_GROUPS = GROUPS
    openid.client_of.cache_clear()
    running_provider.tells(ada=FOREMEN, ben=FOREMEN)
    return running_provider
