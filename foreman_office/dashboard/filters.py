"""Filters that several lists share."""

from typing import Any, NamedTuple
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.forms import SearchInput, TextInput
from django_filters import CharFilter, ChoiceFilter, Filter

from governance.entities import find_entities
from governance.models import BlockedEntity, EvidenceEntity
from kit.web.search import matching
from programs.models import Program, State, TaskState

UNFINISHED = "unfinished"
SEARCH = TextInput({"type": "search", "placeholder": " ", "autocomplete": "off"})


# Times are those of the reader's zone, unless the address names another.
MOMENT = forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


def programs(request: Any) -> QuerySet[Program]:
    return Program.objects.order_by("name")


class NameFilter(CharFilter):
    """Finds rows by words of their name, each of which may be cut short."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            label="Name", widget=SearchInput({"placeholder": "Name (word prefixes)"}), **options
        )

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.filter(matching(value))


class StateFilter(ChoiceFilter):
    """One state, or whatever is not completed."""

    def __init__(self, states: type[State] | type[TaskState], **options: Any) -> None:
        self.open = [state for state in states if state != states.COMPLETED]
        choices = [(UNFINISHED, "Unfinished"), *states.choices]
        super().__init__(label="State", choices=choices, empty_label="any", **options)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == UNFINISHED:
            return qs.filter(state__in=self.open)
        return qs.filter(state=value) if value else qs


class EntityKey(NamedTuple):
    """What evidence is about, whether or not it is still there."""

    kind: str
    key: UUID
    entity: Any

    def __str__(self) -> str:
        return str(self.entity or f"deleted {self.kind}")


class EntityField(forms.CharField):
    """An entity in an address: "task:0a1b…"."""

    default_error_messages = {"invalid": "Write an entity as kind:id."}
    kinds = EvidenceEntity.values

    def clean(self, value: Any) -> EntityKey | None:
        if not (text := super().clean(value)):
            return None
        kind, _, key = text.partition(":")
        try:
            entity = kind, UUID(key)
        except ValueError as error:
            raise forms.ValidationError(self.error_messages["invalid"], "invalid") from error
        if kind not in self.kinds:
            raise forms.ValidationError(self.error_messages["invalid"], "invalid")
        return EntityKey(*entity, find_entities([entity]).get(entity))


class HolderField(EntityField):
    """An entity that contains others; it must exist, because its contents are read from it."""

    kinds = BlockedEntity.values

    def clean(self, value: Any) -> EntityKey | None:
        found = super().clean(value)
        if found and found.entity is None:
            raise forms.ValidationError("This entity does not exist.", "unknown")
        return found


class EntityFilter(Filter):
    field_class = EntityField


class HolderFilter(Filter):
    field_class = HolderField
