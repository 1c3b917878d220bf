"""Writers that commit in any order, and two sealers between them: nothing is left out or twice."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest
from django.db import connection

from governance.models import Checkpoint, Evidence, OfficeLogEntry, SealedRecord
from governance.sealing import sealer
from governance.sealing.verifying import Verification
from kit.runtime.database_addresses import UPKEEP, acting_as
from tests.factories import ProgramFactory

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS, TRANSACTIONS = 4, 25
RENAME = "UPDATE programs SET name = name || '!' WHERE program_id = %s"


def write(session, program, chance):
    """Run transactions of one to three changes, of which every fifth or so is undone."""
    for _ in range(TRANSACTIONS):
        session.execute("BEGIN")
        for _ in range(chance.randint(1, 3)):
            session.execute(RENAME, [program.pk])
        session.execute("ROLLBACK" if chance.random() < 0.2 else "COMMIT")


def keep_sealing(stop):
    """Seal small batches until told to stop, and return how many rows that were."""
    sealed = 0
    try:
        while not stop.is_set():
            sealed += sealer.seal(batch=10, margin=timedelta(0)).sealed
    finally:
        connection.close()
    return sealed


def test_nothing_is_left_out_or_sealed_twice(connect):
    programs = ProgramFactory.create_batch(WRITERS)
    sessions = [connect() for _ in programs]
    stop = Event()
    with acting_as(UPKEEP), ThreadPoolExecutor(WRITERS + 2) as threads:
        sealers = [threads.submit(keep_sealing, stop) for _ in range(2)]
        writers = [
            threads.submit(write, session, program, random.Random(number))
            for number, (session, program) in enumerate(zip(sessions, programs, strict=True))
        ]
        try:
            for writer in writers:
                writer.result()
        finally:
            stop.set()
        sealed = sum(each.result() for each in sealers)
        while (step := sealer.seal(margin=timedelta(0))).sealed:
            sealed += step.sealed
    rows = Evidence.objects.count() + OfficeLogEntry.objects.count()
    assert sealed == SealedRecord.objects.count() == rows
    assert [*Verification().differences()] == []
    assert Checkpoint.objects.count() > 1
