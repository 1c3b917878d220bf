"""What an archive has: the program's evidence and no other, and the same bytes each time."""

import json
import re
from datetime import timedelta
from html.parser import HTMLParser
from io import BytesIO, StringIO
from zipfile import ZipFile

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from foreman_office.dashboard.evidence_archive.archive import CannotExportError, moment_of_snapshot
from governance.attestations.envelope import read_envelope
from governance.models import Checkpoint, Evidence, SealedRecord
from governance.sealing.key_changes import replace, rotate
from governance.sealing.keys import public_keys
from governance.sealing.witness_file import notes_in
from kit.core.acts import act
from kit.runtime.database_addresses import UPKEEP, acting_as
from programs.actions import archive_program
from programs.models import Task
from tests.dashboard.evidence_archive.archives import (
    complete,
    exported,
    scene,
    seal,
    verify,
    witnessed,
)
from tests.database import administrator
from tests.factories import (
    BlockerFactory,
    GovernanceViolationFactory,
    ProgramFactory,
    QAExecutionFactory,
    TaskFactory,
    UserFactory,
    WaveFactory,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("office_files")]


def rows(folder, name="rows.jsonl"):
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def manifest(folder):
    return json.loads(read_envelope((folder / "manifest.json").read_bytes()).payload)["predicate"]


def test_it_has_all_evidence_of_the_program_and_no_other(tmp_path):
    wave, other = WaveFactory(), WaveFactory()
    kept, deleted, moved_away, moved_here = (
        TaskFactory(wave=each) for each in (wave, wave, wave, other)
    )
    elsewhere = TaskFactory(wave=other)
    for task in (kept, elsewhere):
        BlockerFactory(entity=task)
        GovernanceViolationFactory(task=task)
        QAExecutionFactory(task=task)
    gone = WaveFactory(program=wave.program)
    keys = {each.pk for each in (wave.program, wave, gone, kept, deleted, moved_away, moved_here)}
    with act(None, override="a scene"):
        Task.objects.filter(pk=moved_away.pk).update(wave=other)
        Task.objects.filter(pk=moved_here.pk).update(wave=wave)
        deleted.delete()
        gone.delete()
    seal(batch=1000)
    TaskFactory(wave=wave)
    folder = exported(wave.program, tmp_path / "archive")
    told = rows(folder) + rows(folder, "unsealed.jsonl")
    late = keys | {*Task.objects.filter(wave=wave).values_list("pk", flat=True)}
    expected = Evidence.objects.filter(entity_id__in=late)
    assert {row["sequence"] for row in told} == {each.sequence for each in expected}
    assert {row["entity_id"] for row in told} == {str(key) for key in late}
    assert len(rows(folder, "unsealed.jsonl")) == 1
    assert verify(folder)[0] == 0


def test_the_same_state_person_and_time_make_the_same_bytes(tmp_path):
    program = scene()
    first, second = (exported(program, tmp_path / name) for name in ("first", "second"))
    for file in first.rglob("*"):
        if file.is_file():
            assert file.read_bytes() == (second / file.relative_to(first)).read_bytes()
    other = exported(program, tmp_path / "other", as_of=now(), person="maria")
    assert (other / "rows.jsonl").read_bytes() == (first / "rows.jsonl").read_bytes()
    assert manifest(other)["exportedBy"] == "maria"


