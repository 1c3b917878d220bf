"""The rules of the database, each in a file: `<app>/sql/<name>.sql`.

A file creates one function and the triggers that call it, or triggers alone, and is a plain script
that `psql -f` would run. `makemigrations` compares the files with what the migrations say, and
writes the difference and its way back as a `ChangeRules`. Comments outside of statements are not
compared.

Beside a file of the same name that ends in .csv, the .sql is written once for each row of that
table, with the row's values in place of `$column`.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from string import Template
from textwrap import dedent
from typing import Any

from django.apps import AppConfig, apps
from django.core.exceptions import ImproperlyConfigured
from django.db import router
from django.db.migrations import Migration
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.operations.base import Operation, OperationCategory
from django.db.migrations.serializer import BaseSerializer
from django.db.migrations.writer import MigrationWriter

Rules = Mapping[str, str]  # the name of a rule -> its statements

TOKENS = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?\*/)"
    r"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|'(?:[^']|'')*'|\"[^\"]*\""
    r"|\bBEGIN ATOMIC\b.*?;\s*END\b"
    r"|(?P<end>;)",
    re.DOTALL,
)
HEADS = {
    "FUNCTION": re.compile(
        r"CREATE OR REPLACE FUNCTION (?P<name>\w+)(?P<signature>.*?)\b(?:LANGUAGE|AS)\b", re.DOTALL
    ),
    "TRIGGER": re.compile(
        r"CREATE (?P<signature>OR REPLACE|CONSTRAINT) TRIGGER (?P<name>\w+)\s.*?"
        r"\bON (?P<table>\w+)",
        re.DOTALL,
    ),
}
# What SET search_path FROM CURRENT pins: the schema of the office and, last, temporary tables of a
# session, which PostgreSQL would otherwise look into first.
PINNED_PATH = """
    SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)
"""
KINDS = list(HEADS)  # in the order in which they are created: a trigger needs its function


@dataclass(frozen=True)
class Statement:
    """A statement that creates a function or a trigger."""

    kind: str
    name: str
    table: str  # of a trigger
    signature: str
    text: str

    @property
    def identity(self) -> tuple[str, str, str]:
        return self.kind, self.name, self.table

    @property
    def drop(self) -> str:
        return f"DROP {self.kind} {self.name}" + (f" ON {self.table}" if self.table else "")

    @property
    def creation(self) -> list[str]:
        """Return what creates it. A function that runs for its owner is granted to nobody else."""
        if "SECURITY DEFINER" in self.text:
            return [self.text, f"REVOKE EXECUTE ON FUNCTION {self.name} FROM PUBLIC"]
        return [self.text]

    @property
    def is_parsed(self) -> bool:
        """Return whether PostgreSQL looks up what a function names when it is created."""
        return "BEGIN ATOMIC" in self.text

    def replaces(self, other: "Statement") -> bool:
        """Return whether PostgreSQL puts this in the place of the other without a DROP."""
        return self.signature == other.signature and self.signature != "CONSTRAINT"


def statements(name: str, script: str) -> Iterator[Statement]:
    """Yield the statements of a rule's script, without the comments around them."""
    start = 0
    for token in TOKENS.finditer(script):
        if token["comment"] and not script[start : token.start()].strip():
            start = token.end()
        elif token["end"]:
            yield statement(name, script[start : token.start()].strip())
            start = token.end()
    if script[start:].strip():
        raise ImproperlyConfigured(f"The rule {name} does not end with a semicolon.")


def statement(name: str, text: str) -> Statement:
    for kind, head in HEADS.items():
        if found := head.match(text):
            parts = found.groupdict()
            signature = " ".join(parts["signature"].split())
            return Statement(kind, parts["name"], parts.get("table") or "", signature, text)
    raise ImproperlyConfigured(
        f"The rule {name} may have CREATE OR REPLACE FUNCTION, CREATE OR REPLACE TRIGGER and CREATE"
        f" CONSTRAINT TRIGGER, and nothing else: {text.splitlines()[0]}"
    )


def rules_of(app: AppConfig) -> dict[str, str]:
    """Return the rules in an app's files, as migrations write them down."""
    found = {}
    for file in sorted(Path(app.path, "sql").glob("*.sql")):
        script, table = file.read_text(encoding="utf-8"), file.with_suffix(".csv")
        if table.exists():
            with table.open(encoding="utf-8", newline="") as lines:
                for row in csv.DictReader(lines):
                    name = f"{file.stem}_{next(iter(row.values()))}"
                    found[name] = Template(script).substitute(row)
        else:
            found[file.stem] = script
    return {
        name: "\n\n".join(f"{statement.text};" for statement in statements(name, script))
        for name, script in found.items()
    }


def rules_of_history(graph: MigrationGraph, app_label: str) -> dict[str, str]:
    """Return the rules of an app as its migrations leave them."""
    rules: dict[str, str] = {}
    for leaf in graph.leaf_nodes(app_label):
        for key in graph.forwards_plan(leaf):
            migration = graph.nodes[key]
            for operation in migration.operations if migration else ():
                if key[0] == app_label and isinstance(operation, ChangeRules):
                    kept = rules.keys() - operation.before.keys()
                    rules = {name: rules[name] for name in kept} | operation.after
    return rules


