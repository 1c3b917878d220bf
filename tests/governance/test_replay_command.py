"""What the command replay_evidence says of seals, witnesses and a failover."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from governance.models import Checkpoint, SealedRecord
from governance.sealing import sealer
from governance.sealing.witness_file import append, witness_path
from kit.runtime.database_addresses import UPKEEP, acting_as
from tests.database import administrator
from tests.factories import ProgramFactory, QAExecutionFactory, TaskFactory

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


@pytest.fixture
def sealed(settings, tmp_path):
    """An office whose file has its checkpoints."""
    settings.FOREMAN_VAR = tmp_path
    for _ in range(2):
        ProgramFactory()
        with acting_as(UPKEEP):
            append([sealer.seal(margin=timedelta(0)).checkpoint])


def replayed(**options):
    out = StringIO()
    with acting_as(UPKEEP):
        call_command("replay_evidence", stdout=out, **options)
    return out.getvalue()


def failure(**options):
    with pytest.raises(CommandError) as failed:
        replayed(**options)
    return str(failed.value)


def tamper(statement):
    session = administrator()
    with session.transaction():
        session.execute("SET LOCAL session_replication_role = replica")
        session.execute(statement)


def test_it_says_what_it_compared(sealed):
    ProgramFactory()
    said = replayed()
    rows = SealedRecord.objects.count()
    assert f"Sealed: {rows:,} rows under 2 checkpoints of the office and 2 of" in said
    assert "Not sealed yet, so protected by nothing outside: 1 rows." in said
    assert "rows match them." in said


def test_it_says_what_it_could_not_compare(settings, tmp_path):
    settings.FOREMAN_VAR = tmp_path
    said = replayed()
    assert "Nothing is sealed: rows could be compared with no checkpoint." in said
    assert f"The witness file {witness_path()} cannot be read (No such file or directory)" in said


def test_a_latest_run_that_is_not_the_latest_is_named(settings, tmp_path):
    settings.FOREMAN_VAR = tmp_path
    task = TaskFactory()
    first, second = (
        QAExecutionFactory(task=task, passing_tests=n, failing_tests=2, arrived_at=now() - n * HOUR)
        for n in (2, 1)
    )
    assert "rows match them." in replayed()
    suite = f"latest run of task {task.pk}, suite {task.qa_suite_location!r}"
    for statement, said in (
        ("UPDATE qa_latest_runs SET qa_status = 'GREEN'", f"has {second.pk}, with other values."),
        (f"UPDATE qa_latest_runs SET execution_id = '{first.pk}'", f"has {first.pk}."),
        ("DELETE FROM qa_latest_runs", "has none."),
    ):
        tamper(statement)
        assert f"{suite}: the runs have {second.pk}, qa_latest_runs {said}" in failure()


def test_a_witness_that_is_named_must_be_there(tmp_path):
    assert "cannot be read: No such file" in failure(witness=tmp_path / "none.txt")


def test_a_changed_row_is_named(sealed):
    tamper("UPDATE evidence_trail SET actor = 'ui-builder' WHERE action = 'created'")
    assert "is not as it was when it was sealed in checkpoint" in failure()


def test_rows_that_a_failover_lost_are_told_as_such(sealed):
    """As a standby without the last commits has it: neither rows nor seals, and a new timeline."""
    note = Checkpoint.objects.get(number=1).note
    tamper(
        """
        DELETE FROM programs WHERE program_id = (SELECT entity_id FROM evidence_trail
            ORDER BY sequence DESC LIMIT 1);
        DELETE FROM evidence_trail WHERE sequence IN (SELECT sequence FROM sealed_records
            WHERE position >= (SELECT size FROM evidence_checkpoints WHERE number = 1));
        DELETE FROM sealed_records
            WHERE position >= (SELECT size FROM evidence_checkpoints WHERE number = 1);
        DELETE FROM evidence_tree_nodes
            WHERE (index + 1) << level > (SELECT size FROM evidence_checkpoints WHERE number = 1);
        DELETE FROM evidence_checkpoints WHERE number = 2
        """
    )
    said = failure()
    assert "are sealed here: the last 1 are missing." in said
    assert "timeline" not in said  # it is the same server

    older = note.replace("timeline 1", "timeline 7")
    tamper(f"UPDATE evidence_checkpoints SET note = '{older}'")
    assert "The server's timeline was 7 when the last checkpoint was signed" in failure()
