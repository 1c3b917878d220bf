"""One office for many faults: it must come through each of them and be as good as before."""

import subprocess

import pytest

from foreman_office.kit import embedded
from tests.faults.office import PATIENCE, Office, set_the_scene
from tests.platform.conftest import migrated, place
from tests.races import until

__all__ = ["migrated"]


@pytest.fixture(scope="session")
def staffed(migrated):
    """A migrated office with work in it, to be copied."""
    var = place() / "var"
    copy(migrated, var)
    with embedded.running(var):
        set_the_scene(var)
    return var


def copy(source, var):
    subprocess.run(["cp", "-a", source, var], check=True)  # with its owners


@pytest.fixture(scope="session")
def common_office(staffed):
    var = place() / "var"
    copy(staffed, var)
    office = Office(var)
    yield office
    office.close()


@pytest.fixture
def office(common_office, django_db_blocker):
    """The office that faults are made in, open and whole; after each nothing must be lost."""
    if not common_office.is_open():
        common_office.open()
    until(common_office.is_ready, PATIENCE)
    yield common_office
    with django_db_blocker.unblock():
        common_office.assert_nothing_is_lost()