def test_no_setting_of_a_session_changes_the_bytes(tmp_path, settings):
    program = scene()
    first = exported(program, tmp_path / "first")
    connection.close()
    settings_before = connection.settings_dict["OPTIONS"]
    hostile = "-c TimeZone=Asia/Tokyo -c DateStyle=German -c extra_float_digits=-15"
    connection.settings_dict["OPTIONS"] = settings_before | {"options": hostile}
    try:
        second = exported(program, tmp_path / "second")
    finally:
        connection.close()
        connection.settings_dict["OPTIONS"] = settings_before
    for name in ("rows.jsonl", "unsealed.jsonl", "manifest.json"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


class Tags(HTMLParser):
    """The tags of a page, and what it says."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.said = set(), set(), ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.said += data


def test_the_page_says_what_it_is_and_escapes_everything(tmp_path):
    wave = WaveFactory(program__name="<script>alert(1)</script> & Lamps")
    nasty = "<img src=x onerror=alert(1)>"
    task = TaskFactory(wave=wave, name=nasty)
    TaskFactory(wave=wave)
    BlockerFactory(entity=task, description=nasty)
    complete(task)
    seal(batch=1000)
    folder = exported(wave.program, tmp_path / "archive", person="<b>johan</b>")
    page = (folder / "evidence.html").read_text()
    read = Tags(page)
    assert not read.tags & {"script", "img", "iframe", "form"}
    assert not {name for name in read.attributes if name.startswith("on") or name == "src"}
    for words in ("2096-07-01T09:30:00Z", "<b>johan</b>", "<script>alert(1)</script> & Lamps"):
        assert words in read.said
    assert nasty in read.said
    assert manifest(folder)["filter"] in read.said
    assert "default-src 'none'" in page


def sizes(folder):
    text = (folder / "checkpoints.txt").read_text()
    return [int(note.splitlines()[1]) for note in text.split("\n\n")[:-1:2]]


def test_it_has_the_checkpoints_that_sealed_a_row_the_last_and_those_that_were_witnessed(tmp_path):
    program = scene()
    for _ in range(3):
        seal()
        TaskFactory()  # of another program
    *_, between, last = Checkpoint.objects.order_by("number").values_list("size", flat=True)
    first = exported(program, tmp_path / "first")
    sealed = [record.position for record in SealedRecord.objects.order_by("position")]
    own = {row["sequence"] for row in rows(first)}
    positions = SealedRecord.objects.filter(sequence__in=own).values_list("position", flat=True)
    for position in positions:
        assert [size for size in sizes(first) if size > position]
    assert len(sealed) == last
    assert (between in sizes(first), sizes(first)[-1]) == (False, last)
    second = exported(program, tmp_path / "second", witnessed={between})
    assert sizes(second) == [*sizes(first)[:-1], between, last]


def test_a_witness_that_the_archive_cannot_be_compared_with_is_not_passed_over(tmp_path):
    program = scene()
    for _ in range(2):
        seal()
        TaskFactory()  # of another program
    kept = witnessed(tmp_path / "kept.txt")
    newest = Checkpoint.objects.latest("number").size
    seal()
    first = exported(program, tmp_path / "first")
    second = exported(program, tmp_path / "second", witnessed={newest})
    code, said = verify(first, "--witness", kept)
    assert code == 1
    assert "it cannot be compared with what was witnessed before" in said
    assert verify(second, "--witness", kept)[0] == 0


def test_nothing_is_exported_of_a_row_that_is_not_as_it_was_sealed(tmp_path):
    program = scene()
    row = Evidence.objects.filter(entity_type="wave").earliest("sequence")
    administrator().execute("SET session_replication_role = replica")
    administrator().execute(
        "UPDATE evidence_trail SET actor = 'nobody' WHERE sequence = %s", [row.sequence]
    )
    administrator().execute("SET session_replication_role = origin")
    with pytest.raises(CannotExportError, match=f"Evidence {row.sequence} is not as it was sealed"):
        exported(program, tmp_path / "archive")


def test_few_rows_are_in_memory_at_a_time(monkeypatch, tmp_path):
    program = scene()
    for module in ("rows", "archive", "proofs"):
        monkeypatch.setattr(f"foreman_office.dashboard.evidence_archive.{module}.BATCH", 4)
    with CaptureQueriesContext(connection) as queries:
        folder = exported(program, tmp_path / "archive")
    fetches = [query for query in queries if query["sql"].startswith("FETCH 4 FROM archive_")]
    assert len(fetches) > len(rows(folder)) // 4
    assert verify(folder)[0] == 0


# --- the command and the pages --------------------------------------------------------------------


def test_the_command_writes_an_archive_that_holds(tmp_path, office_files):
    program = scene()
    output = tmp_path / "lamps.zip"
    out = StringIO()
    kept = witnessed(tmp_path / "kept.txt")
    with acting_as(UPKEEP):
        call_command(
            "export_evidence", program="Lamps", output=output, since=kept, by="maria", stdout=out
        )
    assert str(output) in out.getvalue()
    with ZipFile(output) as zipped:
        zipped.extractall(tmp_path / "archive")
    assert manifest(tmp_path / "archive")["exportedBy"] == "maria"
    assert verify(tmp_path / "archive", "--witness", kept)[0] == 0
    assert [*tmp_path.glob("*.part")] == []
    assert program.name == "Lamps"


def test_the_command_says_what_is_missing(tmp_path, office_files):
    WaveFactory(program__name="Lamps")
    with pytest.raises(CommandError, match="Nothing is sealed yet"):
        call_command("export_evidence", program="Lamps", output=tmp_path / "lamps.zip")
    with pytest.raises(CommandError, match="No program is called 'Lights'"):
        call_command("export_evidence", program="Lights")
    seal(batch=1000)
    (office_files / "evidence_key").unlink()
    with pytest.raises(CommandError, match="The record is signed by the key"):
        call_command("export_evidence", program="Lamps", output=tmp_path / "lamps.zip")
    assert not (tmp_path / "lamps.zip").exists()


def test_a_foreman_downloads_it_from_the_page_of_the_program(client, tmp_path):
    program = scene()
    client.force_login(UserFactory(username="johan"))
    page = client.get(reverse("governance:evidence_archive"), {"program": program.pk})
    assert f'value="{program.pk}" selected' in page.content.decode()
    answer = client.get(
        reverse("governance:evidence_archive_zip"), {"program": program.pk, "witnessed": "3, 7"}
    )
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    with ZipFile(BytesIO(b"".join(answer.streaming_content))) as zipped:
        zipped.extractall(tmp_path / "archive")
    assert manifest(tmp_path / "archive")["exportedBy"] == "johan"
    assert verify(tmp_path / "archive")[0] == 0


def test_an_archived_program_is_offered_only_where_its_own_page_asks_for_it(client):
    program = ProgramFactory(name="Old", state="failed")
    archive_program(program, reason="It is over.", by=UserFactory())
    client.force_login(UserFactory(username="johan"))
    address, option = reverse("governance:evidence_archive"), f'value="{program.pk}"'
    assert option not in client.get(address).text
    assert f"{option} selected" in client.get(address, {"program": program.pk}).text
    assert client.get(address, {"program": "none of them"}).status_code == 200


def test_the_form_and_the_key_are_refused_in_words(client, office_files):
    program = scene()
    client.force_login(UserFactory())
    address = reverse("governance:evidence_archive_zip")
    answer = client.get(address, {"program": program.pk, "witnessed": "many"})
    assert answer.status_code == 422
    assert "Write numbers" in answer.content.decode()
    (office_files / "evidence_key").unlink()
    answer = client.get(address, {"program": program.pk})
    assert answer.status_code == 409
    assert "The record is signed by the key" in answer.content.decode()


def test_the_certificate_is_downloaded_from_the_page_of_its_task(client, tmp_path):
    program = scene()
    task = Task.objects.filter(wave__program=program, state="completed").first()
    client.force_login(UserFactory(roles=["viewer"]))
    address = reverse("programs:task_certificate", args=[task.pk])
    assert address in client.get(task.get_absolute_url()).content.decode()
    answer = client.get(address)
    assert answer.status_code == 200
    file = exported(program, tmp_path / "archive") / "certificates" / f"{task.pk}.json"
    assert answer.content == file.read_bytes()


def test_a_key_vouches_for_the_next_one_and_not_for_what_replaced_it(tmp_path, office_files):
    program = scene()
    [old] = map(str, public_keys())
    kept = witnessed(tmp_path / "kept.txt")

    def archive(name):
        TaskFactory(wave__program=program)
        seal()
        return exported(program, tmp_path / name)

    with acting_as(UPKEEP):
        rotate("once a year")
    rotated = archive("rotated")
    assert len((rotated / "keys.txt").read_text().splitlines()) == 2
    for known in (["--key", old], ["--witness", kept]):
        code, said = verify(rotated, *known)
        assert code == 0, said

    (office_files / "evidence_key").unlink()
    with acting_as(UPKEEP):
        replace("lost")
    replaced = archive("replaced")
    for known in (["--key", old], ["--witness", kept]):
        code, said = verify(replaced, *known)
        assert code == 1
        assert "that key is not known" in said
    new = (replaced / "keys.txt").read_text().splitlines()[-1]
    assert verify(replaced, "--key", new)[0] == 0


def test_an_archive_is_of_the_time_when_its_transaction_began(sql):
    with transaction.atomic():
        ((began,),) = sql("SELECT now()")
        assert moment_of_snapshot() == began < now()


def test_what_was_witnessed_after_the_export_is_passed_over(tmp_path):
    program = scene()
    folder = exported(program, tmp_path / "archive", as_of=now() + timedelta(hours=1))
    seal()
    late = (now() + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    file = witnessed(tmp_path / "kept.txt")
    *notes, last = notes_in(file.read_text())
    last = re.sub(r"\ntime .+", f"\ntime {late}", last)
    file.write_text("".join(f"{note}\n" for note in [*notes, last]))
    code, said = verify(folder, "--witness", file)
    assert code == 0, said
