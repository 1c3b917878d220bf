"""The red-to-green certificate of a task as an in-toto Statement.

Its predicate is test-result v0.1 (https://github.com/in-toto/attestation). What that has no field
for is in one extension field, `foremanOffice`. Counts and percentages are text: the protobuf
bindings of in-toto turn numbers into floats. Digests of evidence are SHA-256 over its exact text,
as `governance_evidence_leaf` returns it and an exported archive has it, one row a line.
"""

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from django.db.models import Func, Q, TextField

from governance.attestations.envelope import Envelope, Signer, canonical_json, sign_payload
from governance.models import ArchitectureValidation, Evidence, QAExecution, TestOutcome
from governance.models.evidence import COMPLETIONS
from governance.quality import Certificate
from programs.models import Task

STATEMENT = "https://in-toto.io/Statement/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_CONTENT = 1_000  # bytes of a text that is put into its description (the specification: 1 KB)
CONFIGURATION = {
    "qa_suite_location": "text/plain",
    "architecture_reference": "text/plain",
    "acceptance_criteria": "text/markdown",
}


class Unattested(Exception):
    """A certificate whose task has no evidence of its completion."""


class LeafText(Func):
    """The exact text of a row of evidence that is hashed when it is sealed."""

    template = "governance_evidence_leaf(evidence_trail)"
    output_field = TextField()


def attest(certificate: Certificate, signer: Signer) -> Envelope:
    """Return the statement of a certificate in a signed envelope."""
    return sign_payload(canonical_json(certificate_statement(certificate)), PAYLOAD_TYPE, signer)


def certificate_statement(certificate: Certificate) -> dict[str, Any]:
    """Return the statement of a certificate; raises `Unattested` without evidence of completion."""
    task = certificate.task
    validation = task.validations.order_by("-validated_at", "-recorded").first()
    acts = _acts(certificate, validation)
    if "completed" not in acts:
        raise Unattested(f"There is no evidence that “{task}” was completed.")
    override = acts["completed"].context.get("override")
    tests = _names(certificate.green)
    warned = (
        tests["warnedTests"]
        or certificate.moved
        or certificate.edited
        or certificate.changes
        or override
    )
    return {
        "_type": STATEMENT,
        "subject": [{"name": f"task/{task.pk}", "digest": _digest(acts["completed"])}],
        "predicateType": TEST_RESULT,
        "predicate": {
            "result": "WARNED" if warned else "PASSED",
            "configuration": _configuration(task),
            **tests,
            "failedTests": [],
            "foremanOffice": {
                "program": task.wave.program.name,
                "wave": task.wave.name,
                "task": task.name,
                "evidence": [_evidence(name, row) for name, row in acts.items()],
                "red": _described_run(certificate.red),
                "green": _described_run(certificate.green),
                "checked": "by name" if certificate.by_name else "by counts only",
                "editedByHand": certificate.edited,
                "removedOrSkippedTests": [goalpost._asdict() for goalpost in certificate.moved],
                "renamedTests": [
                    {"name": pair.name, "laterName": pair.later_name, "rule": pair.rule}
                    for pair in certificate.pairs
                ],
                "criteriaChanges": [
                    {"at": _utc(at), "by": by, "columns": columns, "reason": reason}
                    for at, by, columns, reason in certificate.changes
                ],
                "validation": validation and _validation(validation),
            },
        },
    }


def _configuration(task: Task) -> list[dict[str, Any]]:
    """Describe what the task is judged by: each text with its digest, and itself if it is short."""
    described = []
    for column, media_type in CONFIGURATION.items():
        text = (getattr(task, column) or "").encode()
        if text:
            content = {"content": b64encode(text).decode()} if len(text) <= MAX_CONTENT else {}
            digest = {"sha256": sha256(text).hexdigest()}
            described.append({"name": column, "mediaType": media_type, "digest": digest} | content)
    return described


def _names(green: QAExecution) -> dict[str, list[str]]:
    """Return the tests that passed, and those that passed only when they were run again."""
    results = green.results.filter(is_test=True, outcome=TestOutcome.PASSED).order_by("name")
    told: dict[str, list[str]] = {"passedTests": [], "warnedTests": []}
    for name, flaky in results.values_list("name", "flaky"):
        told["warnedTests" if flaky else "passedTests"].append(name)
    return told


def _described_run(run: QAExecution) -> dict[str, Any]:
    counts = ("total_tests", "passing_tests", "failing_tests", "skipped_tests", "test_debt_count")
    return {
        "executionId": str(run.pk),
        "suite": run.qa_suite_location,
        "status": run.qa_status,
        **{_camel(name): str(getattr(run, name)) for name in counts},
        "executedAt": _utc(run.executed_at),
        "arrivedAt": _utc(run.arrived_at),
        "against": run.against,
    }


def _validation(validation: ArchitectureValidation) -> dict[str, Any]:
    return {
        "validationId": str(validation.pk),
        "architectureReference": validation.architecture_reference,
        "passRate": str(validation.pass_rate),
        "readiness": validation.build_readiness,
        "validatedAt": _utc(validation.validated_at),
        "validatedBy": validation.validated_by,
    }


def _acts(certificate: Certificate, validation: ArchitectureValidation | None) -> dict[str, Any]:
    """Return the latest evidence of completion, runs and validation, with its exact text."""
    acts: dict[str, Any] = {}
    records = {str(certificate.red.pk): "red", str(certificate.green.pk): "green"}
    if validation:
        records[str(validation.pk)] = "validated"
    told = Q(COMPLETIONS) | Q(action__in=["qa_run_recorded", "validation_recorded"])
    rows = Evidence.objects.of(certificate.task).filter(told).annotate(leaf=LeafText())
    for row in rows.order_by("sequence"):
        record = row.context.get("snapshot")
        record = record if isinstance(record, dict) else {}  # an import may tell it otherwise
        if not row.action.endswith("_recorded"):
            acts["completed"] = row
        elif name := records.get(record.get("execution_id") or record.get("validation_id")):
            acts[name] = row
    return {name: acts[name] for name in ("completed", *records.values()) if name in acts}


def _evidence(name: str, row: Any) -> dict[str, Any]:
    """Describe the evidence of an act: which row, when, by whom, and whether an import told it."""
    told = {name: row.context[name] for name in ("user", "override") if name in row.context}
    return {
        "name": name,
        "digest": _digest(row),
        "annotations": {
            "sequence": str(row.sequence),
            "at": _utc(row.timestamp),
            "actor": row.actor,
            "imported": "import" in row.context or not row.witnessed,
            **told,
        },
    }


def _digest(row: Any) -> Mapping[str, str]:
    return {"sha256": sha256(row.leaf.encode()).hexdigest()}


def _utc(moment: datetime | None) -> str | None:
    return moment and moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return "".join([first, *map(str.capitalize, others)])
