"""Search by words: with PostgreSQL's own full-text search, on an index, without an extension."""

import operator
from functools import reduce

from django.contrib.postgres.search import Lexeme, SearchQuery, SearchVectorExact
from django.db import models

from kit.core.sql import Words

PARTED = str.maketrans(Words.punctuation, Words.blanks)


def words_of(text: str) -> list[str]:
    """Return the words of a text as the index splits it."""
    return text.translate(PARTED).replace("\0", " ").split()


def matching(text: str, field: str = "name") -> models.Q:
    """Return a filter for rows whose field has a word that begins with each word of `text`.

    For `filter()`: `Task.objects.filter(matching("scr log"))` finds "Login screen". Neither the
    order of the words nor their case matters; a text without a word matches every row. Programs,
    waves and tasks have a `WordsIndex` on their names, so that it is quick for any number of them.
    """
    words = words_of(text)
    if not words:
        return models.Q()
    query = reduce(operator.and_, (Lexeme(word, prefix=True) for word in words))
    return models.Q(SearchVectorExact(Words(field), SearchQuery(query, config="simple")))
