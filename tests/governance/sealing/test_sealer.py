"""Sealing: nothing is left out, whatever commits when, and by one process at a time."""

from datetime import timedelta

import pytest

from governance.models import (
    Checkpoint,
    Evidence,
    OfficeLogEntry,
    SealedRecord,
    SealingProgress,
    TreeNode,
)
from governance.rules_in_force import rules_fingerprint
from governance.sealing.keys import CannotSealError, public_keys
from governance.sealing.notes import opened
from governance.sealing.sealer import unsealed
from governance.sealing.stored_tree import read_nodes
from governance.sealing.tree import leaf_hash, root
from tests.database import administrator
from tests.factories import ProgramFactory, TaskFactory
from tests.races import until

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = timedelta(0)
RENAME = "UPDATE programs SET name = name || %s WHERE program_id = %s"


def sealed_sequences():
    """Return the numbers of the evidence that is sealed, in the order of the tree."""
    sealed = SealedRecord.objects.filter(kind="evidence").order_by("position")
    return [*sealed.values_list("sequence", flat=True)]


def sequences():
    return {*Evidence.objects.values_list("sequence", flat=True)}


def records():
    """Return every row that there is to seal, by its kind and number."""
    office = OfficeLogEntry.objects.values_list("sequence", flat=True)
    return {("evidence", number) for number in sequences()} | {
        ("office", number) for number in office
    }


def floor():
    return SealingProgress.objects.get(kind="evidence").floor


def nobody_older_is_under_way():
    """Wait for the transactions of other databases of the server, which may hold a floor back."""
    session = administrator()
    [(own,)] = session.execute("SELECT pg_current_xact_id()::text::bigint")
    oldest = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
    until(lambda: session.execute(oldest).fetchone()[0] > own)


def seal_all(seal):
    """Seal until the office knows that all is sealed."""
    for _ in range(3):
        nobody_older_is_under_way()
        seal(margin=AT_ONCE)


def assert_whole():
    """Assert that each row is sealed once, and that the last checkpoint is the tree of them."""
    found = [*SealedRecord.objects.values_list("kind", "sequence")]
    assert len(found) == len({*found})
    assert {*found} == records()
    last = Checkpoint.objects.latest("number")
    assert last.size == len(found)
    assert root(last.size, read_nodes) == bytes(last.root)
    assert TreeNode.objects.count() == sum(last.size >> level for level in range(1, 40))


def test_every_row_is_sealed_under_a_signed_checkpoint(seal, sql):
    TaskFactory()
    step = seal()
    assert step.sealed == len(records())
    leaves = sql(
        "SELECT position, leaf_hash, governance_evidence_leaf(record) FROM evidence_trail AS record"
        " JOIN sealed_records USING (sequence) WHERE kind = 'evidence' ORDER BY position"
    )
    assert [position for position, _, _ in leaves] == [*range(len(sequences()))]
    assert all(bytes(found) == leaf_hash(leaf.encode()) for _, found, leaf in leaves)
    assert_whole()
    head = opened(step.checkpoint.note, public_keys()).head
    assert (head.size, head.root) == (step.sealed, bytes(Checkpoint.objects.get().root))
    assert head.origin.startswith("foreman-office/")
    assert head.extension("timeline") == "1"
    assert head.extension("rules") == rules_fingerprint()


def test_an_office_in_which_nothing_happens_writes_nothing(seal, sql):
    TaskFactory()
    seal_all(seal)
    assert floor() == max(sequences())
    written = "SELECT xmin, xmax, * FROM sealing_progress"
    before = sql(written)
    assert seal(margin=AT_ONCE) == (0, None, False)
    assert sql(written) == before
    assert Checkpoint.objects.count() == 1


def test_rows_are_sealed_step_by_step(seal):
    ProgramFactory.create_batch(30)
    count = len(records())
    batch = count // 3 - 1
    steps = []
    while not steps or steps[-1].sealed:
        steps.append(seal(batch=batch, margin=AT_ONCE))
    assert [step.sealed for step in steps] == [batch] * 3 + [count - 3 * batch, 0]
    assert [step.is_full for step in steps] == [True] * 3 + [False] * 2
    sizes = [batch, 2 * batch, 3 * batch, count]
    assert [*Checkpoint.objects.order_by("number").values_list("number", "size")] == [
        *enumerate(sizes, 1)
    ]
    assert unsealed(10) == 0
    assert_whole()


