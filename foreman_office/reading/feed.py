"""The endpoint of events."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Header, Query, Router

from foreman_office.api.callers import ReporterBearer
from foreman_office.reading.events import stream_events
from kit.web.api import Errors, refuse_other_parameters

router = Router(auth=ReporterBearer())

PLACE = r"^[0-9]{1,15}-([0-9a-f]{8})?$"
Since = Annotated[
    str,
    Query(
        pattern=rf"{PLACE}|^$",
        description="The `id` of an event: the stream begins after it. `0-`: with the first entry"
        " of the record; without it: with what comes from now on.",
    ),
]
LastEventID = Annotated[
    str,
    Header(
        alias="Last-Event-ID",
        pattern=rf"{PLACE}|^$",
        description="The same, as clients of event streams send it when they connect again.",
    ),
]
Seconds = Annotated[
    int | None,
    Query(ge=0, le=3600, description="After so long the stream ends; 0: with what is there now."),
]
STREAM = {
    "description": "A stream of server-sent events, each an entry of the evidence.",
    "content": {"text/event-stream": {"schema": {}}},
}


@router.get(
    "/events",
    operation_id="reading_api_events",
    url_name="events",
    response={frozenset({401, 410, 422, 503}): Errors},
    openapi_extra={"responses": {200: STREAM}},
)
def follow_events(
    request: HttpRequest,
    since: Since = "",
    seconds: Seconds = None,
    last_event_id: LastEventID = "",
) -> Any:
    """Follow the evidence about what the caller may read, each entry once and in its order.

    Connect again with the last `id`: nothing is missed and nothing comes twice, whichever process
    or machine answers. An entry comes about a second after its transaction, and after all that
    were under way when it drew its number.
    """
    refuse_other_parameters(request, "since", "seconds")
    return stream_events(request, last_event_id or since, seconds)
