"""Rules as files: what `makemigrations` writes of them, for an app that each test has anew."""

import importlib
import sys
from textwrap import dedent

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import override_settings

from kit.runtime.database_addresses import OFFICE, OWNER, user_of
from tests.database import as_administrator
from tests.migrations import rules_in_force

pytestmark = pytest.mark.slow

GREETING = """\
    -- What is said to a program.
    CREATE OR REPLACE FUNCTION lamps_greeting(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
        -- said aloud; and 'in full'

        SELECT 'Hello, ' || name
    $$;
    """

RULE = """\
    -- Nobody is called Nobody.
    CREATE OR REPLACE FUNCTION lamps_rule() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.name = 'Nobody' THEN
            RAISE EXCEPTION '% is nobody.', lamps_greeting(NEW.name)
                USING ERRCODE = 'check_violation', CONSTRAINT = 'lamps_rule';
        END IF;
        RETURN NULL;
    END $$;

    CREATE OR REPLACE TRIGGER lamps_rule AFTER INSERT ON programs
        FOR EACH ROW EXECUTE FUNCTION lamps_rule();

    CREATE CONSTRAINT TRIGGER lamps_rule_late AFTER UPDATE ON programs
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lamps_rule();
    """


class App:
    """An app with rules, and its migrations."""

    def __init__(self, home):
        self.home = home
        for folder in ("sql", "migrations"):
            (home / folder).mkdir(parents=True)
        (home / "__init__.py").touch()
        (home / "migrations" / "__init__.py").touch()

    def write(self, **files):
        for name, script in files.items():
            (self.home / "sql" / f"{name}.sql").write_text(dedent(script))

    def edit(self, name, old, new):
        script = (self.home / "sql" / f"{name}.sql").read_text()
        assert old in script
        self.write(**{name: script.replace(old, new)})

    def remove(self, name):
        (self.home / "sql" / f"{name}.sql").unlink()

    def differs(self):
        """Return whether `makemigrations --check` fails."""
        importlib.invalidate_caches()
        try:
            call_command("makemigrations", "lamps", check=True, verbosity=0)
        except SystemExit as end:
            return end.code == 1
        return False

    def make(self):
        """Make migrations, and return the newest."""
        importlib.invalidate_caches()
        call_command("makemigrations", "lamps", verbosity=0)
        importlib.invalidate_caches()
        return max((self.home / "migrations").glob("0*.py"))

    def migrate(self, target=None):
        """Run migrations up to one, by default the newest, and return the rules in force."""
        executor = MigrationExecutor(connection)
        targets = [("lamps", target)] if target else executor.loader.graph.leaf_nodes("lamps")
        executor.migrate([(app, None if name == "zero" else name) for app, name in targets])
        return rules_in_force(connection)


@pytest.fixture
def app(tmp_path, monkeypatch, sql):
    as_administrator(f"GRANT {user_of(OWNER)} TO {user_of(OFFICE)}")
    sql(f"SET LOCAL ROLE {user_of(OWNER)}")  # which migrates
    app = App(tmp_path / "lamps")
    monkeypatch.syspath_prepend(tmp_path)
    # It is ready once, and cannot be again.
    monkeypatch.setattr("procrastinate.contrib.django.apps.ProcrastinateConfig.ready", bool)
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "lamps"]):
        yield app
    for module in [name for name in sys.modules if name.partition(".")[0] == "lamps"]:
        del sys.modules[module]


@pytest.fixture
def landed(app):
    """Two rules, as they are after their first migration."""
    app.write(lamps_greeting=GREETING, lamps_rule=RULE)
    app.make()
    app.before = app.migrate()
    return app


def there_and_back(app):
    """Make and run a migration, and return the rules that it puts into force."""
    assert app.differs()
    newest = app.make()
    assert not app.differs()
    after = app.migrate()
    assert app.migrate("0001_initial") == app.before
    assert app.migrate(newest.stem) == after
    return after


def test_new_files_become_a_migration_that_puts_them_into_force(app, sql, refuses):
    before = rules_in_force(connection)
    app.write(lamps_greeting=GREETING, lamps_rule=RULE)

    newest = app.make()

    app.migrate()
    assert newest.name == "0001_initial.py"
    assert sql("SELECT lamps_greeting('you')") == [("Hello, you",)]
    with refuses("lamps_rule"):
        sql("INSERT INTO programs (name, description, state) VALUES ('Nobody', '', 'planned')")
    assert app.migrate("zero") == before


