"""Fixtures of the client's tests: a home of its own, and offices."""

from urllib.request import urlopen

import pytest

from builders.actions import assign_task, issue_token
from tests.client.office import PATIENCE, environment, office_over_http
from tests.factories import BuilderFactory, TaskFactory
from tests.scenes import prepare


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home of the test's own: nothing of the developer's is read or written."""
    for name in ("FOREMAN_URL", "FOREMAN_TOKEN", "FOREMAN_TASK", "FOREMAN_RUN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    made = tmp_path / "home"
    made.mkdir()
    monkeypatch.setenv("HOME", str(made))
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture
def office():
    """An office over HTTP that fails as it is told to."""
    with office_over_http() as office:
        yield office


@pytest.fixture
def shell(office, home):
    """The environment of a shell that knows this office."""
    return environment(home, office.url)


@pytest.fixture
def ready(transactional_db):
    """A task that can be assigned, in the real office."""
    return prepare(TaskFactory(name="Wire the lamp", planned_builder="ui-builder"))


@pytest.fixture
def held(ready):
    """A task that the builder has."""
    return assign_task(ready, BuilderFactory(), by=None)


@pytest.fixture
def known(live_server, transactional_db, monkeypatch):
    """This process knows the real office, and has the token of a builder."""
    token = issue_token(BuilderFactory(), by=None)[1]
    # The first request of a server takes longest, and a client waits for ten seconds only.
    with urlopen(f"{live_server.url}/healthz", timeout=PATIENCE) as answer:
        assert answer.status == 200
    monkeypatch.setenv("FOREMAN_URL", live_server.url)
    monkeypatch.setenv("FOREMAN_TOKEN", token)
    return token
