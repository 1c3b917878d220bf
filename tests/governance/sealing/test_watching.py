"""What keeps the record from being sealed is said once, and the watch goes on."""

import pytest

from governance.models import SealedRecord
from governance.sealing.watching import Sealing
from kit.runtime.database_addresses import UPKEEP, acting_as
from tests.database import administrator
from tests.factories import ProgramFactory


@pytest.mark.django_db(transaction=True)
def test_a_role_that_may_not_seal_says_so_once():
    ProgramFactory()
    said = []
    sealing = Sealing(said.append, every=0)
    sealing.turn()  # as the office, where nobody named a role for the watcher
    sealing.turn()
    [sentence] = said
    assert "DATABASE_UPKEEP_URL" in sentence
    with acting_as(UPKEEP):
        sealing.turn()
    assert said[1:] == ["seals again"]
    assert SealedRecord.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_refuses_a_step_does_not_end_the_watch():
    ProgramFactory()
    said = []
    administrator().execute("ALTER TABLE sealed_records ADD CONSTRAINT never CHECK (position < 0)")
    try:
        with acting_as(UPKEEP):
            Sealing(said.append, every=0).turn()
    finally:
        administrator().execute("ALTER TABLE sealed_records DROP CONSTRAINT never")
    [sentence] = said
    assert sentence.startswith("Nothing is sealed: ")
    assert "never" in sentence
