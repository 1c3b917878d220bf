"""The key that signs: made once, expected afterwards, changed in the open."""

import stat
from base64 import b64decode
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from governance.models import Checkpoint, EvidenceKey, OfficeLogEntry, SealedRecord
from governance.sealing import key_changes
from governance.sealing.keys import CannotSealError, key_file, make_key, next_file, public_keys
from governance.sealing.notes import NoteError, PublicKey, opened, public_bytes
from governance.sealing.witness_file import append, notes_in, witness_path
from kit.runtime.database_addresses import UPKEEP, acting_as
from tests.database import administrator
from tests.factories import ProgramFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def evidence_key():
    """Run the command as manage.py does, and return what it says."""

    def evidence_key(*arguments):
        said = StringIO()
        with acting_as(UPKEEP):
            call_command("evidence_key", *arguments, stdout=said)
        return said.getvalue()

    return evidence_key


@pytest.fixture
def sealed(seal):
    """An office with a checkpoint that its witness file has."""
    ProgramFactory()
    checkpoint = seal().checkpoint
    append([checkpoint])
    return checkpoint


@pytest.fixture
def seal_more(seal):
    """Seal a new row, and let the witness file have the checkpoint."""

    def seal_more():
        ProgramFactory()
        checkpoint = seal().checkpoint
        append([checkpoint])
        return checkpoint

    return seal_more


def put_back(size):
    """Leave of the record what a backup of that time has."""
    session = administrator()
    with session.transaction():
        session.execute("SET LOCAL session_replication_role = replica")
        session.execute("DELETE FROM evidence_checkpoints WHERE size > %s", [size])
        session.execute(
            "DELETE FROM evidence_trail WHERE sequence IN"
            " (SELECT sequence FROM sealed_records WHERE position >= %s)",
            [size],
        )
        session.execute("DELETE FROM sealed_records WHERE position >= %s", [size])
        session.execute("DELETE FROM evidence_tree_nodes WHERE (index + 1) << level > %s", [size])


def test_the_first_start_makes_a_key_that_only_its_owner_reads(sealed):
    assert stat.S_IMODE(key_file().stat().st_mode) == 0o600
    assert [path.name for path in key_file().parent.glob("evidence_key*")] == ["evidence_key"]
    entry = EvidenceKey.objects.get()
    assert bytes(entry.public_key) == public_bytes(make_key(key_file()))
    assert (entry.entered_as, entry.from_checkpoint) == ("first", 1)


def test_the_private_key_is_not_in_the_database(sealed, sql):
    secret = make_key(key_file()).private_bytes_raw()
    for (table,) in sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        rows = administrator().execute(f"SELECT row::text FROM {table} AS row").fetchall()
        assert not any(secret.hex() in text for (text,) in rows), table


def test_a_record_may_have_a_name_of_its_own(seal, settings):
    settings.FOREMAN_RECORD_NAME = "office.example/record"
    ProgramFactory()
    assert seal().checkpoint.note.startswith("office.example/record\n")
    settings.FOREMAN_RECORD_NAME = "another"  # its keys and witnesses know it by the first
    ProgramFactory()
    assert seal().checkpoint.note.startswith("office.example/record\n")


@pytest.mark.parametrize("is_lost", [True, False])
def test_nothing_is_signed_by_a_key_that_the_record_does_not_expect(sealed, seal, is_lost):
    key_file().unlink()
    if not is_lost:
        make_key(key_file())
    ProgramFactory()
    with pytest.raises(CannotSealError, match="is not at" if is_lost else "is another key"):
        seal()
    assert SealedRecord.objects.count() == sealed.size
    assert (not key_file().exists()) == is_lost


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "no private key"), (b"-----BEGIN PRIVATE KEY-----\n", "no private key")],
)
def test_a_damaged_key_file_is_named(sealed, seal, content, sentence):
    key_file().write_bytes(content)
    ProgramFactory()
    with pytest.raises(CannotSealError, match=sentence):
        seal()


def test_the_old_key_signs_for_the_next(sealed, seal_more, evidence_key):
    [old] = public_keys()
    before = EvidenceKey.objects.get()
    said = evidence_key("--rotate")
    _, new = public_keys()
    assert "Key 2 signs from now on." in said
    assert str(new) in said
    last = Checkpoint.objects.latest("number")
    assert opened(last.note, [old]).head.extension("next-key") == str(new)
    assert (last.size, last.number) == (sealed.size, sealed.number + 1)
    later = seal_more()
    assert opened(later.note, [new]).key == new
    with pytest.raises(NoteError, match="unknown key"):
        opened(later.note, [old])
    assert EvidenceKey.objects.latest("number").from_checkpoint == later.number
    assert before == EvidenceKey.objects.earliest("number")


