"""Search everything: names by their words, and all that is written by any part of it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db.models import Model
from django.urls import reverse

from builders.models import Builder
from foreman_office.dashboard.navigation import FIRST, OTHERS
from foreman_office.dashboard.search.acts import find_acts
from foreman_office.dashboard.search.hits import (
    Hit,
    ShownHit,
    address_in_plan,
    as_hit,
    hits_of,
    ranked_hits,
)
from foreman_office.dashboard.search.messages import READ, READ_ALONE, messages_with
from foreman_office.dashboard.snippets import has_all, is_named, mark_words
from foreman_office.dashboard.texts import (
    TEXT_KINDS,
    TextMatch,
    can_be_found,
    search_texts,
    words_in,
)
from kit.web.search import matching, words_of
from programs.models import Program, Task, Wave

LONGEST = 200  # characters of a question that are read
LOOKED_AT = 60  # rows of a kind that are fetched by name, of which the best are shown
SHOWN = 7
LISTED, PAGE = 200, 25  # of a kind that is shown alone, and on a page of it

ACTS, PAGES, BUILDERS, MESSAGES = "acts", "pages", "builders", "messages"
LABELS = {
    PAGES: "Pages",
    BUILDERS: "Builders",
    **{kind.name: kind.label for kind in TEXT_KINDS},
    MESSAGES: "Messages",
}
NAMED: dict[str, tuple[type[Model], Sequence[str]]] = {
    "programs": (Program, ()),
    "waves": (Wave, ("program__name",)),
    "tasks": (Task, ("wave__program__name", "wave__name")),
}


class Group(NamedTuple):
    """The results of one kind; if some are left out, with the list of all, if there is one."""

    name: str
    hits: list[Hit]
    more: bool = False
    all: str = ""
    kind: str = ""


def search_entities(text: str, *, decides: bool = False) -> list[Group]:
    """Return what has these words, by kind; without words, the pages and the builders.

    To who `decides`, also the acts that the words name, before all.
    """
    acts = find_acts(text[:LONGEST]) if decides else []
    groups = [Group("Acts", acts, kind=ACTS), *result_groups(text, LABELS, SHOWN)]
    return [group for group in groups if group.hits]


def search_kind(text: str, kind: str) -> Group:
    """Return what of one kind has these words, as much as is listed of it."""
    (group,) = result_groups(text, [kind], LISTED)
    return group


def result_groups(text: str, kinds: Iterable[str], most: int) -> Iterator[Group]:
    text = text[:LONGEST].strip()
    words = words_in(text)
    asked = [kind for kind in TEXT_KINDS if kind.name in kinds]
    texts = search_texts(words, asked, max(most + 1, LOOKED_AT)) if words else {}
    for kind in kinds:
        hits = list(hits_of_kind(kind, text, words, texts.get(kind, []), most))
        address = reverse("search", query={"q": text, "kind": kind})
        # Where messages alone are asked for, more of them are read.
        is_listed = (kind in texts and len(hits) > most) or (kind == MESSAGES and most < LISTED)
        yield Group(LABELS[kind], hits[:most], len(hits) > most, address * is_listed, kind)


def hits_of_kind(
    kind: str, text: str, words: Sequence[str], matches: list[TextMatch], most: int
) -> Iterable[Hit]:
    match kind:
        case "pages":
            return places(text, words)
        case "builders":
            return builders_named(text, words)
        case "messages":
            return messages_with(words, most + 1, read=READ if most < LISTED else READ_ALONE)
    hits = hits_of(matches, words)
    if kind not in NAMED or not text:
        return hits
    # Of a word that very many texts have, not all are met: what is named so is asked for too.
    known = {each.url for each in hits}
    others = [each for each in rows_named(kind, text, words) if each.url not in known]
    return ranked_hits([*others, *hits], text)


def places(text: str, words: Sequence[str]) -> Iterator[Hit]:
    for place in (*FIRST, *OTHERS):
        if is_named(place.label, text):
            yield Hit(place.label, place.url, place.icon, name=mark_words(place.label, words))


def builders_named(text: str, words: Sequence[str]) -> Iterator[Hit]:
    for builder in Builder.objects.order_by("pk"):
        if is_named(builder.pk, text) or (can_be_found(words) and has_all(builder.pk, words)):
            url = builder.get_absolute_url()
            yield Hit(builder.pk, url, "builders", name=mark_words(builder.pk, words))


def rows_named(kind: str, text: str, words: Sequence[str]) -> list[Hit]:
    """Return rows of the plan by the words of their names, or by their id."""
    model, path = NAMED[kind]
    rows = model._default_manager.order_by()
    if key := as_id(text):
        rows = rows.filter(pk=key)
    elif words_of(text):
        rows = rows.filter(matching(text))
    else:
        return []
    read = rows.values_list("pk", "name", "state", *path)[:LOOKED_AT]
    return [
        as_hit(ShownHit(name, address_in_plan(model, pk), "", state, " / ".join(within)), "", words)
        for pk, name, state, *within in read
    ]


def as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
