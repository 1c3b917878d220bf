"""What a writer past all rules does to the sealed record is named."""

from base64 import b64decode
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.models import Checkpoint, SealedRecord
from governance.sealing import key_changes
from governance.sealing.keys import key_file, make_key
from governance.sealing.notes import TreeHead, parted, sign_note
from governance.sealing.proofs import leaf_of, proof_of, seals_of
from governance.sealing.tree import leaf_hash, verify_inclusion
from governance.sealing.verifying import Verification, timelines
from kit.runtime.database_addresses import UPKEEP, acting_as
from tests.database import administrator
from tests.factories import ProgramFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def record(seal):
    """Three checkpoints, of which a witness has the first and the last."""
    notes = []
    for _ in range(3):
        for _ in range(3):
            ProgramFactory()
        notes.append(seal(margin=timedelta(0)).checkpoint.note)
    return notes


def tamper(*statements):
    session = administrator()
    with session.transaction():
        session.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            query, params = (statement, None) if isinstance(statement, str) else statement
            session.execute(query, params)


def found(notes=()):
    return [*Verification(notes).differences()]


def sequence_at(position):
    return SealedRecord.objects.get(position=position).sequence


def test_an_untouched_record_is_whole(record):
    verification = Verification([record[0], record[2]])
    assert [*verification.differences()] == []
    assert verification.leaves == SealedRecord.objects.count()
    assert (verification.checkpoints, verification.witnessed) == (3, 2)


def test_a_record_that_is_empty_is_whole(db):
    assert found() == []


def test_a_changed_row_is_named(record):
    sequence = sequence_at(4)
    tamper(("UPDATE evidence_trail SET actor = 'somebody' WHERE sequence = %s", [sequence]))
    [difference] = found(record)
    assert difference.rule == "row changed"
    assert f"Evidence {sequence} is not as it was when it was sealed in checkpoint" in str(
        difference
    )


def test_a_missing_row_is_named(record):
    sequence = sequence_at(2)
    tamper(("DELETE FROM evidence_trail WHERE sequence = %s", [sequence]))
    [difference] = found(record)
    assert str(difference) == f"Evidence {sequence}, sealed in checkpoint 1, is missing."


def test_a_row_that_was_slipped_in_is_named(record):
    tamper(
        "INSERT INTO evidence_trail (entity_type, entity_id, action, actor, sequence)"
        " VALUES ('task', gen_random_uuid(), 'noted', 'foreman', -1)"
    )
    [difference] = found(record)
    assert difference.rule == "row added"
    assert "it was added later" in str(difference)


def test_rows_in_another_order_are_named(record):
    tamper(
        "UPDATE sealed_records SET position = position + 1000 WHERE position IN (1, 2)",
        "UPDATE sealed_records SET position = 1003 - position WHERE position > 999",
    )
    differences = found(record)
    assert {each.rule for each in differences} == {"tree changed"}
    assert "The leaves 0 to 1" in str(
        next(each for each in differences if str(each).startswith("The leaves"))
    )


def test_a_cut_tail_is_named_by_the_database_and_by_a_witness(record):
    size, last = Checkpoint.objects.get(number=2).size, Checkpoint.objects.get(number=3).size
    tamper(
        ("DELETE FROM evidence_trail WHERE sequence IN (SELECT sequence FROM sealed_records"
         " WHERE position >= %s)", [size]),
        ("DELETE FROM sealed_records WHERE position >= %s", [size]),
    )  # fmt: skip
    sentence = f"over {last} rows, and {size} are sealed here: the last {last - size} are missing"
    [difference] = found()
    assert str(difference).startswith("Checkpoint 3 was signed")
    assert sentence in str(difference)
    tamper(
        "DELETE FROM evidence_checkpoints WHERE number = 3",
        ("DELETE FROM evidence_tree_nodes WHERE (index + 1) << level > %s", [size]),
    )
    assert found() == []  # without a witness a tail that is cut with its checkpoint is not seen
    [difference] = found(record)
    assert difference.rule == "tail cut"
    assert str(difference).startswith(f"The witness's checkpoint over {last} rows at 20")


def test_a_leaf_that_is_gone_is_named(record):
    tamper("DELETE FROM sealed_records WHERE position = 3")
    rules = {each.rule for each in found()}
    assert "leaf missing" in rules
    assert "The sealed record lacks leaf 3, and has later ones." in [*map(str, found())]


def test_a_changed_node_is_named(record):
    tamper("UPDATE evidence_tree_nodes SET hash = sha256('x') WHERE level = 1 AND index = 1")
    [difference] = found()
    assert "The leaves 2 to 3" in str(difference)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("size = size + 1", "checkpoint changed"),
        ("root = sha256('x')", "checkpoint changed"),
        ("note = replace(note, 'time 2', 'time 3')", "another key"),
        ("note = 'nothing'", "another key"),
    ],
)
def test_a_changed_checkpoint_is_named(record, change, rule):
    tamper(f"UPDATE evidence_checkpoints SET {change} WHERE number = 3")
    difference = found()[0]
    assert difference.rule == rule
    assert "Checkpoint 3" in str(difference)


