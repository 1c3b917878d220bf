"""The links and notes of a task."""

import re
from datetime import datetime
from typing import Annotated
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from foreman_office.api.heartbeat import no_nul
from foreman_office.api.schemas.fields import Taken, example
from programs.models import (
    LONGEST_ADDRESS,
    LONGEST_LABEL,
    LONGEST_NOTE,
    WANTED_ADDRESS,
    LinkKind,
    Task,
    leads_to_a_host,
)

NEWEST_NOTES = 20
ADDRESS = (
    r"""^[Hh][Tt][Tt][Pp][Ss]?://[^\s\x00-\x1f\x7f-\x9f/?#@\\<>"'`]+"""
    r"""([/?#][^\s\x00-\x1f\x7f-\x9f\\<>"'`]*)?$"""
)


def web_address(url: str) -> str:
    if not re.fullmatch(ADDRESS.removesuffix("$"), url) or not leads_to_a_host(url):
        raise PydanticCustomError("web_address", WANTED_ADDRESS)
    return url


class NewLink(Taken):
    """Where something of the task's work is."""

    model_config = example(
        kind="pull-request",
        url="https://git.example.org/lamps/pulls/12",
        label="Pull request 12",
    )

    kind: LinkKind
    url: Annotated[str, AfterValidator(web_address)] = Field(
        json_schema_extra={"pattern": ADDRESS},
        max_length=LONGEST_ADDRESS,
        description="http or https, without a user name.",
    )
    label: Annotated[str, Field(max_length=LONGEST_LABEL), AfterValidator(no_nul)] = Field(
        "", description="Instead of the address, on the task's page."
    )


class ListedLink(Schema):
    link_id: UUID
    kind: LinkKind
    url: str
    label: str
    added_by: str = Field(description="A builder, or the login of a foreman.")
    added_at: datetime


class ListedLinks(Schema):
    links: list[ListedLink] = Field(description="Newest first.")


class NewNote(Taken):
    """A note on the task, in Markdown: emphasis, code, lists, quotations and links."""

    model_config = example(text="The hold expires **by itself** now. See `hold/expiry.py`.")

    text: Annotated[str, Field(pattern=r"\S", max_length=LONGEST_NOTE), AfterValidator(no_nul)]


class ListedNote(Schema):
    note_id: UUID
    text: str = Field(description="As it was written, in Markdown.")
    written_by: str = Field(description="A builder, or the login of a foreman.")
    written_at: datetime
    withdrawn_at: datetime | None = Field(description="Since when it holds no more.")
    withdrawn_because: str


class ListedNotes(Schema):
    notes: list[ListedNote] = Field(description=f"The newest {NEWEST_NOTES}, newest first.")


def links_of(task: Task) -> list[ListedLink]:
    rows = task.links.order_by("-added_at", "-link_id")
    return [ListedLink.from_orm(row) for row in rows]


def notes_of(task: Task) -> list[ListedNote]:
    rows = task.notes.order_by("-written_at", "-note_id")[:NEWEST_NOTES]
    return [ListedNote.from_orm(row) for row in rows]
