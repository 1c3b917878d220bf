"""Find what has a name: programs, waves, tasks, builders, and the places of the office."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Model
from django.urls import reverse

from builders.models import Builder
from foreman_office.kit.search import matching, words_of
from foreman_office.places import FIRST, OTHERS
from programs.models import Program, State, Task, Wave

LONGEST = 200  # characters of a question that are read
LOOKED_AT = 60  # rows of a kind that are fetched, of which the best are shown
SHOWN = 7


class Hit(NamedTuple):
    """Something found: its name, its page, what is drawn beside it, and what it belongs to."""

    label: str
    url: str
    icon: str = ""
    state: str = ""
    within: str = ""


class Row(NamedTuple):
    """What is read of programs, waves and tasks, of which most are not shown."""

    pk: UUID
    name: str
    state: str
    within: tuple[str, ...]


class Group(NamedTuple):
    """What was found of one kind; if it is not all, perhaps with the list that has all."""

    name: str
    hits: list[Hit]
    more: bool = False
    all: str = ""


def find(text: str) -> list[Group]:
    """Find what is named so, or has this id; without words, the places and the builders.

    Something is named so if each word of the text begins a word of its name.
    """
    text = text[:LONGEST].strip()
    groups = [
        Group("Pages", [*places(text)]),
        Group("Builders", [*builders(text)]),
    ]
    if text:
        plan = [
            rows("Programs", text, Program, (), "programs:program_list"),
            rows("Waves", text, Wave, ("program__name",)),
            rows("Tasks", text, Task, ("wave__program__name", "wave__name"), "programs:task_list"),
        ]
        groups = [*groups, *plan]
    return [group for group in groups if group.hits]


def places(text: str) -> Iterator[Hit]:
    for place in (*FIRST, *OTHERS):
        if is_named(place.label, text):
            yield Hit(place.label, place.url, icon=place.icon)


def builders(text: str) -> Iterator[Hit]:
    for builder in Builder.objects.order_by("pk"):
        if is_named(builder.pk, text):
            yield Hit(builder.pk, builder.get_absolute_url(), icon="builders")


def is_named(name: str, text: str) -> bool:
    """Match in Python as `matching` does in the database."""
    own = words_of(name.lower())
    return all(any(part.startswith(word) for part in own) for word in words_of(text.lower()))


def rows(name: str, text: str, model: type[Model], within: Sequence[str], view: str = "") -> Group:
    """Read names, a bounded number however many match, and show the best of them."""
    queryset = model._default_manager.order_by()
    if key := as_id(text):
        queryset = queryset.filter(pk=key)
    elif words_of(text):
        queryset = queryset.filter(matching(text))
    else:
        queryset = queryset.none()
    read = queryset.values_list("pk", "name", "state", *within)[:LOOKED_AT]
    found = [Row(*row[:3], row[3:]) for row in read]
    found.sort(key=lambda row: rank(row, text))
    address = reverse(view, query={"q": text}) if view else ""
    return Group(name, [hit(model, row) for row in found[:SHOWN]], len(found) > SHOWN, address)


def rank(row: Row, text: str) -> tuple[bool, bool, str]:
    """Put first what begins as was typed, then what is not completed."""
    begins = row.name.lower().startswith(text.lower())
    return not begins, row.state == State.COMPLETED, row.name


def hit(model: Any, row: Row) -> Hit:
    url = model(pk=row.pk).get_absolute_url()
    return Hit(row.name, url, state=row.state, within=" / ".join(row.within))


def as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