def test_a_checkpoint_that_is_gone_is_named(record):
    tamper("DELETE FROM evidence_checkpoints WHERE number = 2")
    assert [*map(str, found())][:1] == ["Checkpoint 2 is missing before 3."]


def test_a_record_that_is_rewritten_with_another_key_is_named_by_a_witness(record, seal, settings):
    """The owner of the database deletes all, and seals what he likes under the same name."""
    name = TreeHead.parsed(parted(record[0])[0]).origin
    tamper(
        "DELETE FROM evidence_checkpoints",
        "DELETE FROM evidence_keys",
        "DELETE FROM sealed_records",
        "DELETE FROM evidence_tree_nodes",
        "DELETE FROM sealing_progress",
        "UPDATE evidence_trail SET actor = 'somebody' WHERE sequence % 2 = 0",
    )
    key_file().unlink()
    settings.FOREMAN_RECORD_NAME = name
    seal()
    assert found() == []
    differences = found(record)
    assert {each.rule for each in differences} == {"another key"}
    assert "It is signed by an unknown key" in str(differences[0])


def test_a_checkpoint_by_another_key_is_named(record):
    last = Checkpoint.objects.latest("number")
    head = TreeHead.parsed(parted(last.note)[0])
    forged = sign_note(head._replace(root=bytes(32)), Ed25519PrivateKey.generate())
    tamper(
        (
            "UPDATE evidence_checkpoints SET note = %s, root = %s WHERE number = 3",
            [forged, bytes(32)],
        )
    )
    assert found()[0].rule == "another key"
    # With the office's own key it is signed well, and is over other rows.
    forged = sign_note(head._replace(root=bytes(32)), make_key(key_file()))
    tamper(("UPDATE evidence_checkpoints SET note = %s WHERE number = 3", [forged]))
    [difference] = found()
    assert f"The first {last.size} rows are not those" in str(difference)


def test_a_witness_of_another_office_is_named(record):
    other = sign_note(TreeHead("other.example", 3, bytes(32)), Ed25519PrivateKey.generate())
    [difference] = found([other])
    assert (difference.rule, "other.example" in str(difference)) == ("another record", True)


def test_a_checkpoint_is_signed_by_the_key_of_its_time(record, seal):
    with acting_as(UPKEEP):
        key_changes.rotate("")
    ProgramFactory()
    seal()
    assert found(record) == []
    last = Checkpoint.objects.latest("number")
    old = next(key_file().parent.glob("evidence_key.until-*"))
    forged = sign_note(TreeHead.parsed(parted(last.note)[0]), make_key(old))
    tamper(("UPDATE evidence_checkpoints SET note = %s WHERE number = %s", [forged, last.number]))
    assert [each.rule for each in found()] == ["another key"]


def test_what_was_lost_before_a_new_name_is_told_as_such(record, seal):
    size, last = (Checkpoint.objects.get(number=number).size for number in (2, 3))
    tamper(
        "DELETE FROM evidence_checkpoints WHERE number = 3",
        ("DELETE FROM evidence_trail WHERE sequence IN (SELECT sequence FROM sealed_records"
         " WHERE position >= %s)", [size]),
        ("DELETE FROM sealed_records WHERE position >= %s", [size]),
        ("DELETE FROM evidence_tree_nodes WHERE (index + 1) << level > %s", [size]),
    )  # fmt: skip
    with acting_as(UPKEEP):
        key_changes.restart("restored the backup of Monday")
    ProgramFactory()
    seal()
    [difference] = found(record)
    assert difference.rule == "restarted"
    assert f"knew {last - size} rows more" in str(difference)
    assert "restored the backup of Monday" in str(difference)


def test_the_timeline_is_known(record):
    assert timelines() == (1, 1)


def test_a_proof_holds_for_its_row_alone(record):
    sealed = SealedRecord.objects.filter(kind="evidence")
    sequences = [*sealed.values_list("sequence", flat=True)]
    seals = seals_of([*sequences, 10**12])
    assert seals.keys() == {*sequences}
    for seal in seals.values():
        first, extra, index, *rest = proof_of(seal).split("\n")
        assert (first, index) == ("c2sp.org/tlog-proof@v1", f"index {seal.position}")
        gap = rest.index("")
        note = "\n".join(rest[gap + 1 :])
        head = TreeHead.parsed(parted(note)[0])
        hashes = [b64decode(line) for line in rest[:gap]]
        leaf = b64decode(extra.removeprefix("extra "))
        assert leaf.decode() == leaf_of(seal.sequence)
        verify_inclusion(leaf_hash(leaf), seal.position, head.size, hashes, head.root)
        assert Checkpoint.objects.get(number=seal.checkpoint).note == note
