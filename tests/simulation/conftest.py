import pytest


@pytest.fixture(autouse=True)
def state_of_clients(monkeypatch, tmp_path):
    """Let what the clients keep lie with each test."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
