"""Certificates as in-toto Statements in DSSE envelopes, read by the libraries of others."""

import json
from copy import deepcopy
from datetime import timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils.timezone import now
from google.protobuf.json_format import Parse
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope as TheirEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from governance.attestations.envelope import read_envelope, sign_payload
from governance.attestations.signer import OfficeSigner
from governance.attestations.statement import Unattested, attest, certificate_statement
from governance.models import QATestResult
from governance.quality import certificate
from governance.sealing.notes import PublicKey, public_bytes
from kit.core.acts import act
from programs.actions import complete_task
from programs.models import Task
from tests.database import without_triggers
from tests.factories import ArchitectureValidationFactory, QAExecutionFactory, UserFactory
from tests.scenes import green_after_work, make_ready, take_up

pytestmark = pytest.mark.django_db
EARLIER = timedelta(hours=1)


@pytest.fixture
def signer():
    return a_signer()


def a_signer():
    private = Ed25519PrivateKey.generate()
    return OfficeSigner(PublicKey("foreman-office/test", public_bytes(private)), private)


def their_key(signer):
    public = signer.private.public_key()
    return SSlibKey.from_crypto(public, keyid=signer.key_id)


def run(task, *, named=(), **counts):
    stored = QAExecutionFactory(task=task, **counts)
    outcomes = {"F": "failed", ".": "passed", "~": "passed"}
    QATestResult.objects.bulk_create(
        QATestResult(execution=stored, name=name, outcome=outcomes[mark], flaky=mark == "~")
        for name, mark in named
    )
    return stored


def complete(task, by=None, **declared):
    with act(by, **{"override": "a scene"} | declared):
        Task.objects.filter(pk=task.pk).update(state=Task.State.COMPLETED)
    task.refresh_from_db()
    return task


@pytest.fixture
def proven(task):
    """A completed task whose suite was red, by name, and became green."""
    ArchitectureValidationFactory(task=task, validated_by="an architect")
    red = {"passing_tests": 0, "failing_tests": 2, "executed_at": now() - EARLIER}
    run(task, named=[("a", "F"), ("b", "F")], **red)
    run(task, named=[("a", "."), ("b", "~"), ("ü", ".")], passing_tests=3, executed_at=now())
    return complete(task)


def test_securesystemslib_verifies_the_envelope(proven, signer):
    envelope = json.loads(attest(certificate(proven), signer).to_json())
    theirs = TheirEnvelope.from_dict(deepcopy(envelope))
    assert [*theirs.verify([their_key(signer)], 1)] == [signer.key_id]
    assert theirs.payload_type == "application/vnd.in-toto+json"


@pytest.mark.parametrize("part", ["payload", "payloadType", "key"])
def test_securesystemslib_refuses_another_envelope(proven, signer, part):
    envelope = json.loads(attest(certificate(proven), signer).to_json())
    key = their_key(signer)
    if part == "key":
        key = SSlibKey.from_crypto(a_signer().private.public_key(), keyid=signer.key_id)
    else:
        envelope[part] = envelope[part].replace("a", "b", 1)
    with pytest.raises(VerificationError):
        TheirEnvelope.from_dict(envelope).verify([key], 1)


def test_in_toto_parses_the_statement(proven, signer):
    payload = attest(certificate(proven), signer).payload
    theirs = Statement.copy_from_pb(Parse(payload, statement_pb2.Statement()))
    theirs.validate()
    assert theirs.pb.predicate_type == "https://in-toto.io/attestation/test-result/v0.1"
    predicate = json.dumps(json.loads(payload)["predicate"])
    result = Parse(predicate, test_result_pb2.TestResult(), ignore_unknown_fields=True)
    assert [*result.passed_tests] == ["a", "ü"]
    assert [*result.warned_tests] == ["b"]
    assert [each.name for each in result.configuration] == [
        "qa_suite_location",
        "architecture_reference",
        "acceptance_criteria",
    ]


def test_what_their_bindings_keep_is_what_was_signed(proven, signer):
    """They keep numbers as floats, so that there may be none."""

    def numbers(value):
        if isinstance(value, dict | list):
            inside = value.values() if isinstance(value, dict) else value
            return [number for each in inside for number in numbers(each)]
        return [value] if isinstance(value, int | float) and not isinstance(value, bool) else []

    told = certificate_statement(certificate(proven))
    assert numbers(told) == []
    assert told["predicate"]["foremanOffice"]["red"]["failingTests"] == "2"


