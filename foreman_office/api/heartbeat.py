"""The endpoint that takes heartbeats, each authenticated by the builder's own token."""

from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Router
from ninja.decorators import decorate_view
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from builders import actions
from builders.clocks import lag_seconds, until_next
from builders.known_tokens import known_token
from builders.models import HeartbeatStatus
from foreman_office.api.callers import Bearer, builders_only, calling_builder
from foreman_office.api.usage import BeatUsage, count_beat
from kit.core.acts import Refused
from kit.runtime.database.members import as_member, as_office
from kit.web.api import Errors, Problem, takes_json, unauthorized
from programs.models import BuilderName

MAX_MESSAGE = 10_000
# The clock of a machine that has forgotten the time starts here; its beats are late, not wrong.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The calendar ends a year later, and a time zone may add a day.
END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)

router = Router()


def iso_8601(value: Any) -> datetime:
    # Pydantic alone would also take a number, and a number in quotes, as seconds.
    if isinstance(value, str) and value.isascii():
        with suppress(ValueError):
            return datetime.fromisoformat(value)
    raise PydanticCustomError("iso_8601", "Input should be an ISO 8601 time")


def no_nul(value: str) -> str:
    if "\0" in value:
        raise PydanticCustomError("no_nul", "Input should not contain NUL characters")
    return value


# Of pydantic alone, not of ninja's Schema, which looks at every field in Python: these two are
# on the way of each beat.
class Beat(BaseModel):
    """A heartbeat: the state of a builder and the progress of its task."""

    model_config = ConfigDict(
        extra="forbid",
        use_enum_values=True,
        json_schema_extra={
            "example": {
                "builder_id": "ui-builder",
                "task_id": None,
                "status": "idle",
                "message": "Waiting for work",
                "next_beat_within_seconds": 60,
            }
        },
    )

    builder_id: BuilderName = Field(description="The builder that the token belongs to.")
    task_id: UUID | None = Field(None, description="The task that the heartbeat is about.")
    status: HeartbeatStatus
    # The length is part of the text's own check, which finds lone surrogates on its way.
    message: Annotated[str, Field(max_length=MAX_MESSAGE), AfterValidator(no_nul)] | None = None
    progress_percentage: int | None = Field(None, ge=0, le=100, strict=True)
    heartbeat_id: UUID | None = Field(
        None,
        description="Chosen by the sender: a heartbeat that is sent twice is stored once "
        "and gets the same answer.",
    )
    timestamp: Annotated[AwareDatetime, BeforeValidator(iso_8601)] | None = Field(
        None,
        ge=EPOCH,
        lt=END_OF_TIME,
        description="Time of the heartbeat, with a time zone; the current time if omitted. "
        "At most one minute ahead of the office's clock.",
    )
    next_beat_within_seconds: int | None = Field(
        None,
        ge=1,
        le=86_400,
        strict=True,
        description="Announces a long step: until then the builder is not silent, for an hour at"
        " most. Each heartbeat makes its own announcement, or none.",
    )
    usage: BeatUsage | None = Field(None, description="What was used since the last heartbeat.")


class ReceivedAnswer(BaseModel):
    """An answer of the foreman to a question about the task."""

    question_id: UUID
    question: str
    option: str | None = Field(description="The option that was chosen, or null.")
    text: str = Field(description="The text of the answer; empty if an option says it all.")
    answered_at: AwareDatetime


class Receipt(BaseModel):
    """The heartbeat is stored."""

    heartbeat_id: UUID
    timestamp: AwareDatetime
    interval_seconds: int = Field(description="Send the next heartbeat within this time.")
    received_at: AwareDatetime | None = Field(description="By the office's clock.")
    next_due_at: AwareDatetime | None = Field(
        description="When the next heartbeat is due, by the office's clock."
    )
    clock: str | None = Field(
        description="Says so if the sender's clock is ahead of the office's, or behind. Nothing is"
        " held against that: silence is judged by `received_at`."
    )
    answers: list[ReceivedAnswer] = Field(
        description="The five newest answers of the foreman to questions about the builder's task."
        " They are repeated with each heartbeat, so that none is lost with an answer."
    )


