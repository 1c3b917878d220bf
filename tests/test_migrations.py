import pytest
from django.core.management import call_command
from django.db import connection

from tests import migrations

pytestmark = pytest.mark.django_db


def test_no_model_change_lacks_a_migration():
    call_command("makemigrations", check=True, dry_run=True, verbosity=1)


def test_what_has_landed_is_never_edited():
    now = migrations.checksums()
    edited = [path for path, checksum in migrations.landed().items() if now.get(path) != checksum]
    assert edited == []


def test_every_sql_file_is_run_by_a_migration_and_can_be_taken_back():
    paths = set(migrations.checksums())
    scripts = {path for path in paths if path.endswith(".up.sql")}
    assert scripts
    for script in scripts:
        assert script.replace(".up.sql", ".down.sql") in paths
        assert script.replace("sql/", "").replace(".up.sql", ".py") in paths


def test_the_rules_in_force_are_the_ones_written_down():
    assert migrations.rules_in_force(connection) == migrations.RULES.read_text()


def test_migrations_are_safe_on_tables_in_use():
    said = [migrations.complaints(*script) for script in migrations.scripts(connection).items()]
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
