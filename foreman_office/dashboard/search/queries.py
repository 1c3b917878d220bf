"""Search what has a name: programs, waves, tasks, builders, and pages."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Model
from django.urls import reverse

from builders.models import Builder
from foreman_office.dashboard.navigation import FIRST, OTHERS
from kit.web.search import matching, words_of
from programs.models import Program, State, Task, Wave

LONGEST = 200  # characters of a question that are read
LOOKED_AT = 60  # rows of a kind that are fetched, of which the best are shown
SHOWN = 7


class Hit(NamedTuple):
    """A result: its name, its page, its mark, and what it belongs to."""

    label: str
    url: str
    icon: str = ""
    state: str = ""
    within: str = ""


class FoundRow(NamedTuple):
    """The columns that are read of programs, waves and tasks, of which most are not shown."""

    pk: UUID
    name: str
    state: str
    within: tuple[str, ...]


class Group(NamedTuple):
    """The results of one kind; if some are left out, with the list of all, if there is one."""

    name: str
    hits: list[Hit]
    more: bool = False
    all: str = ""


def search_entities(text: str) -> list[Group]:
    """Return what has this name or id; without words, the pages and the builders.

    Something is named so if each word of the text begins a word of its name.
    """
    text = text[:LONGEST].strip()
    groups = [
        Group("Pages", [*places(text)]),
        Group("Builders", [*builders_named(text)]),
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


def builders_named(text: str) -> Iterator[Hit]:
    for builder in Builder.objects.order_by("pk"):
        if is_named(builder.pk, text):
            yield Hit(builder.pk, builder.get_absolute_url(), icon="builders")


def is_named(name: str, text: str) -> bool:
    """Return whether a name matches, in Python as `matching` does in the database."""
    own = words_of(name.lower())
    return all(any(part.startswith(word) for part in own) for word in words_of(text.lower()))


def rows(name: str, text: str, model: type[Model], within: Sequence[str], view: str = "") -> Group:
    """Read a bounded number of names, however many match, and return the best of them."""
    queryset = model._default_manager.order_by()
    if key := as_id(text):
        queryset = queryset.filter(pk=key)
    elif words_of(text):
        queryset = queryset.filter(matching(text))
    else:
        queryset = queryset.none()
    read = queryset.values_list("pk", "name", "state", *within)[:LOOKED_AT]
    found = [FoundRow(*row[:3], row[3:]) for row in read]
    found.sort(key=lambda row: rank(row, text))
    address = reverse(view, query={"q": text}) if view else ""
    return Group(name, [hit(model, row) for row in found[:SHOWN]], len(found) > SHOWN, address)


def rank(row: FoundRow, text: str) -> tuple[bool, bool, str]:
    """Return a sort key: names that begin with the input first, then what is not completed."""
    begins = row.name.lower().startswith(text.lower())
    return not begins, row.state == State.COMPLETED, row.name


def hit(model: Any, row: FoundRow) -> Hit:
    url = model(pk=row.pk).get_absolute_url()
    return Hit(row.name, url, state=row.state, within=" / ".join(row.within))


def as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
