"""Filters that several lists share."""

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django import forms
from django.db.models import Q, QuerySet
from django.forms import SearchInput, TextInput
from django_filters import CharFilter, ChoiceFilter, Filter

from governance.entities import find_entities
from governance.models import BlockedEntity, EvidenceEntity
from kit.web.search import matching
from programs.models import (
    LAST_DAY,
    NOT_FINISHED,
    Program,
    State,
    TaskState,
    Today,
    Wave,
    due_order,
    today,
)

UNFINISHED = "unfinished"
ARCHIVED = Q(archived_at__isnull=False)
SEARCH = TextInput({"type": "search", "placeholder": " ", "autocomplete": "off"})


# Times are those of the reader's zone, unless the address names another.
MOMENT = forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


def programs(request: Any) -> QuerySet[Program]:
    """Return the programs to choose from: no archived one, but that which is asked for."""
    return programs_to_choose(as_key(request.GET.get("program")) if request else None)


def programs_to_choose(*asked: Any) -> QuerySet[Program]:
    """Return the programs that are not archived, and those that are asked for by their keys."""
    return Program.objects.filter(Q(archived_at=None) | Q(pk__in=asked)).order_by("name")


def as_key(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


class ArchivedFilter(ChoiceFilter):
    """Leaves out what is archived, unless it is asked for, or asked for by its program or wave.

    `program` is the path to a row's program.
    """

    named_by = ("program", "wave")

    def __init__(self, program: str = "", **options: Any) -> None:
        self.program = program
        choices = [("only", "Archived"), ("all", "Archived or not")]
        super().__init__(label="Archive", choices=choices, empty_label="not archived", **options)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        data = self.parent.data if self.parent else {}
        if value == "all" or (not value and any(data.get(name) for name in self.named_by)):
            return qs
        archived = Q(**{self.program: self.archived()}) if self.program else ARCHIVED
        return qs.filter(archived if value == "only" else ~archived)

    def archived(self) -> QuerySet[Any]:
        """Return the keys of what is archived, which are few beside all rows."""
        if self.program == "wave__in":
            return Wave.objects.filter(program__archived_at__isnull=False).values("pk")
        return Program.objects.archived().values("pk")


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


SOON = timedelta(days=7)


class DueFilter(ChoiceFilter):
    """What is late, what is due within a week, and what has a due date or none."""

    choices = (
        ("late", "Late"),
        ("soon", "Within 7 days"),
        ("some", "With a due date"),
        ("none", "Without a due date"),
    )

    def __init__(self, **options: Any) -> None:
        super().__init__(label="Due", choices=self.choices, empty_label="any", **options)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        match value:
            case "late":
                return qs.filter(NOT_FINISHED, due_on__lt=Today())
            case "soon":
                return qs.filter(NOT_FINISHED, due_on__range=(today(), today() + SOON))
            case "some":  # by the order of due dates, which an index has
                return qs.alias(dated=due_order()).filter(dated__lt=LAST_DAY)
            case "none":
                return qs.filter(due_on=None)
        return qs


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
