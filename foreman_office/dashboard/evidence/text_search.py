"""The evidence whose texts have some words: found by an index, in bounded time."""

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db.models import BooleanField, Func, QuerySet, TextField, Value
from django_filters import CharFilter

from foreman_office.dashboard.filters import SEARCH
from foreman_office.dashboard.snippets import SnippetPart, has_all, snippet
from foreman_office.dashboard.texts import can_be_found, in_json, is_indexed, words_in
from governance.models import EVIDENCE_SAYS, EVIDENCE_TEXT, Evidence
from kit.core.sql import Grams
from kit.web.listing import COUNTED

MOST = COUNTED + 1  # acts with a text that are listed: the newest, one more than a list counts
WORDS = ArrayField(TextField())


class SaysWords(Func):
    """Whether a text has each of some words. Inlined, it would be put together six times a word."""

    output_field = BooleanField()
    template = """(
        SELECT bool_and(strpos(folded, programs_folded(word)) > 0)
        FROM (
            SELECT programs_folded(said) AS folded, words
            FROM (SELECT %(expressions)s OFFSET 0) AS own (said, words) OFFSET 0
        ) AS also
        CROSS JOIN unnest(words) AS word
    )"""


class EvidenceWordsField(forms.CharField):
    """Words to look for, of which the index must know one."""

    def validate(self, value: str) -> None:
        super().validate(value)
        if value and not can_be_found(words_in(value)):
            raise ValidationError("Enter a word of three letters or more.", "short")


class EvidenceTextFilter(CharFilter):
    """Leaves the rows as they are: the text is looked for in what all other filters let through."""

    field_class = EvidenceWordsField

    def __init__(self) -> None:
        super().__init__(label="Text", widget=SEARCH, max_length=200)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs


def with_text(rows: QuerySet[Evidence], text: str, *, whole: bool = False) -> QuerySet[Evidence]:
    """Return the rows whose context has each word of a text somewhere in what it says.

    A list has the newest `MOST`; a file, which is read row by row anyway, has the `whole`.
    """
    words = words_in(text)
    if not words:
        return rows
    if whole:
        return containing_words(rows, words)
    few = rows.filter(EVIDENCE_SAYS).alias(grams=Grams(EVIDENCE_TEXT))
    for word in filter(is_indexed, words):
        few = few.filter(grams__contains=Grams(Value(in_json(word))))
    newest = few.order_by("-sequence").values_list("sequence", flat=True)[:MOST]
    found = containing_words(Evidence.objects.filter(sequence__in=list(newest)), words)
    return rows.filter(sequence__in=list(found.order_by().values_list("sequence", flat=True)))


def containing_words(rows: QuerySet[Evidence], words: Sequence[str]) -> QuerySet[Evidence]:
    return rows.filter(SaysWords(EVIDENCE_TEXT, Value([*map(in_json, words)], WORDS)))


def found_in(row: Evidence, text: str) -> list[SnippetPart]:
    """Return the texts of a row's context around what was looked for; none without a text."""
    words = words_in(text)
    if not words:
        return []
    said = [each for each in texts_in(row.context) if any(has_all(each, [w]) for w in words)]
    return snippet(" · ".join(dict.fromkeys(said)), words, 300) if said else []


def texts_in(value: Any) -> Iterator[str]:
    """Yield the texts in a JSON value."""
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from texts_in(each)
        case list():
            for each in value:
                yield from texts_in(each)
