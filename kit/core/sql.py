"""Expressions, indexes and operations of SQL that Django lacks, as the contract needs them."""

import string
from typing import Any

from django.contrib.postgres import operations
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models.functions import Coalesce, Now
from django.db.models.lookups import LessThanOrEqual

from kit.core.bounds import MAX_INDEXED_BYTES

__all__ = [
    "AddIndexConcurrently",
    "AmongThose",
    "Bytes",
    "ContractNow",
    "Grams",
    "GramsIndex",
    "Identity",
    "Lines",
    "RandomUUID",
    "Words",
    "WordsIndex",
    "fits_index_check",
]


class ContractNow(Now):
    """`now()`, the start of the transaction, as the contract writes its defaults.

    Django's own `Now` is `STATEMENT_TIMESTAMP()` on PostgreSQL.
    """

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="now()", **context)


class OrganisationInUse(models.Func):
    """The organisation for which a transaction works, and NULL where it works for the office."""

    template = "nullif(current_setting('foreman.organisation', true), '')::uuid"
    output_field = models.UUIDField()


class Identity(models.Func):
    """The default of a column that the database numbers itself: Django says `DEFAULT`."""

    template = "DEFAULT"
    output_field = models.BigIntegerField()


class Words(models.Func):
    """The words of a text column, in lower case and of no language.

    Punctuation parts them: left in place, "docs/login" would be one word, and "1.2" a number.
    """

    punctuation = string.punctuation
    blanks = " " * len(punctuation)
    function = "to_tsvector"
    template = "%(function)s('simple', translate(%(expressions)s))"
    output_field = SearchVectorField()

    def __init__(self, expression: str, **extra: Any) -> None:
        parted = models.Value(self.punctuation), models.Value(self.blanks)
        super().__init__(expression, *parted, **extra)


class Bytes(models.Func):
    """The number of bytes of a text."""

    function = "octet_length"
    output_field = models.IntegerField()


def fits_index_check(table: str, field: str) -> models.CheckConstraint:
    """Return the check that a column's text fits into an index."""
    return models.CheckConstraint(
        condition=LessThanOrEqual(Bytes(field), MAX_INDEXED_BYTES),
        name=f"{table}_{field}_fits_index",
        violation_error_message=f"{field} must have at most {MAX_INDEXED_BYTES:,} bytes in UTF-8.",
    )


class WordsIndex(models.Index):
    """An index on `Words`, which answers `kit.web.search.matching`."""

    def create_sql(self, *args: Any, **options: Any) -> Any:
        return super().create_sql(*args, **options | {"using": " USING gin"})


class Lines(models.Func):
    """Some text columns of a row as one text, a line each."""

    arg_joiner = r" || E'\n' || "
    template = "(%(expressions)s)"
    output_field = models.TextField()

    def __init__(self, *columns: str, **extra: Any) -> None:
        super().__init__(*(Coalesce(column, models.Value("")) for column in columns), **extra)


class Grams(models.Func):
    """The grams of a text: what contains another has all of its grams (programs_grams.sql)."""

    function = "programs_grams"
    output_field = ArrayField(models.IntegerField())


class GramsIndex(models.Index):
    """An index on `Grams`, which finds texts by any part of them."""

    def create_sql(self, *args: Any, **options: Any) -> Any:
        return super().create_sql(*args, **options | {"using": " USING gin"})


class AddIndexConcurrently(operations.AddIndexConcurrently):
    """Create an index CONCURRENTLY, in a migration that can be run again.

    Without a transaction around it, a migration that is broken off leaves the indexes it has made,
    the last of them invalid.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        name = schema_editor.quote_name(self.index.name)
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        super().database_forwards(app_label, schema_editor, *states)


class AmongThose(models.Func):
    """Whether a column has one of the values of a query: `column = ANY (ARRAY(SELECT ...))`.

    Unlike `IN (SELECT ...)`, an index on the column answers it in an OR with others too.
    """

    arg_joiner = " = ANY ("
    template = "%(expressions)s)"
    output_field = models.BooleanField()

    def __init__(self, column: str, rows: models.QuerySet[Any]) -> None:
        super().__init__(column, ArraySubquery(rows))
