"""Pages say in which checkpoint a row is sealed, and hand out its proof."""

from base64 import b64decode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from foreman_office.access.security_log import note
from governance.models import Evidence, OfficeLogEntry, RecordKind
from governance.sealing import sealer
from governance.sealing.keys import public_keys
from governance.sealing.notes import opened
from governance.sealing.proofs import completion_of, leaf_of
from governance.sealing.tree import leaf_hash, verify_inclusion
from kit.runtime.database_addresses import UPKEEP, acting_as
from programs.history import recording
from tests.factories import ProgramFactory, TaskFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def office_files(settings, tmp_path):
    settings.FOREMAN_VAR = tmp_path


def seal():
    with acting_as(UPKEEP):
        return sealer.seal()


def proof(client, sequence):
    return client.get(reverse("governance:evidence_proof", args=[sequence]))


def parts(text):
    """Return the leaf, its position, the tree's head and the hashes of a proof."""
    first, extra, index, *rest = text.split("\n")
    assert first == "c2sp.org/tlog-proof@v1"
    gap = rest.index("")
    head = opened("\n".join(rest[gap + 1 :]), public_keys()).head
    hashes = [b64decode(line) for line in rest[:gap]]
    leaf = b64decode(extra.removeprefix("extra "))
    return leaf, int(index.removeprefix("index ")), head, hashes


def test_a_row_says_that_it_is_sealed_and_hands_out_its_proof(client):
    client.force_login(UserFactory(roles=["viewer"]))
    ProgramFactory()
    sequence = Evidence.objects.latest("sequence").sequence
    page = reverse("governance:evidence", args=[sequence])
    for address in (page, reverse("governance:evidence_list")):
        assert "not yet sealed" in client.get(address).text
    assert proof(client, sequence).status_code == 404
    seal()
    for address in (page, reverse("governance:evidence_list")):
        answer = client.get(address)
        assert "not yet sealed" not in answer.text
        assert "in checkpoint 1" in answer.text
        assert reverse("governance:evidence_proof", args=[sequence]) in answer.text
    answer = proof(client, sequence)
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="evidence-{sequence}.tlog-proof"'
    assert "no-store" in answer["Cache-Control"]
    leaf, position, head, hashes = parts(answer.text)
    assert leaf.decode() == leaf_of(sequence)
    verify_inclusion(leaf_hash(leaf), position, head.size, hashes, head.root)


def test_an_entry_of_the_office_log_hands_out_its_proof_to_those_who_may_read_it(client):
    client.force_login(UserFactory(roles=["foreman"]))
    note("login failed", "eve")
    entry = OfficeLogEntry.objects.latest("sequence")
    page = reverse("governance:office_log")
    address = reverse("governance:office_log_proof", args=[entry.sequence])
    assert "not yet sealed" in client.get(page).text
    assert client.get(address).status_code == 404
    seal()
    assert address in client.get(page).text
    answer = client.get(address)
    assert f'filename="office-{entry.sequence}.tlog-proof"' in answer["Content-Disposition"]
    leaf, position, head, hashes = parts(answer.text)
    assert leaf.decode() == leaf_of(entry.sequence, RecordKind.OFFICE)
    verify_inclusion(leaf_hash(leaf), position, head.size, hashes, head.root)
    client.force_login(UserFactory(roles=["viewer"]))
    assert client.get(address).status_code == 403


def test_a_stranger_gets_no_proof(client):
    ProgramFactory()
    seal()
    answer = proof(client, Evidence.objects.latest("sequence").sequence)
    assert (answer.status_code, "login" in answer["Location"]) == (302, True)


def test_a_completed_task_says_where_its_completion_is_sealed(person):
    with recording("a plan"):
        task = TaskFactory(state="completed")
    address = task.get_absolute_url()
    assert "not yet sealed" in person.get(address).text
    seal()
    sequence, checkpoint = completion_of(task.pk)
    assert checkpoint == 1
    assert Evidence.objects.get(sequence=sequence).entity_id == task.pk
    text = person.get(address).text
    assert "sealed in checkpoint 1" in text
    assert reverse("governance:evidence_proof", args=[sequence]) in text
    assert "sealed" not in person.get(TaskFactory().get_absolute_url()).text


@pytest.mark.parametrize("address", ["list", "row", "task"])
def test_a_page_asks_once_for_its_seals(person, address):
    with recording("a plan"):
        task = TaskFactory(state="completed")
    seal()
    addresses = {
        "list": reverse("governance:evidence_list"),
        "row": reverse("governance:evidence", args=[Evidence.objects.latest("sequence").sequence]),
        "task": task.get_absolute_url(),
    }
    with CaptureQueriesContext(connection) as asked:
        assert "in checkpoint 1" in person.get(addresses[address]).text
    assert len([each for each in asked if "sealed_records" in each["sql"]]) == 1