def test_a_change_of_the_key_is_a_line_of_the_office_log_that_is_sealed(
    sealed, seal_more, evidence_key
):
    evidence_key("--rotate", "--reason", "yearly")
    line = OfficeLogEntry.objects.get(subject_kind="evidence key")
    assert (line.action, line.witnessed) == ("evidence_key_rotated", True)
    assert line.context["reason"] == "yearly"
    assert b64decode(line.context["public_key"]) == public_keys()[1].key
    seal_more()
    assert SealedRecord.objects.filter(kind="office", sequence=line.sequence).exists()


def test_a_rotation_that_was_killed_before_the_file_took_its_place_ends_later(
    sealed, seal_more, monkeypatch
):
    with monkeypatch.context() as patch, acting_as(UPKEEP):
        patch.setattr(key_changes, "put_in_place", lambda: None)
        key_changes.rotate("")
    assert next_file().exists()
    seal_more()
    assert not next_file().exists()
    with acting_as(UPKEEP):
        key_changes.rotate("")
    assert len({key.key for key in public_keys()}) == 3


def test_a_lost_key_is_replaced_with_a_reason_that_stays(sealed, seal_more, evidence_key):
    with pytest.raises(CommandError, match="asks for a reason"):
        evidence_key("--replace")
    with pytest.raises(CommandError, match="The key is not lost"):
        evidence_key("--replace", "--reason", "to try")
    key_file().unlink()
    with pytest.raises(CommandError, match="is not at"):
        evidence_key()
    assert "key 2, replaced" in evidence_key("--replace", "--reason", "the disk was lost")
    entry = EvidenceKey.objects.latest("number")
    assert (entry.entered_as, entry.reason) == ("replaced", "the disk was lost")
    assert opened(seal_more().note, public_keys()).key == public_keys()[1]


def test_a_restore_to_before_a_witnessed_checkpoint_is_not_continued(
    sealed, seal, seal_more, evidence_key
):
    lost = seal_more()
    put_back(sealed.size)
    ProgramFactory()
    sentence = f"checkpoint over {lost.size} rows.*here {sealed.size} rows are sealed"
    with pytest.raises(CannotSealError, match=sentence):
        seal()
    with pytest.raises(CommandError, match=sentence):
        evidence_key()
    with pytest.raises(CommandError, match=sentence):
        evidence_key("--rotate")
    assert Checkpoint.objects.count() == 1


def test_as_many_other_rows_are_no_substitute_for_those_that_were_witnessed(
    sealed, seal, seal_more
):
    seal_more()
    witnessed = witness_path().read_bytes()
    put_back(sealed.size)
    witness_path().unlink()
    for _ in range(3):
        ProgramFactory()
    seal()
    witness_path().write_bytes(witnessed)
    ProgramFactory()
    with pytest.raises(CannotSealError, match="these rows are not the same"):
        seal()


def test_after_a_restore_the_record_goes_on_under_a_new_name(
    sealed, seal_more, evidence_key, settings
):
    old = make_key(key_file())
    lost = seal_more()
    put_back(sealed.size)
    said = evidence_key("--restart", "--reason", "restored the backup of Monday")
    assert "The key is the one that the record expects." in said
    first, second = public_keys()
    assert first.name != second.name
    later = seal_more()
    assert opened(later.note, [second]).head.origin == second.name
    assert later.size == lost.size + 1  # with the office's line about the new key
    kept = [*key_file().parent.glob("evidence_key.until-*")]
    assert [public_bytes(make_key(path)) for path in kept] == [public_bytes(old)]
    seal_more()


def test_a_new_database_beside_the_old_files_is_not_the_old_record(sealed, seal_more, seal):
    put_back(0)
    administrator().execute(
        "SET session_replication_role = replica; DELETE FROM evidence_keys;"
        "SET session_replication_role = origin"
    )
    ProgramFactory()
    with pytest.raises(CannotSealError, match="here nothing is sealed"):
        seal()
    key_file().unlink()  # another key makes another record, with a name of its own
    assert opened(seal_more().note, public_keys())


def test_an_archive_of_witnessed_checkpoints_is_read_past_what_was_torn_off(sealed, seal_more):
    with witness_path().open("a") as file:
        file.write(sealed.note[:70])
    later = seal_more()
    assert notes_in(witness_path().read_text()) == [sealed.note, later.note]


def test_public_keys_are_printed_for_verifiers(sealed, evidence_key):
    evidence_key("--rotate")
    lines = evidence_key("--public").splitlines()
    assert [PublicKey.parsed(line) for line in lines] == public_keys()


def test_before_anything_is_sealed_there_is_no_key_to_change(evidence_key):
    assert "Nothing is sealed yet" in evidence_key()
    with pytest.raises(CommandError, match="Nothing is sealed yet"):
        evidence_key("--rotate")
