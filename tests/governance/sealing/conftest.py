import pytest

from governance.sealing import sealer
from kit.runtime.database_addresses import UPKEEP, acting_as
from tests.database import administrator


@pytest.fixture(autouse=True)
def office_files(settings, tmp_path, rules_read_once):
    """Give each test an office's files of its own."""
    settings.FOREMAN_VAR = tmp_path
    return tmp_path


@pytest.fixture
def seal(transactional_db):
    """Seal as the watcher does, and return the step; of the office log nothing is there."""
    session = administrator()
    with session.transaction():
        session.execute("SET LOCAL session_replication_role = replica")
        session.execute("DELETE FROM office_log")

    def seal(**options):
        with acting_as(UPKEEP):
            return sealer.seal(**options)

    return seal