def test_the_signed_bytes_are_kept(proven, signer):
    envelope = attest(certificate(proven), signer)
    assert read_envelope(envelope.to_json()) == envelope
    assert attest(certificate(proven), signer).to_json() == envelope.to_json()


def test_the_digests_are_those_of_the_evidence(proven, sql):
    told = certificate_statement(certificate(proven))
    leaves = [leaf for (leaf,) in sql("SELECT governance_evidence_leaf(e) FROM evidence_trail e")]
    digests = {sha256(leaf.encode()).hexdigest(): json.loads(leaf)["action"] for leaf in leaves}
    named = {
        each["name"]: digests[each["digest"]["sha256"]]
        for each in told["predicate"]["foremanOffice"]["evidence"]
    }
    assert named == {
        "completed": "state_changed",
        "red": "qa_run_recorded",
        "green": "qa_run_recorded",
        "validated": "validation_recorded",
    }
    assert digests[told["subject"][0]["digest"]["sha256"]] == "state_changed"


def test_it_says_what_the_certificate_says(proven):
    told = certificate_statement(certificate(proven))["predicate"]
    assert told["result"] == "WARNED"  # it was forced, and a test is flaky
    office = told["foremanOffice"]
    assert (office["checked"], office["editedByHand"]) == ("by name", False)
    assert office["validation"]["validatedBy"] == "an architect"
    completed = office["evidence"][0]["annotations"]
    assert (completed["override"], completed["imported"]) == ("a scene", False)


def test_a_task_completed_by_its_gate_is_passed_and_says_who_completed_it():
    task = make_ready(evidence_location="s3://proof")
    builder = take_up(task)
    green_after_work(task)
    complete_task(task, by=UserFactory(username="johan"))
    task.refresh_from_db()
    told = certificate_statement(certificate(task))["predicate"]
    assert told["result"] == "PASSED"
    assert told["failedTests"] == told["warnedTests"] == []
    completed = told["foremanOffice"]["evidence"][0]["annotations"]
    assert (completed["user"], "override" in completed) == ("johan", False)
    assert builder.pk == task.assigned_builder


def test_without_evidence_of_the_completion_nothing_is_attested(task):
    run(task, passing_tests=0, failing_tests=2, executed_at=now() - EARLIER)
    run(task, passing_tests=2, executed_at=now())
    with without_triggers():
        Task.objects.filter(pk=task.pk).update(state=Task.State.COMPLETED)
    task.refresh_from_db()
    with pytest.raises(Unattested):
        certificate_statement(certificate(task))


def test_counts_alone_and_removed_tests_are_told(task):
    run(task, passing_tests=0, failing_tests=5, executed_at=now() - EARLIER)
    run(task, passing_tests=3, executed_at=now())
    told = certificate_statement(certificate(complete(task)))["predicate"]
    assert told["result"] == "WARNED"
    assert told["foremanOffice"]["checked"] == "by counts only"
    assert told["foremanOffice"]["removedOrSkippedTests"] == [
        {"name": "2 of 5 tests", "what": "removed"}
    ]


def test_long_criteria_are_named_by_their_digest_alone(proven):
    long = "- every test passes\n" * 100
    with act(None, reason="A longer text."):
        Task.objects.filter(pk=proven.pk).update(acceptance_criteria=long)
    proven.refresh_from_db()
    told = certificate_statement(certificate(proven))["predicate"]["configuration"]
    criteria = next(each for each in told if each["name"] == "acceptance_criteria")
    assert criteria["digest"] == {"sha256": sha256(long.encode()).hexdigest()}
    assert "content" not in criteria


def test_an_envelope_of_any_bytes_is_read_as_it_was_signed(signer):
    for payload in (b"", b"\0\xff", "—".encode()):
        envelope = sign_payload(payload, "text/plain", signer)
        assert read_envelope(envelope.to_json()) == envelope
        theirs = TheirEnvelope.from_dict(json.loads(envelope.to_json()))
        assert theirs.verify([their_key(signer)], 1)
