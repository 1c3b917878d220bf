"""A database of the old history is opened if it has all of it, and refused in words if it has not.

What an office of the old history made is what the new one makes (tests/test_migrations.py), so a
database of the old one is made by its names.
"""

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from builders.models import Builder
from foreman_office import health
from foreman_office.baseline import BASELINE, OLD_NAMES
from programs.models import Task
from tests.migrations import APPS, ROOT

pytestmark = pytest.mark.slow


def applied():
    return {key for key in MigrationRecorder(connection).applied_migrations() if key[0] in APPS}


def record(names):
    for name in names:
        MigrationRecorder(connection).record_applied(*name)


@pytest.fixture
def baseline(another_database):
    """Go back to where every app's history begins."""
    targets = [(app, BASELINE) for app in reversed(APPS)]
    MigrationExecutor(connection).migrate(targets)
    return set(targets)


FROM_BEFORE = """
    WITH program AS (
        INSERT INTO programs (name, description, state)
        VALUES ('Bridge', 'Over the river', 'planned')
        RETURNING program_id
    ), wave AS (
        INSERT INTO waves (program_id, name, sequence_number, state)
        SELECT program_id, 'Pillars', 1, 'planned' FROM program RETURNING wave_id
    )
    INSERT INTO tasks (
        wave_id, name, architecture_reference, qa_suite_location, acceptance_criteria, state
    )
    SELECT wave_id, 'From before', 'docs/pillars.md', 'tests/pillars', 'They stand', 'planned'
    FROM wave
"""


def test_a_database_of_the_whole_old_history_opens_with_its_data(baseline, sql):
    sql(FROM_BEFORE)
    record(OLD_NAMES)

    call_command("migrate", verbosity=0)

    task = Task.objects.get()
    assert (task.name, task.wave.program.name) == ("From before", "Bridge")
    assert Builder.objects.count() == 5
    assert applied() == {key for key in MigrationLoader(None).disk_migrations if key[0] in APPS}
    assert health.missing_migrations() == []


def test_admins_of_a_database_of_the_old_history_may_use_every_page_of_the_admin(baseline):
    at_first = MigrationLoader(None).project_state([*baseline]).models
    later = {
        (model._meta.app_label, model._meta.model_name)
        for model in admin.site._registry
        if model._meta.app_label in APPS
    } - at_first.keys()
    assert ("builders", "question") in later
    for label, name in later:
        ContentType.objects.filter(app_label=label, model=name).delete()
    record(OLD_NAMES)

    call_command("migrate", verbosity=0)

    may = Group.objects.get(name="admin").permissions.values_list(
        "content_type__app_label", "content_type__model", "codename"
    )
    assert {(label, name, f"view_{name}") for label, name in later} - {*may} == set()


def test_to_ask_what_would_be_done_changes_nothing(baseline, capsys):
    record(OLD_NAMES)

    call_command("migrate", plan=True)

    assert applied() == baseline | OLD_NAMES


def test_a_database_that_lacks_some_of_it_is_refused_and_left_as_it_is(baseline):
    for lacks in [("governance", "0027_violations"), ("programs", "0003_moves")]:
        with rolled_back():
            record(OLD_NAMES - {lacks})

            with refused_for(".".join(lacks)):
                call_command("migrate", verbosity=0)

            assert applied() == (baseline | OLD_NAMES) - {lacks}
            assert ".".join(lacks) in health.missing_migrations()


def test_the_first_migration_of_the_old_history_is_not_taken_for_ours(baseline, sql):
    """It was called the same, and made less."""
    for later, lacks in {
        "ALTER TABLE tasks DROP COLUMN worked_at CASCADE": "programs.0006_planned",
        "ALTER TABLE builders DROP COLUMN state_since CASCADE": "builders.0010_single_beats",
        "DROP TABLE qa_latest_runs CASCADE": "governance.0027_violations",
    }.items():
        with rolled_back():
            sql(later)

            with refused_for(lacks):
                call_command("migrate", verbosity=0)

            assert applied() == baseline


@contextmanager
def rolled_back():
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def refused_for(migration):
    return pytest.raises(CommandError, match=rf"lacks the migration {migration}\. .*23933a6")


def test_an_office_that_is_too_old_is_refused_in_one_sentence(baseline, tmp_path):
    record(OLD_NAMES - {("builders", "0010_single_beats")})
    params = connection.get_connection_params()
    at = "{user}@{host}:{port}/{dbname}".format(
        **params | {"host": params["host"].replace("/", "%2F")}
    )

    for command in ("migrate", "office"):
        refused = subprocess.run(
            [sys.executable, ROOT / "manage.py", command],
            env=os.environ
            | {
                "DATABASE_URL": f"postgres://{at}",
                "DJANGO_SETTINGS_MODULE": "foreman_office.settings",
                "FOREMAN_VAR": str(tmp_path / "var"),
                "PORT": "0",
            },
            capture_output=True,
            text=True,
            timeout=120,
        )

        assert refused.returncode == 1
        assert "older than commit 23933a6" in refused.stderr
        assert "Check out 23933a6 and run its manage.py migrate" in refused.stderr
        assert "Traceback" not in refused.stderr
    assert ("builders", "0010_single_beats") not in applied()


@pytest.mark.django_db
def test_no_migration_is_called_as_one_of_the_old_history_was():
    assert MigrationLoader(None).disk_migrations.keys().isdisjoint(OLD_NAMES)
