import re

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from builders.models import Builder
from governance.models import Blocker, Evidence
from governance.replay import Replay
from kit.core import rules
from kit.core.migration_files import known_migrations
from kit.core.sql import AddIndexConcurrently
from programs.models import Task
from tests import catalog, migrations
from tests.contract import CONTRACT
from tests.database import as_administrator, without_triggers
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderFactory,
    BuilderTokenFactory,
    GovernanceViolationFactory,
    HeartbeatFactory,
    ProgramFactory,
    QAExecutionFactory,
    TaskFactory,
    WaveFactory,
)
from tests.migrations import APPS

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

QUEUE = "procrastinate_"  # what its own migrations make


def test_no_model_change_lacks_a_migration():
    call_command("makemigrations", check=True, dry_run=True, verbosity=1)


def test_what_has_landed_is_never_edited():
    now = migrations.checksums()
    edited = [path for path, checksum in migrations.landed().items() if now.get(path) != checksum]
    assert edited == []


def test_what_is_here_has_been_locked():
    assert migrations.landed().keys() == migrations.checksums().keys()


def test_a_migration_that_was_edited_after_it_was_locked_is_not_locked_again(tmp_path, monkeypatch):
    monkeypatch.setattr(migrations, "ROOT", tmp_path)
    monkeypatch.setattr(migrations, "LOCK", tmp_path / "migrations.lock")
    first, second = (tmp_path / f"programs/migrations/000{n}_x.py" for n in (1, 2))
    first.parent.mkdir(parents=True)
    first.write_text("1")
    migrations.lock()
    before = migrations.LOCK.read_text()
    first.write_text("2")
    second.write_text("1")
    with pytest.raises(SystemExit, match=r"programs/migrations/0001_x\.py"):
        migrations.lock()
    assert migrations.LOCK.read_text() == before


def test_every_rule_in_force_stands_in_a_file(sql):
    """And its name is that of its file, so that whoever knows the one finds the other."""
    functions, triggers = set(), set()
    for app in map(apps.get_app_config, APPS):
        for file, script in rules.rules_of(app).items():
            for statement in rules.statements(file, script):
                if statement.kind == "FUNCTION":
                    assert statement.name == file
                    functions.add(statement.name)
                else:
                    triggers.add((statement.table, statement.name))

    assert triggers == set(
        sql(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger"
            f" WHERE NOT tgisinternal AND NOT starts_with(tgname, '{QUEUE}')"
        )
    )
    assert functions == {
        name
        for (name,) in sql(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS"
            " (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')"
            f" AND NOT starts_with(proname, '{QUEUE}')"
        )
    }


def test_the_rules_in_force_are_those_of_the_files(sql):
    """Each runs on a migrated database, every name in it is known there, and it changes nothing."""
    before = migrations.rules_in_force(connection)

    sql(rules.PINNED_PATH)
    for app in map(apps.get_app_config, APPS):
        for file, script in rules.rules_of(app).items():
            for statement in rules.statements(file, script):
                if not statement.replaces(statement):
                    as_administrator(statement.drop)
                as_administrator(statement.text)

    assert migrations.rules_in_force(connection) == before


def test_the_first_migrations_make_what_the_old_history_made(empty_database, sql):
    for app in APPS:
        call_command("migrate", app, "0001", verbosity=0)
    call_command("migrate", "sessions", verbosity=0)

    assert catalog.lines(sql) == catalog.OLD_HISTORY.read_text().splitlines()


@pytest.mark.django_db(transaction=True)  # where a migration has none around it, neither may we
def test_migrations_are_safe_on_tables_in_use():
    said = [migrations.complaints(*script) for script in migrations.scripts(connection)]
    assert "".join(said) == ""


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE programs DROP COLUMN description;",
        "ALTER TABLE programs ALTER COLUMN name TYPE varchar(10);",
        "DROP TABLE evidence_trail;",
        "ALTER TABLE tasks RENAME COLUMN name TO title;",
        "CREATE INDEX slow ON heartbeats (message);",
    ],
)
def test_a_migration_that_drops_narrows_or_blocks_is_noticed(statement):
    assert migrations.complaints("programs.9999_later", statement)


# --- there and back -----------------------------------------------------------------------------


@pytest.fixture
def office(another_database):
    """A row in every table, and work in progress."""
    one, other = WaveFactory(), WaveFactory()
    task = TaskFactory(wave=one, state="assigned", progress_percentage=50)
    TaskFactory(wave=other)
    other.program.waves.update(program=one.program, dependencies=[str(one.pk)])
    builder = BuilderFactory(current_task=task)
    HeartbeatFactory(builder=builder, task=task, progress_percentage=60)
    for factory in (
        ArchitectureValidationFactory,
        GovernanceViolationFactory,
        QAExecutionFactory,
    ):
        factory(task=task)
    BuilderTokenFactory(builder=builder)
    BlockerFactory(entity=task)
    BlockerFactory(entity=TaskFactory(), resolved_at="2025-12-03T10:00:00Z")
    Blocker.objects.filter(resolved_at=None).update(description="more")


