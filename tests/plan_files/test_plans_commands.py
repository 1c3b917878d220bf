"""The commands that import and export plan files: what they say, and how they end."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.models import Evidence
from programs.models import Program, StagedImport, StagedRecord
from tests.database import as_administrator
from tests.plan_files.plans import GOOD, exported, imported, load

pytestmark = pytest.mark.django_db


def test_a_dry_run_shows_the_difference_and_writes_nothing_but_what_it_removes_again(tmp_path):
    file = tmp_path / "plan.yaml"
    file.write_text(GOOD)
    before = Evidence.objects.count()
    with CaptureQueriesContext(connection) as queries:
        text = imported(file, dry_run=True)
    assert '+ task wire "Wire the lamp"' in text
    assert text.splitlines()[-1].startswith("A dry run: nothing is written.")
    assert not Program.objects.exists()
    assert Evidence.objects.count() == before
    written = {query["sql"].split()[2] for query in queries if query["sql"].startswith("INSERT")}
    assert written == {'"staged_imports"', '"staged_records"'}
    changed = [query["sql"].split()[1] for query in queries if "UPDATE" in query["sql"].split()[:1]]
    assert set(changed) == {"staged_records"}
    assert not StagedImport.objects.exists()
    assert not StagedRecord.objects.exists()


def test_the_import_tells_its_progress_line_by_line_where_there_is_no_terminal(sample, tmp_path):
    file = tmp_path / "plan.yaml"
    file.write_text(GOOD)
    assert imported(file).splitlines()[:3] == [
        "programs 1 of 1",
        "waves 2 of 2",
        "tasks 1 of 1",
    ]


def test_a_terminal_gets_a_bar(tmp_path):
    class Terminal(StringIO):
        def isatty(self):
            return True

    file = tmp_path / "plan.yaml"
    file.write_text(GOOD)
    out = Terminal()
    call_command("import_plan", file, stdout=out)
    assert f"\r{'█' * 20} waves 2 of 2" in out.getvalue()


def test_a_refused_file_ends_the_command_with_its_reasons(tmp_path):
    file = tmp_path / "plan.yaml"
    file.write_text(GOOD.replace("state: completed", "state: done"))
    with pytest.raises(CommandError) as caught:
        imported(file)
    assert str(caught.value).startswith(f"{file}:13: state: 'done' is not one of")
    assert caught.value.returncode == 1
    assert not Program.objects.exists()


def test_a_file_that_is_not_there_ends_the_command(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        imported(tmp_path / "none.yaml")


def test_what_the_database_refuses_ends_the_command_too(tmp_path):
    as_administrator("ALTER TABLE tasks ADD CONSTRAINT no_lamps CHECK (name NOT LIKE '%lamp%')")
    file = tmp_path / "plan.yaml"
    file.write_text(GOOD)
    with pytest.raises(CommandError, match="no_lamps"):
        imported(file)
    assert not Program.objects.exists()


def test_a_program_is_exported_by_name_or_id_into_a_file_or_to_the_terminal(tmp_path):
    load(GOOD)
    program = Program.objects.get()
    out = StringIO()
    call_command("export_plan", "Lamps", stdout=out)
    file = tmp_path / "out.yaml"
    call_command("export_plan", str(program.pk), output=file)
    assert file.read_text() == out.getvalue() == exported(program)


def test_an_unknown_program_is_answered_with_those_that_are_known():
    load(GOOD)
    with pytest.raises(CommandError, match=r"No program is called 'Lamp'\. The office has: Lamps"):
        call_command("export_plan", "Lamp")
