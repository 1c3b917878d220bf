"""Search by words: what PostgreSQL has built in, on an index, without an extension."""

import operator
import string
from functools import reduce
from typing import Any

from django.contrib.postgres.search import Lexeme, SearchQuery, SearchVectorExact, SearchVectorField
from django.db import models

# What parts words. Left in place, "docs/login" would be one word (a path), and "1.2" a number.
PUNCTUATION = string.punctuation
BLANKS = " " * len(PUNCTUATION)


class Words(models.Func):
    """The words of a text column, in lower case and of no language."""

    function = "to_tsvector"
    template = "%(function)s('simple', translate(%(expressions)s))"
    output_field = SearchVectorField()

    def __init__(self, expression: str, **extra: Any) -> None:
        super().__init__(expression, models.Value(PUNCTUATION), models.Value(BLANKS), **extra)


class WordsIndex(models.Index):
    """An index on `Words`, which answers `matching`."""

    def create_sql(self, *args: Any, **options: Any) -> Any:
        return super().create_sql(*args, **options | {"using": " USING gin"})


def matching(text: str, field: str = "name") -> models.Q:
    """Match rows whose field has, for each word of `text`, a word that begins with it.

    For `filter()`: `Task.objects.filter(matching("scr log"))` finds "Login screen". Neither the
    order of the words nor their case matters; a text without a word matches every row. Programs,
    waves and tasks have a `WordsIndex` on their names, so that it is quick for any number of them.
    """
    words = text.translate(str.maketrans(PUNCTUATION, BLANKS)).replace("\0", " ").split()
    if not words:
        return models.Q()
    query = reduce(operator.and_, (Lexeme(word, prefix=True) for word in words))
    return models.Q(SearchVectorExact(Words(field), SearchQuery(query, config="simple")))
