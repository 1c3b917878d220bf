"""What the doctor and the metrics say of the sealed record."""

import shutil
from datetime import timedelta

import pytest
from django.utils.timezone import now

from foreman_office import metrics
from foreman_office.management.commands.doctor import level_of
from governance.models import Watcher, WitnessProgress
from governance.sealing.findings import findings_of_sealing
from governance.sealing.keys import key_file
from governance.sealing.witness_file import append, witness_path
from tests.database import administrator
from tests.factories import ProgramFactory

pytestmark = pytest.mark.django_db(transaction=True)


def findings():
    return {(level_of(each), each.obj) for each in findings_of_sealing()}


def age(table, column, *, minutes=10):
    session = administrator()
    with session.transaction():
        session.execute("SET LOCAL session_replication_role = replica")
        session.execute(f"UPDATE {table} SET {column} = now() - interval '{minutes} minutes'")


@pytest.fixture
def watched():
    """An office that is being watched for ten minutes."""
    return Watcher.objects.create(
        host="tower",
        pid=7,
        period=timedelta(hours=1),
        started_at=now() - timedelta(minutes=10),
    )


@pytest.fixture
def sealed(seal, watched):
    ProgramFactory()
    checkpoint = seal().checkpoint
    append([checkpoint])
    return checkpoint


def test_an_office_that_seals_is_well(sealed):
    assert findings() == set()
    ProgramFactory()
    assert findings() == set()
    age("evidence_checkpoints", "made_at")
    age("sealing_progress", "marked_at")
    assert findings() == {("fault", "sealed record")}


def test_an_office_in_which_nothing_happens_needs_no_new_checkpoint(sealed):
    age("evidence_checkpoints", "made_at", minutes=10_000)
    assert findings() == set()


def test_an_office_that_has_never_sealed_is_named_after_a_while(watched):
    ProgramFactory()
    assert findings() == {("fault", "sealed record")}
    Watcher.objects.update(started_at=now())
    assert findings() == set()


def test_a_key_that_is_not_there_is_a_fault_unless_another_machine_seals(sealed):
    key_file().unlink()
    assert findings() == {("warning", "evidence_key")}
    age("evidence_checkpoints", "made_at")
    assert ("fault", "evidence_key") in findings()


def test_a_key_that_others_may_read_is_a_fault(sealed):
    key_file().chmod(0o640)
    assert findings() == {("fault", "evidence_key")}


def test_a_database_that_is_behind_its_witness_is_a_fault(sealed, seal):
    ProgramFactory()
    append([seal().checkpoint])
    witnessed = shutil.copy(witness_path(), witness_path().with_name("kept"))
    session = administrator()
    with session.transaction():
        session.execute("SET LOCAL session_replication_role = replica")
        session.execute("DELETE FROM evidence_checkpoints WHERE number = 2")
        session.execute(f"DELETE FROM sealed_records WHERE position >= {sealed.size}")
    shutil.copy(witnessed, witness_path())
    [finding] = findings_of_sealing()
    assert (finding.obj, level_of(finding)) == ("sealed record", "fault")
    assert "evidence_key --restart" in finding.msg


def test_a_witness_that_is_not_told_is_named(sealed):
    administrator().execute(
        "INSERT INTO witness_progress (witness, failure) VALUES ('FOREMAN_WITNESS_URL', 'is away')"
    )
    assert WitnessProgress.objects.count() == 1
    assert findings() == {("warning", "FOREMAN_WITNESS_URL")}


def test_what_waits_and_the_age_of_the_last_checkpoint_are_measured(sealed):
    [(seconds, waiting)] = metrics.read_figures()["sealing"]
    assert waiting == 0
    assert seconds >= 0
    ProgramFactory()
    age("evidence_checkpoints", "made_at")
    [(seconds, waiting)] = metrics.read_figures()["sealing"]
    assert waiting > 0
    assert seconds >= 600


def test_without_a_checkpoint_there_is_no_age(db):
    samples = {
        sample.name: sample.value
        for metric in metrics.sealing_metrics(None, 3)
        for sample in metric.samples
    }
    assert samples == {"foreman_unsealed_rows": 3}