def steps(before: Rules, after: Rules) -> list[str]:
    """Return the SQL that leads from some rules to others, and leaves alone what is in both."""
    old, new = by_identity(before), by_identity(after)
    changed = [one for identity, one in new.items() if old.get(identity, one).text != one.text]
    remade = [old[one.identity] for one in changed if not one.replaces(old[one.identity])]
    come = [one for identity, one in new.items() if identity not in old] + changed
    gone = [one for identity, one in old.items() if identity not in new]
    triggers, functions = of_kind("TRIGGER", gone), used_first(of_kind("FUNCTION", gone))
    remade.sort(key=lambda statement: -KINDS.index(statement.kind))
    return (
        [statement.drop for statement in [*triggers, *remade]]
        + [step for one in used_first(of_kind("FUNCTION", come)) for step in one.creation]
        + [one.text for one in of_kind("TRIGGER", come)]
        # What used these functions is gone or changed by now.
        + [statement.drop for statement in reversed(functions)]
    )


def of_kind(kind: str, found: list[Statement]) -> list[Statement]:
    return [statement for statement in found if statement.kind == kind]


def used_first(functions: list[Statement]) -> list[Statement]:
    """Sort each function after those that it names: PostgreSQL parses a BEGIN ATOMIC at once."""
    named = {one.name: one for one in functions}
    uses = {
        name: named.keys() & {*re.findall(r"\w+", one.text)} - {name} if one.is_parsed else set()
        for name, one in named.items()
    }
    return [named[name] for name in TopologicalSorter(uses).static_order()]


def by_identity(rules: Rules) -> dict[tuple[str, str, str], Statement]:
    return {
        statement.identity: statement
        for name, script in rules.items()
        for statement in statements(name, script)
    }


class ChangeRules(Operation):
    """Replace rules in the database; `before` are those that were in force."""

    category = OperationCategory.SQL
    reduces_to_sql = True
    reversible = True
    serialization_expand_args = ["before", "after"]

    def __init__(self, before: Rules = {}, after: Rules = {}) -> None:
        self.before = {name: dedent(script).strip() for name, script in before.items()}
        self.after = {name: dedent(script).strip() for name, script in after.items()}

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        sides = {"before": self.before, "after": self.after}
        return (
            self.__class__.__qualname__,
            [],
            {
                side: {name: Script(script) for name, script in rules.items()}
                for side, rules in sides.items()
                if rules
            },
        )

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing: models have no rules."""

    def database_forwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        self.run(app_label, schema_editor, self.before, self.after)

    def database_backwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        self.run(app_label, schema_editor, self.after, self.before)

    def run(self, app_label: str, schema_editor: Any, before: Rules, after: Rules) -> None:
        if router.allow_migrate(schema_editor.connection.alias, app_label):
            # Functions may call each other in any order, and use tables that are created later.
            # The tests run every file in a database that has them all.
            schema_editor.execute("SET LOCAL check_function_bodies = off", params=None)
            schema_editor.execute(PINNED_PATH, params=None)
            for step in steps(before, after):
                schema_editor.execute(step, params=None)

    def describe(self) -> str:
        return f"Change the rules {', '.join(sorted({*self.before, *self.after}))}"

    @property
    def migration_name_fragment(self) -> str:
        first, *others = sorted({*self.before, *self.after})
        return f"{first}_and_{len(others)}_more" if others else first


@dataclass(frozen=True)
class Script:
    """SQL that a migration shows as it is, line by line."""

    text: str


class ScriptSerializer(BaseSerializer):
    def serialize(self) -> tuple[str, set[str]]:
        text = self.value.text
        if '"""' in text or text.endswith("\\"):
            return repr(text), set()
        return f'r"""\n{text}\n"""', set()


MigrationWriter.register_serializer(Script, ScriptSerializer)


class Autodetector(MigrationAutodetector):
    """Detects rules whose file and history differ, beside what has changed in the models."""

    migrations: dict[str, list[Any]]

    def _detect_changes(
        self, convert_apps: set[str] | None = None, graph: MigrationGraph | None = None
    ) -> dict[str, list[Any]]:
        super()._detect_changes(convert_apps, graph)  # type: ignore[misc]
        if graph is None:
            raise ImproperlyConfigured("Rules are compared with a graph of migrations.")
        earlier: list[str] = []  # apps whose tables and functions a rule may speak of
        for app in apps.get_app_configs():
            files, history = rules_of(app), rules_of_history(graph, app.label)
            before = {name: text for name, text in history.items() if files.get(name) != text}
            after = {name: text for name, text in files.items() if history.get(name) != text}
            if before or after:
                migration = self._migration_of(app.label, graph)
                migration.operations.append(ChangeRules(before, after))
                needed = [self._newest(label, graph) for label in earlier]
                migration.dependencies = sorted({*migration.dependencies, *needed})
            if files or history:
                earlier.append(app.label)
        return self.migrations

    def _migration_of(self, app_label: str, graph: MigrationGraph) -> Any:
        """Return the last new migration of an app, which is made if there is none."""
        migrations = self.migrations.setdefault(app_label, [])
        if not migrations:
            made = type("Migration", (Migration,), {"operations": [], "dependencies": []})
            migrations.append(made("auto_1", app_label))
            migrations[0].initial = not graph.leaf_nodes(app_label)
        return migrations[-1]

    def _newest(self, app_label: str, graph: MigrationGraph) -> tuple[str, str]:
        if self.migrations.get(app_label):
            return app_label, self.migrations[app_label][-1].name
        return graph.leaf_nodes(app_label)[0]