@pytest.mark.parametrize("late_is_first", [True, False])
@pytest.mark.parametrize("steps", [1, 4])
def test_a_transaction_that_commits_late_is_sealed_late(seal, connect, late_is_first, steps):
    """Its number was drawn before or after that of a row which is sealed while it is under way."""
    mine, theirs = ProgramFactory(), ProgramFactory()
    seal(margin=AT_ONCE)
    sealed = len(sealed_sequences())
    late, early = connect(), connect()
    for session in [late, early] if late_is_first else [early, late]:
        if session is late:
            late.execute("BEGIN")
        session.execute(RENAME, ["!", mine.pk if session is late else theirs.pk])
    for _ in range(steps):
        seal(margin=AT_ONCE)
        early.execute(RENAME, ["?", theirs.pk])
    before, passed = len(sealed_sequences()), floor()
    assert before == sealed + steps
    late.execute("COMMIT")
    sequence = Evidence.objects.get(entity_id=mine.pk, action="edited").sequence
    assert passed < sequence  # its number was not passed, however often we looked
    seal_all(seal)
    assert_whole()
    assert sequence in sealed_sequences()[before:]
    assert floor() == max(sequences())


def test_a_number_that_was_drawn_before_its_transaction_has_an_id_is_waited_for(seal, connect):
    """A row's number comes before its transaction's id: only the margin covers what is between."""
    ProgramFactory()
    session = administrator()
    [(drawn,)] = session.execute("SELECT nextval('evidence_trail_sequence_seq')")
    for _ in range(3):
        seal()  # with the margin that the office has
    assert floor() == 0
    with session.transaction():
        session.execute("SET LOCAL session_replication_role = replica")
        session.execute(
            "INSERT INTO evidence_trail (entity_type, entity_id, action, actor, sequence)"
            " VALUES ('task', gen_random_uuid(), 'noted', 'foreman', %s)",
            [drawn],
        )
    seal()
    assert_whole()
    assert drawn in sealed_sequences()


def test_a_transaction_that_is_undone_leaves_a_gap_and_stops_nothing(seal, connect):
    program = ProgramFactory()
    other = connect()
    other.execute("BEGIN")
    other.execute(RENAME, ["!", program.pk])
    other.execute("ROLLBACK")
    ProgramFactory()
    seal_all(seal)
    assert_whole()
    assert floor() == max(sequences())


def test_one_sealer_at_a_time(seal, connect):
    TaskFactory()
    seal()
    ProgramFactory()
    other, holder = connect(), administrator()
    with holder.transaction():
        holder.execute("SELECT FROM sealing_progress FOR UPDATE")
        assert seal() == (0, None, False)
    assert other.execute("SELECT count(*) FROM evidence_checkpoints").fetchone() == (1,)
    assert seal().sealed == 1
    assert_whole()


def test_a_database_that_was_restored_elsewhere_counts_transactions_anew(seal, sql):
    ProgramFactory()
    seal(margin=AT_ONCE)
    administrator().execute("UPDATE sealing_progress SET mark_xid = 1::bigint << 40")
    ProgramFactory()
    seal_all(seal)
    assert_whole()
    assert floor() == max(sequences())


def test_a_tree_that_is_not_the_signed_one_is_not_continued(seal):
    for _ in range(4):
        ProgramFactory()
    size = seal().sealed
    ProgramFactory()
    session = administrator()
    with session.transaction():
        session.execute("SET LOCAL session_replication_role = replica")
        session.execute("UPDATE evidence_tree_nodes SET hash = sha256('x')")
    with pytest.raises(CannotSealError, match=f"not the one that was signed over {size} rows"):
        seal()
    with session.transaction():
        session.execute("SET LOCAL session_replication_role = replica")
        session.execute("DELETE FROM sealed_records WHERE position = %s", [size - 1])
    with pytest.raises(CannotSealError, match=f"has {size - 1} rows, and the last checkpoint"):
        seal()


def test_the_sealed_record_is_changed_by_nobody(seal, refuses, sql):
    TaskFactory()
    seal()
    session = administrator()
    for table in ("sealed_records", "evidence_tree_nodes", "evidence_checkpoints", "evidence_keys"):
        for statement in ("DELETE FROM", "TRUNCATE"):
            with refuses("governance_sealed_record"):
                session.execute(f"{statement} {table}")
        column = {"evidence_tree_nodes": "level", "sealed_records": "position"}.get(table, "number")
        with refuses("governance_sealed_record"):
            session.execute(f"UPDATE {table} SET {column} = {column}")


def test_an_act_and_a_heartbeat_have_no_statement_of_the_seal(sql):
    """What seals is no trigger: none of the office's tables has one that names the tree."""
    named = sql(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " AND prosrc ~ 'sealed_records|evidence_tree_nodes|evidence_checkpoints|sealing_progress'"
    )
    assert named == []