CATALOG = """
    SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull,
        pg_get_expr(adbin, adrelid)
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')
        AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), condeferrable, NULL
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
    UNION ALL
    SELECT tablename, indexname, indexdef, NULL, NULL FROM pg_indexes WHERE schemaname = 'public'
    ORDER BY 1, 2, 3
"""


def schema(sql):
    return sql(CATALOG), migrations.rules_in_force(connection)


def rows(sql, tables):
    """Return what is in the tables, apart from columns that a migration added and takes away."""
    return {table: sorted(sql(f"SELECT {row_of(table)}::text FROM {table}")) for table in tables}


def row_of(table):
    if table not in CONTRACT:
        return f"(to_jsonb({table}) - 'organisation_id')"
    return "({})".format(", ".join(f'"{column}"' for column in CONTRACT[table]["columns"]))


@pytest.mark.thorough
def test_a_database_with_data_goes_back_to_nothing_and_comes_again(office, sql):
    before = schema(sql)

    for app in reversed(APPS):
        call_command("migrate", app, "zero", verbosity=0)

    left, rules = schema(sql)
    others = ("auth_", "django_", QUEUE, "idx_procrastinate_")
    assert {table for table, *_ in left if not table.startswith(others)} == set()
    made = re.findall(r"^CREATE .*?(?:FUNCTION public\.|TRIGGER )(\w+)", rules, re.MULTILINE)
    assert {name for name in made if not name.startswith(QUEUE)} == set()

    call_command("migrate", verbosity=0)
    assert schema(sql) == before
    assert Builder.objects.count() == Evidence.objects.count() == 5
    TaskFactory(progress_percentage=50)
    assert Evidence.objects.count() == 8


@pytest.mark.parametrize("app", APPS)
def test_the_newest_migration_goes_back_and_forth_over_data(app, office, sql):
    """The first one of an app takes its tables along, and the apps that come after it."""
    before = schema(sql)
    names = ["zero", *sorted(name for of, name in disk_migrations() if of == app)]

    call_command("migrate", app, names[-2], verbosity=0)

    assert (app, names[-1]) not in MigrationRecorder(connection).applied_migrations()
    left = [
        table
        for table in [*CONTRACT.keys() - {"evidence_trail"}, "builder_tokens"]
        if sql("SELECT to_regclass(%s)", table) != [(None,)]
    ]
    assert bool(left) == (app != "programs" or len(names) > 2)
    data, trail = rows(sql, left), rows_of_the_trail(sql)

    call_command("migrate", verbosity=0)

    assert schema(sql) == before
    assert rows(sql, left) == data
    assert rows_of_the_trail(sql) >= trail  # what is there is written down as found


def disk_migrations():
    return MigrationLoader(connection).disk_migrations


def rows_of_the_trail(sql):
    if sql("SELECT to_regclass('evidence_trail')") == [(None,)]:
        return set()
    return set(sql(f"SELECT {row_of('evidence_trail')}::text FROM evidence_trail"))


def test_an_index_that_was_never_finished_is_made_again(another_database, sql):
    """As a migration does that was broken off, and is run again."""
    before = schema(sql)
    index = next(index for index in Task._meta.indexes if index.name == "idx_tasks_words")
    sql("DROP INDEX idx_tasks_words; CREATE INDEX idx_tasks_words ON tasks (name)")

    with connection.schema_editor(atomic=False) as editor:
        state = MigrationLoader(connection).project_state()
        AddIndexConcurrently("task", index).database_forwards("programs", editor, state, state)

    assert schema(sql) == before


# What a row was said to be before these columns came.
CAME_LATER = {
    "task": "worked_at",
    "builder": "state_since,assigned_at",
    "blocker": "occurrences",
}
LATER = ["worked_at", "state_since", "assigned_at", "occurrences"]


def test_the_record_replays_over_an_upgrade(another_database, sql):
    """Columns that came after a row was told are known from their first change on."""
    program = ProgramFactory(state="in-progress")
    task = TaskFactory(wave=WaveFactory(program=program, state="in-progress"))
    BlockerFactory(entity=task, classification="protected_path")
    sql("UPDATE builders SET state = 'active' WHERE builder_id = 'ui-builder'")
    with transaction.atomic(), without_triggers():  # the trail is never changed else
        for noun, columns in CAME_LATER.items():
            sql(
                "UPDATE evidence_trail SET context = context"
                " || jsonb_build_object('snapshot', (context -> 'snapshot') - %s::text[])"
                " WHERE context ? 'snapshot' AND (entity_type, action) IN"
                " ((%s, 'created'), ('task', %s || '_raised'))",
                f"{{{columns}}}",
                noun,
                noun,
            )
    told = sql("SELECT count(*) FROM evidence_trail WHERE context -> 'snapshot' ?| %s", LATER)
    assert told == [(0,)]
    assert Replay().first_difference() is None

    sql("UPDATE builders SET state = 'idle' WHERE builder_id = 'ui-builder'")
    sql("SELECT governance_raise_blocker('task', task_id, 'protected_path', 'Again.') FROM tasks")
    assert Blocker.objects.get().occurrences == 2
    assert Replay().first_difference() is None


def test_the_names_of_migrations_are_known_without_loading_them():
    assert known_migrations() == MigrationLoader(None).disk_migrations.keys()