def test_a_migration_shows_its_sql_as_the_file_does(landed):
    text = (landed.home / "migrations" / "0001_initial.py").read_text()

    assert "        -- said aloud; and 'in full'\n\n" in text
    assert "What is said to a program" not in text  # a comment beside the rule is not the rule
    assert " \n" not in text


def test_it_comes_after_all_whose_tables_it_may_speak_of(landed):
    text = (landed.home / "migrations" / "0001_initial.py").read_text()

    for app in ("programs", "builders", "governance"):
        assert f"('{app}', " in text


def test_a_comment_beside_a_rule_needs_no_migration(landed):
    landed.edit("lamps_greeting", "-- What is said to a program.", "/* Said; to all. */")

    assert not landed.differs()


def test_an_edited_function_is_replaced_and_comes_back(landed, sql):
    landed.edit("lamps_greeting", "Hello", "Good morning")

    after = there_and_back(landed)

    assert "Good morning" in after
    assert "Hello" not in after
    assert sql("SELECT lamps_greeting('you')") == [("Good morning, you",)]


def test_a_function_may_take_other_arguments(landed, sql):
    landed.edit("lamps_greeting", "(name text)", "(name text, times integer DEFAULT 1)")

    there_and_back(landed)

    assert sql("SELECT count(*) FROM pg_proc WHERE proname = 'lamps_greeting'") == [(1,)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("AFTER INSERT ON programs", "AFTER INSERT ON waves"),
        ("AFTER INSERT ON programs", "AFTER INSERT OR UPDATE OF name ON programs"),
        ("AFTER UPDATE ON programs", "AFTER UPDATE OF name ON programs"),
        ("CREATE CONSTRAINT TRIGGER lamps_rule_late", "CREATE CONSTRAINT TRIGGER lamps_rule_then"),
    ],
)
def test_a_trigger_may_be_changed(landed, old, new):
    landed.edit("lamps_rule", old, new)

    after = there_and_back(landed)

    assert len(after) - len(landed.before) == len(new) - len(old)


def test_a_trigger_that_moves_to_another_file_stays_in_force(landed):
    script = dedent(RULE)
    trigger = script[script.index("CREATE CONSTRAINT TRIGGER") :]
    landed.write(lamps_rule=script.replace(trigger, ""), lamps_late=trigger)

    assert there_and_back(landed) == landed.before


def test_rules_whose_files_are_gone_are_dropped_and_come_back(landed):
    landed.remove("lamps_rule")
    landed.remove("lamps_greeting")

    assert "lamps" not in there_and_back(landed)


def test_a_table_beside_a_file_writes_it_once_for_each_row(landed, sql):
    landed.write(
        lamps_tables="""\
            CREATE OR REPLACE TRIGGER lamps_each AFTER DELETE ON $table
                FOR EACH ROW EXECUTE FUNCTION lamps_rule('{$columns}');
            """
    )
    table = landed.home / "sql" / "lamps_tables.csv"
    table.write_text('table,columns\nprograms,"name,state"\nwaves,\n')
    there_and_back(landed)
    of_each = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'lamps_each'"
    assert sorted(sql(of_each)) == [("programs",), ("waves",)]

    table.write_text(table.read_text() + "tasks,\n")
    newest = landed.make()

    assert newest.stem == "0003_lamps_tables_tasks"
    landed.migrate()
    assert sorted(sql(of_each)) == [("programs",), ("tasks",), ("waves",)]


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("DROP TABLE programs;", "rule lamps_rule may have .* nothing else: DROP TABLE programs"),
        ("CREATE FUNCTION lamps_rule() RETURNS text AS $$;$$;", "rule lamps_rule may have"),
        (dedent(RULE).rstrip().removesuffix(";"), "rule lamps_rule does not end with a semicolon"),
    ],
)
def test_what_could_not_be_taken_back_is_refused_by_name(landed, script, fault):
    landed.write(lamps_rule=script)

    with pytest.raises(ImproperlyConfigured, match=fault):
        landed.make()

    assert len(list((landed.home / "migrations").glob("0*.py"))) == 1
