"""What builders may ask and tell over HTTP, each with a token of its own."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Router
from ninja.decorators import decorate_view
from ninja.security import HttpBearer
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from builders import actions
from builders.models import HeartbeatStatus
from foreman_office.kit.acts import Refused
from foreman_office.kit.api import Errors, Problem, takes_json, unauthorized
from programs.models import BuilderName

MAX_MESSAGE = 10_000
# The clock of a machine that has forgotten the time starts here; its beats are late, not wrong.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The calendar ends a year later, and a time zone may add a day.
END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)

router = Router()


class Bearer(HttpBearer):
    """Find the builder whose token it is."""

    def authenticate(self, request: HttpRequest, token: str) -> str | None:
        return actions.authenticate(token)


def iso_8601(value: Any) -> datetime:
    # Pydantic alone would also take a number, and a number in quotes, as seconds.
    if isinstance(value, str) and value.isascii():
        with suppress(ValueError):
            return datetime.fromisoformat(value)
    raise PydanticCustomError("iso_8601", "Input should be a time as ISO 8601")


def no_nul(value: str) -> str:
    if "\0" in value:
        raise PydanticCustomError("no_nul", "Input should have no NUL characters")
    return value


# Of pydantic alone, not of ninja's Schema, which looks at every field in Python: these two are
# on the way of each beat.
class Beat(BaseModel):
    """What a builder says of itself and of the task in its hands."""

    model_config = ConfigDict(
        extra="forbid",
        use_enum_values=True,
        json_schema_extra={
            "example": {
                "builder_id": "ui-builder",
                "task_id": None,
                "status": "active",
                "message": "Laying out the narrow screen first",
                "progress_percentage": 40,
            }
        },
    )

    builder_id: BuilderName = Field(description="The builder that the token belongs to.")
    task_id: UUID | None = Field(None, description="The task that the beat is about.")
    status: HeartbeatStatus
    # The length is part of the text's own check, which finds lone surrogates on its way.
    message: Annotated[str, Field(max_length=MAX_MESSAGE), AfterValidator(no_nul)] | None = None
    progress_percentage: int | None = Field(None, ge=0, le=100, strict=True)
    heartbeat_id: UUID | None = Field(
        None,
        description="Chosen by the sender: the same beat sent twice is stored once, "
        "and answered alike.",
    )
    timestamp: Annotated[AwareDatetime, BeforeValidator(iso_8601)] | None = Field(
        None,
        ge=EPOCH,
        lt=END_OF_TIME,
        description="When the beat was, with a time zone; now, if it is left out. "
        "Not more than a minute ahead of the office.",
    )


class Receipt(BaseModel):
    """The beat is stored."""

    heartbeat_id: UUID
    timestamp: AwareDatetime
    interval_seconds: int = Field(description="Beat again within this time.")


# Rules of the database by which a beat can be refused: status and field.
REFUSALS = {
    "own_builder": (403, "builder_id"),
    "known_task": (404, "task_id"),
    "heartbeat_id_used_once": (409, "heartbeat_id"),
    "builders_heartbeats_not_ahead": (422, "timestamp"),
}


@router.post(
    "/heartbeat",
    auth=Bearer(),
    response={201: Receipt, frozenset({400, 401, 403, 404, 409, 411, 413, 415, 422, 503}): Errors},
)
@decorate_view(takes_json(Beat))
def heartbeat(request: HttpRequest, beat: Beat) -> HttpResponse:
    """Tell the office that a builder lives, and how its task goes on.

    A beat may be late, repeated or out of order: it is kept, and never moves anything backwards.
    """
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer":
        raise unauthorized()
    try:
        recorded = actions.record_heartbeat(token, **dict(beat))
    except Refused as refused:
        if refused.rule == "valid_token":
            raise unauthorized() from None
        if refused.rule in REFUSALS:
            status, field = REFUSALS[refused.rule]
            raise Problem(status, field, refused.rule, refused.message) from None
        raise
    receipt = Receipt.model_construct(
        heartbeat_id=recorded.heartbeat_id,
        timestamp=recorded.timestamp,
        interval_seconds=settings.FOREMAN_HEARTBEAT_INTERVAL_SECONDS,
    )
    return HttpResponse(
        receipt.model_dump_json(), status=201, content_type="application/json; charset=utf-8"
    )
