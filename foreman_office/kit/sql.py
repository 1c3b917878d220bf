"""What models and migrations need of SQL, so that the schema says what the contract says."""

import string
from importlib import import_module
from pathlib import Path
from typing import Any

from django.contrib.postgres import operations
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.migrations import RunSQL
from django.db.models.functions import Now

__all__ = [
    "AddIndexConcurrently",
    "AmongThose",
    "ContractNow",
    "Identity",
    "RandomUUID",
    "RunSQLFile",
    "Words",
    "WordsIndex",
]


class ContractNow(Now):
    """`now()`, the start of the transaction, as the contract writes its defaults.

    Django's own `Now` is `STATEMENT_TIMESTAMP()` on PostgreSQL.
    """

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="now()", **context)


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


class WordsIndex(models.Index):
    """An index on `Words`, which answers `kit.search.matching`."""

    def create_sql(self, *args: Any, **options: Any) -> Any:
        return super().create_sql(*args, **options | {"using": " USING gin"})


class AddIndexConcurrently(operations.AddIndexConcurrently):
    """Add an index beside those at work, in a migration that can be run again.

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


class RunSQLFile(RunSQL):
    """Run `<app>/migrations/sql/<name>.up.sql`, and `<name>.down.sql` on the way back.

    Each file is a plain script that `psql -f` would run.
    """

    def __init__(
        self,
        app: str,
        name: str,
        state_operations: list[Any] | None = None,
        hints: dict[str, Any] | None = None,
    ) -> None:
        self.app, self.name = app, name
        folder = Path(import_module(app).__path__[0]) / "migrations" / "sql"
        super().__init__(
            sql=(folder / f"{name}.up.sql").read_text(encoding="utf-8"),
            reverse_sql=(folder / f"{name}.down.sql").read_text(encoding="utf-8"),
            state_operations=state_operations,
            hints=hints,
        )

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__qualname__, [self.app, self.name], {}

    def describe(self) -> str:
        return f"Run {self.app}/migrations/sql/{self.name}.up.sql"

    def _run_sql(self, schema_editor: Any, sqls: str) -> None:
        # The whole file in one go: splitting would have to understand dollar quoting.
        schema_editor.execute(sqls, params=None)
