"""What a plan file may say, record by record, and what each record means for the database.

A field is named as its column, with the file's own word as alias. What has no column is a remark.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Annotated, Any, ClassVar, Self, get_args, get_origin
from uuid import UUID

from django.db import models
from django.utils.timezone import now
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    model_validator,
)

from builders.models import Backend, HeartbeatStatus
from builders.models import Builder as BuilderRow
from builders.models import Heartbeat as HeartbeatRow
from foreman_office.kit.acts import FOREMAN
from governance import models as judgement
from governance.plans.reading import Place, plain
from programs import models as plan
from programs.models import BuilderName, State, TaskState

FORMAT_VERSION = 1
INTEGER = 2**31 - 1

Complain = Callable[["Remarked", str | None, str], None]


def one_of(choices: type[models.TextChoices]) -> AfterValidator:
    words = choices.values  # which are put together each time that they are asked for

    def check(value: str) -> str:
        if value not in words:
            raise ValueError(f"{value!r} is not one of {', '.join(words)}")
        return value

    return AfterValidator(check)


def moment(value: Any) -> datetime:
    """Return a time in UTC. A bare date is its midnight; the file's word is kept beside it."""
    match value:
        case datetime(tzinfo=None):
            raise ValueError("a time needs its zone: UTC is written as 2026-01-08T13:14:59Z")
        case datetime():
            try:
                return value.astimezone(UTC)
            except OverflowError:
                raise ValueError("out of the calendar") from None
        case date():
            return datetime(value.year, value.month, value.day, tzinfo=UTC)
    raise ValueError("must be a time such as 2026-01-08T13:14:59Z, without quotes")


