"""One office for many faults: it must survive each of them and work as before."""

import pytest

from kit.runtime import embedded_postgres
from tests.faults.office import PATIENCE, Office, set_the_scene
from tests.platform.conftest import copied, migrated, place
from tests.races import until

__all__ = ["migrated"]


@pytest.fixture(scope="session")
def staffed(migrated):
    """A migrated office with work in it, to be copied."""
    var = place() / "var"
    copied(migrated, var)
    with embedded_postgres.running(var):
        set_the_scene(var)
    return var


@pytest.fixture(scope="session")
def common_office(staffed):
    var = place() / "var"
    copied(staffed, var)
    office = Office(var)
    yield office
    office.close()


@pytest.fixture
def office(common_office, django_db_blocker):
    """The office that faults are made in, open and whole; after each, no beat may be lost."""
    if not common_office.is_open():
        common_office.open()
    until(common_office.is_ready, PATIENCE)
    yield common_office
    with django_db_blocker.unblock():
        common_office.assert_nothing_is_lost()
