import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from builders.models import Builder
from governance.models import Blocker, Evidence
from governance.replay import Replay
from tests import migrations
from tests.contract import CONTRACT
from tests.database import drop, inside, make
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderFactory,
    BuilderTokenFactory,
    GovernanceViolationFactory,
    HeartbeatFactory,
    QAExecutionFactory,
    TaskFactory,
    WaveFactory,
)

pytestmark = pytest.mark.django_db

APPS = ["governance", "builders", "programs"]  # as they are taken back


def test_no_model_change_lacks_a_migration():
    call_command("makemigrations", check=True, dry_run=True, verbosity=1)


def test_what_has_landed_is_never_edited():
    now = migrations.checksums()
    edited = [path for path, checksum in migrations.landed().items() if now.get(path) != checksum]
    assert edited == []


def test_what_is_here_has_been_locked():
    assert migrations.landed().keys() == migrations.checksums().keys()


def test_every_sql_file_is_run_by_a_migration_and_can_be_taken_back():
    paths = set(migrations.checksums())
    scripts = {path for path in paths if path.endswith(".up.sql")}
    assert scripts
    for script in scripts:
        assert script.replace(".up.sql", ".down.sql") in paths
        assert script.replace("sql/", "").replace(".up.sql", ".py") in paths


def test_the_rules_in_force_are_the_ones_written_down():
    assert migrations.rules_in_force(connection) == migrations.RULES.read_text()


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
def another_database(transactional_db, template):
    """Go to a copy of a migrated database, to be taken apart."""
    name = f"{connection.settings_dict['NAME']}_migrations"
    make(name, template)
    with inside(name):
        yield
    drop(name)
    ContentType.objects.clear_cache()


@pytest.fixture
def office(another_database):
    """A row in every table, and work in hand."""
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
        return table
    return "({})".format(", ".join(f'"{column}"' for column in CONTRACT[table]["columns"]))


def test_a_database_with_data_goes_back_to_nothing_and_comes_again(office, sql):
    before = schema(sql)

    for app in APPS:
        call_command("migrate", app, "zero", verbosity=0)

    left, rules = schema(sql)
    assert {table for table, *_ in left if not table.startswith(("auth_", "django_"))} == set()
    assert rules == ""

    call_command("migrate", verbosity=0)
    assert schema(sql) == before
    assert Builder.objects.count() == Evidence.objects.count() == 5
    TaskFactory(progress_percentage=50)
    assert Evidence.objects.count() == 8


@pytest.mark.parametrize("app", APPS)
def test_the_newest_migration_goes_back_and_forth_over_data(app, office, sql):
    before = schema(sql)
    kept = [*CONTRACT.keys() - {"evidence_trail"}, "builder_tokens"]
    data, trail = rows(sql, kept), rows_of_the_trail(sql)
    names = sorted(name for of, name in MigrationLoader(connection).disk_migrations if of == app)

    call_command("migrate", app, names[-2], verbosity=0)
    assert (app, names[-1]) not in MigrationRecorder(connection).applied_migrations()
    call_command("migrate", verbosity=0)

    assert schema(sql) == before
    assert rows(sql, kept) == data
    assert rows_of_the_trail(sql) >= trail  # what is there is written down as found


def test_a_migration_of_indexes_that_was_broken_off_is_run_again(another_database, sql):
    before = schema(sql)
    call_command("migrate", "programs", "0003", verbosity=0)
    sql("CREATE INDEX idx_tasks_words ON tasks (name)")

    call_command("migrate", verbosity=0)

    assert schema(sql) == before


def rows_of_the_trail(sql):
    return set(sql(f"SELECT {row_of('evidence_trail')}::text FROM evidence_trail"))


def test_the_record_replays_over_an_upgrade(another_database, sql):
    """Columns that came after a row was told are known from their first change on."""
    for app in APPS:
        call_command("migrate", app, "zero", verbosity=0)
    for app in reversed(APPS):
        call_command("migrate", app, migrations.FOUNDING[app], verbosity=0)
    sql(
        """
        INSERT INTO programs (name, description, state) VALUES ('Before', '', 'in-progress');
        INSERT INTO waves (program_id, name, sequence_number, state)
        SELECT program_id, 'Before', 1, 'in-progress' FROM programs;
        INSERT INTO tasks (wave_id, name, architecture_reference, qa_suite_location,
            acceptance_criteria, state)
        SELECT wave_id, 'Before', '', '', '', 'planned' FROM waves;
        INSERT INTO blockers (entity_type, entity_id, classification, description)
        SELECT 'task', task_id, 'protected_path', 'A lock.' FROM tasks;
        UPDATE builders SET state = 'active' WHERE builder_id = 'ui-builder';
        """
    )

    call_command("migrate", verbosity=0)
    assert Replay().first_difference() is None

    sql("UPDATE builders SET state = 'idle' WHERE builder_id = 'ui-builder'")
    sql("SELECT governance_raise_blocker('task', task_id, 'protected_path', 'Again.') FROM tasks")
    assert Blocker.objects.get().occurrences == 2
    assert Replay().first_difference() is None
