"""The parameters of a list: the filters of the pages, described from their `FilterSet`."""

from typing import Annotated, Any, Literal
from uuid import UUID

from django_filters import ChoiceFilter, FilterSet, ModelChoiceFilter
from ninja import Schema
from pydantic import AfterValidator, Field, create_model

from foreman_office.api.heartbeat import no_nul
from foreman_office.dashboard.filters import EntityFilter

MOST, USUAL = 200, 50  # rows of one answer
KINDS = "program|wave|task|builder"
KEY = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

Limit = Annotated[int, Field(ge=1, le=MOST, description=f"Rows of one answer; {USUAL} usually.")]
After = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_-]{1,400}$",
        description="`next` of the answer before: the list goes on there, whatever was added.",
    ),
]
Text = Annotated[str, Field(max_length=200), AfterValidator(no_nul)]
Entity = Annotated[str, Field(pattern=f"^({KINDS}):{KEY}$", description="An entity as kind:id.")]


def list_parameters(filters: type[FilterSet] | None) -> type[Schema]:
    """Return the schema of a list's parameters: how to cut it, and how its page filters it."""
    fields: dict[str, Any] = {"limit": (Limit, USUAL), "after": (After | None, None)}
    for name, each in (filters.get_filters() if filters else {}).items():
        fields[name] = (_kind(each) | None, Field(None, description=_words(each)))
    return create_model(f"{filters.__name__ if filters else ''}Asked", __base__=Schema, **fields)


def _kind(each: Any) -> Any:
    if isinstance(each, ModelChoiceFilter):
        return UUID
    if isinstance(each, ChoiceFilter):
        choices = each.extra["choices"]
        values = [str(value) for value, _ in getattr(choices, "choices", choices)]
        return Literal[tuple(values)]
    return Entity if isinstance(each, EntityFilter) else Text


def _words(each: Any) -> str:
    return f"{each.label}, as on the page."