def rate(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    exact = Decimal(repr(value))
    if not 0 <= exact <= 100:
        raise ValueError("must be between 0 and 100")
    if exact != round(exact, 2):
        raise ValueError("has more than two decimals")
    return round(exact, 2)


def identifier(value: Any) -> UUID:
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise ValueError("must be a UUID") from None


def texts(value: Any) -> Any:
    """Let one text stand for a list of one."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return list(value)
    raise ValueError("must be a text or a list of texts")


Key = Annotated[str, Field(min_length=1, max_length=200)]
Name = Annotated[str, Field(min_length=1)]
Number = Annotated[int, Field(ge=-(10**9), le=10**9)]
Count = Annotated[int, Field(ge=0, le=INTEGER)]
Percent = Annotated[int, Field(ge=0, le=100)]
Time = Annotated[datetime, BeforeValidator(moment)]
Id = Annotated[UUID, BeforeValidator(identifier)]
Texts = Annotated[Any, AfterValidator(texts)]
Tree = Annotated[dict[str, Any], AfterValidator(plain)]
BuilderKey = Annotated[str, one_of(BuilderName)]


class Structured(BaseModel):
    """What may have records among its parts, which are read and checked by themselves."""

    model_config = ConfigDict(extra="forbid", strict=True)
    parts: ClassVar[dict[str, Place]]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        cls.parts = dict(cls._parts())

    @classmethod
    def _parts(cls) -> Iterator[tuple[str, Place]]:
        for name, field in cls.model_fields.items():
            if get_origin(field.annotation) is list:
                (item,) = get_args(field.annotation)
                if isinstance(item, type) and issubclass(item, Structured):
                    yield name, Place(item, name, many=True)


class Remarked(Structured):
    """A record, and what the file remarks on it. `null` says no more than silence does."""

    kind: ClassVar[str]
    table: ClassVar[type[models.Model]]
    stated: ClassVar[dict[str, str]]  # the fields that have a column, and the file's word for each
    remarks: ClassVar[list[str]]  # the fields that have none

    source: Texts = None
    note: str | None = None
    derived: list[str] | None = None
    time_basis: str | None = None

    _read: Any = PrivateAttr()  # the `reading.Mapping` that it comes from

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if not hasattr(cls, "table"):
            return
        columns = {field.attname for field in cls.table._meta.concrete_fields}
        names = [name for name in cls.model_fields if name not in STRUCTURE]
        cls.stated = {
            name: cls.model_fields[name].alias or name
            for name in names
            if name in columns or name == "entity"
        }
        cls.remarks = [name for name in names if name not in cls.stated]

    @model_validator(mode="wrap")
    @classmethod
    def _remember(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(data, dict):
            return handler(data)
        record = handler({key: value for key, value in data.items() if value is not None})
        record._read = data
        return record

    def settle(self, complain: Complain) -> None:
        """Fill what follows from the rest, and complain of what contradicts it."""

    def remarked(self) -> dict[str, Any]:
        """Return what the file says beyond the columns, and where its word is not the column's.

        `recorded` holds the file's own value of a field that is stored otherwise, null for none:
        a readiness that the score does not bear out, a count that was derived, a bare date.
        """
        remarks = {name: getattr(self, name) for name in self.remarks}
        remarks["recorded"] = self._recorded()
        return {name: value for name, value in remarks.items() if value not in EMPTY}

    def _recorded(self) -> dict[str, Any]:
        recorded = {}
        for name, word in self.stated.items():
            said = self._read.get(word)
            if self.silent(name, said):
                said = None
            told = self.told(name, getattr(self, name))
            if name not in NOT_RECORDED and not _same(said, told):
                recorded[word] = plain(said)
        return recorded

    @classmethod
    def silent(cls, name: str, value: Any) -> bool:
        """Tell whether a file that leaves the field out says the same."""
        return value is None or (value in EMPTY and value == cls.model_fields[name].default)

    @classmethod
    def told(cls, name: str, value: Any) -> Any:
        """Return the file's word for a column, None where it is best left out."""
        if cls.silent(name, value):
            return None
        if isinstance(value, Decimal):
            return int(value) if value == int(value) else float(value)
        if isinstance(value, UUID):
            return str(value)
        return value


EMPTY: list[Any] = [None, "", [], {}]
STRUCTURE = {"key", "id", "waves", "tasks", "validations", "qa_runs", "violations", "heartbeats"}
# What the office measures is the database's to say; a builder's own backend is told as it is.
NOT_RECORDED = {"created_at", "updated_at", "worked_at", "occurrences", "backend_type", "entity"}


def _same(said: Any, standard: Any) -> bool:
    if isinstance(said, datetime):
        return said == standard
    return plain(said) == plain(standard)


class Record(Remarked):
    key: Key
    id: Id | None = None


class Validation(Record):
    kind = "validation"
    table = judgement.ArchitectureValidation

    architecture_reference: str = ""
    validation_results: dict[str, dict[str, bool]] = {}
    pass_rate: Annotated[Decimal, BeforeValidator(rate)] | None = None
    build_readiness: Annotated[str, one_of(judgement.Readiness)] | None = None
    validated_at: Time
    validated_by: Name = FOREMAN

    def settle(self, complain: Complain) -> None:
        items = [
            passed for section in self.validation_results.values() for passed in section.values()
        ]
        if self.pass_rate is None:
            if not items:
                complain(self, None, "needs a pass_rate or a checklist")
                return
            # Rounded down: only a full pass is 100.
            full = Decimal(100 * sum(items)) / len(items)
            self.pass_rate = full.quantize(Decimal("0.01"), ROUND_DOWN)
        # READY is a full pass and nothing else; what the file calls ready is kept as recorded.
        self.build_readiness = "READY" if self.pass_rate == 100 else "NOT_READY"


class QARun(Record):
    kind = "qa_run"
    table = judgement.QAExecution

    qa_suite_location: str = ""
    total_tests: Count | None = Field(None, alias="total")
    passing_tests: Count | None = Field(None, alias="passing")
    failing_tests: Count | None = Field(None, alias="failing")
    skipped_tests: Count | None = Field(None, alias="skipped")
    test_debt_count: Count = 0
    warnings: Count | None = None
    qa_status: Annotated[str, one_of(judgement.QAStatus)] | None = None
    executed_at: Time
    execution_time_ms: Count | None = None

    def settle(self, complain: Complain) -> None:
        if not self._count():
            complain(self, None, "its counts leave open how many tests passed and failed")
            return
        total, passing = self.total_tests or 0, self.passing_tests or 0
        parts = [passing, self.failing_tests or 0, self.skipped_tests or 0]
        if min(parts) < 0 or sum(parts) != total or total > INTEGER:
            sum_ = " + ".join(map(str, parts))
            complain(self, "total_tests", f"{total} tests are not the sum of {sum_}")
            return
        if passing == 0:
            status = "RED"
        elif passing == total and self.test_debt_count == 0:
            status = "GREEN"
        else:
            status = "PARTIAL"
        if self.qa_status not in (None, status):
            complain(self, "qa_status", f"says {self.qa_status}, but the counts say {status}")
        self.qa_status = status

    def _count(self) -> bool:
        """Derive the counts that are missing, or return false where they do not follow."""
        if self.total_tests is None:
            if self.passing_tests is None or self.failing_tests is None:
                return False
            self.skipped_tests = self.skipped_tests or 0
            self.total_tests = self.passing_tests + self.failing_tests + self.skipped_tests
            return True
        parts = ["passing_tests", "failing_tests", "skipped_tests"]
        missing = [name for name in parts if getattr(self, name) is None]
        if len(missing) == 2 and self.skipped_tests is None:
            self.skipped_tests = 0
            missing.remove("skipped_tests")
        if len(missing) == 1:
            others = sum(getattr(self, name) for name in parts if name != missing[0])
            setattr(self, missing[0], self.total_tests - others)
        return len(missing) < 2


class Violation(Record):
    kind = "violation"
    table = judgement.GovernanceViolation

    violation_type: Name
    description: str = ""
    builder_id: BuilderKey | None = Field(None, alias="builder")
    committed_by: str | None = None
    detected_at: Time
    resolution: str | None = None
    resolved_at: Time | None = None


class Heartbeat(Record):
    kind = "heartbeat"
    table = HeartbeatRow

    builder_id: BuilderKey = Field(alias="builder")
    sent_by: str | None = None
    timestamp: Time = Field(alias="at")
    status: Annotated[str, one_of(HeartbeatStatus)] | None = None
    task_status: str | None = None
    message: str | None = None
    progress_percentage: Percent | None = None

    def settle(self, complain: Complain) -> None:
        # A beat that tells the task's status and not its builder's does not say that work went on.
        self.status = self.status or HeartbeatStatus.IDLE.value
        if self.message is None and self.task_status:
            self.message = self.task_status
        if self.timestamp > now() + timedelta(minutes=1):
            complain(self, "timestamp", "lies in the future")


class Task(Record):
    kind = "task"
    table = plan.Task

    name: Name
    assigned_builder: BuilderKey | None = None
    collaborating_builders: list[BuilderKey] | None = None
    state: Annotated[str, one_of(TaskState)] = TaskState.PLANNED.value
    progress_percentage: Percent | None = None
    architecture_reference: str = ""
    qa_suite_location: str = ""
    acceptance_criteria: str = ""
    evidence_location: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    started_at: Time | None = None
    completed_at: Time | None = None
    worked_at: Time | None = None
    validations: list[Validation] = []
    qa_runs: list[QARun] = []
    violations: list[Violation] = []
    heartbeats: list[Heartbeat] = []

    def settle(self, complain: Complain) -> None:
        if self.progress_percentage is None:
            self.progress_percentage = 100 if self.state == TaskState.COMPLETED else 0


class Wave(Record):
    kind = "wave"
    table = plan.Wave

    name: Name
    sequence_number: Number
    description: str | None = None
    dependencies: list[Key] = []
    state: Annotated[str, one_of(State)] = State.PLANNED.value
    created_at: Time | None = None
    updated_at: Time | None = None
    tasks: list[Task] = []


class Program(Record):
    kind = "program"
    table = plan.Program

    name: Annotated[str, Field(min_length=1, max_length=600)]  # it has to fit into a unique index
    description: str = ""
    objectives: list[str] = []
    state: Annotated[str, one_of(State)] = State.PLANNED.value
    evidence_location: str | None = None
    created_by: Id | None = None
    organisation_id: Id | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    waves: list[Wave] = []


class Builder(Remarked):
    kind = "builder"
    table = BuilderRow

    builder_id: BuilderKey
    backend_type: Annotated[str, one_of(Backend)] | None = None
    provenance: Tree = {}

    @property
    def key(self) -> str:
        return self.builder_id


class Blocker(Record):
    kind = "blocker"
    table = judgement.Blocker

    entity_type: Annotated[str, one_of(judgement.BlockedEntity)]
    entity: Key
    classification: Annotated[str, one_of(judgement.Classification)]
    description: str = ""
    detected_at: Time
    resolved_at: Time | None = None
    resolution_action: str | None = None
    occurrences: Annotated[int, Field(ge=1, le=INTEGER)] = 1

    @classmethod
    def silent(cls, name: str, value: Any) -> bool:
        return super().silent(name, value) or (name == "occurrences" and value == 1)


class Evidence(Remarked):
    """A line of the trail. One with a key is the file's; one with an id is told word for word."""

    kind = "evidence"
    table = judgement.Evidence

    key: Key | None = None
    id: Id | None = None
    entity_type: Annotated[str, one_of(judgement.EvidenceEntity)]
    entity: Key
    action: Name
    actor: Name | None = None
    backend: str | None = None
    model: str | None = None
    timestamp: Time
    context: Tree = {}

    def settle(self, complain: Complain) -> None:
        if (self.key is None) == (self.id is None):
            complain(self, None, "needs either a key or an id")
            return
        if self.id and (self.actor is None or any(getattr(self, name) for name in self.remarks)):
            complain(self, None, "with an id needs an actor, and its remarks are in its context")
        if self.key:
            for name in self.context.keys() & {*OWN_CONTEXT, *self.remarks}:
                complain(self, "context", f"{name} is said beside the context, not in it")
            recorded = self._recorded().get("timestamp")
            self.context = {"key": self.key, **self.context}
            if self.actor is None:
                self.actor = FOREMAN
                self.context["actor_recorded"] = False
            self.context |= {
                name: getattr(self, name) for name in self.remarks if getattr(self, name)
            }
            if recorded:
                self.context["recorded"] = {"timestamp": recorded}
        elif "import" in self.context:
            complain(self, "context", "an import writes its own evidence")


# What an evidence record of the file has in its context beside its own words.
OWN_CONTEXT = ["key", "actor_recorded", "recorded", "import"]


class File(Structured):
    """A whole plan file."""

    format_version: int
    program: Any  # a Program, checked by then
    builders: list[Builder] = []
    blockers: list[Blocker] = []
    evidence: list[Evidence] = []

    @classmethod
    def _parts(cls) -> Iterator[tuple[str, Place]]:
        yield "program", Place(Program, "program", many=False)
        yield from super()._parts()

    @model_validator(mode="wrap")
    @classmethod
    def _known_version(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        version = data.get("format_version", FORMAT_VERSION) if isinstance(data, dict) else None
        if isinstance(version, int) and version != FORMAT_VERSION:
            raise ValueError(f"format_version {version} is not known; this office reads 1")
        if not isinstance(data, dict):
            raise ValueError("a plan file is a mapping that begins with format_version: 1")
        return handler({key: value for key, value in data.items() if value is not None})