def told_of_clock(lag: timedelta) -> str | None:
    """Return that the sender's clock is behind or ahead, if by more than a heartbeat's way."""
    seconds = lag_seconds(lag)
    if not seconds:
        return None
    if seconds > 0:
        return f"Your clock is {seconds} s behind the office's, or this heartbeat came late."
    return f"Your clock is {-seconds} s ahead of the office's."


AHEAD = "builders_heartbeats_not_ahead"
# Rules of the database by which a beat can be refused: status and field.
REFUSALS = {
    "own_builder": (403, "builder_id"),
    "known_task": (404, "task_id"),
    "heartbeat_id_used_once": (409, "heartbeat_id"),
    AHEAD: (422, "timestamp"),
}


def problem_of(refused: Refused, token: str) -> Exception:
    """Return the answer to a heartbeat that a rule refused, or the refusal of any other rule."""
    if refused.rule == "valid_token":
        return builders_only() if actions.authenticate_ci(token) else unauthorized()
    if refused.rule == AHEAD:
        # Its clock is wrong, and it is alive: what it sent is a sign of life all the same.
        note_sign_of_life(token)
    if refused.rule in REFUSALS:
        status, field = REFUSALS[refused.rule]
        return Problem(status, field, refused.rule, refused.message)
    return refused


def note_sign_of_life(token: str) -> None:
    """Note a sign of life of a token's builder, which another organisation's work does not hear."""
    if known := known_token(token):
        with as_member(known.organisation_id) if known.organisation_id else nullcontext():
            actions.note_heard(calling_builder(known.builder_id))


def record_with_usage(beat: Beat, token: str) -> actions.Recorded:
    """Store a heartbeat, and count what it says was used."""
    said = dict(beat)
    usage = said.pop("usage")
    recorded = actions.record_heartbeat(token, **said)
    if usage:
        sent = recorded.heartbeat_id, recorded.timestamp
        known = known_token(token)
        count_beat(
            *(beat.builder_id, usage, *sent),
            task=beat.task_id,
            organisation=known and known.organisation_id,
        )
    return recorded


@router.post(
    "/heartbeat",
    operation_id="builders_api_heartbeat",
    auth=Bearer(),
    response={201: Receipt, frozenset({400, 401, 403, 404, 409, 411, 413, 415, 422, 503}): Errors},
)
@decorate_view(takes_json(Beat))
def heartbeat(request: HttpRequest, beat: Beat) -> HttpResponse:
    """Report that a builder is alive, and the progress of its task.

    A heartbeat may be late, repeated or out of order: it is stored, and never reverts newer data.
    """
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer":
        raise unauthorized()
    receipt = stored_beat(token, beat)
    return HttpResponse(
        receipt.model_dump_json(), status=201, content_type="application/json; charset=utf-8"
    )


def stored_beat(token: str, beat: Beat) -> Receipt:
    """Store a heartbeat in the name of a token; raise why it is refused."""
    with as_office():
        try:
            recorded = record_with_usage(beat, token)
        except Refused as refused:
            raise problem_of(refused, token) from None
    return receipt_of(recorded, beat)


def receipt_of(recorded: actions.Recorded, beat: Beat) -> Receipt:
    """Return the answer to a heartbeat that is stored."""
    received = recorded.received_at
    return Receipt.model_construct(
        heartbeat_id=recorded.heartbeat_id,
        timestamp=recorded.timestamp,
        interval_seconds=settings.FOREMAN_HEARTBEAT_INTERVAL_SECONDS,
        received_at=received,
        next_due_at=received and received + until_next(beat.next_beat_within_seconds),
        clock=received and told_of_clock(received - recorded.timestamp),
        answers=[ReceivedAnswer.model_validate(each) for each in recorded.answers],
    )
