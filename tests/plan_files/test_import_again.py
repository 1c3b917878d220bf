"""An import that is repeated: it changes what the file says, and never what the office moved on."""

import re
from datetime import date
from html import unescape

import pytest
from django.core.management import CommandError, call_command

from governance.models import Evidence
from kit.core.acts import act
from programs.models import Program, Task, Wave
from tests.factories import UserFactory

FIRST = """format_version: 1
program:
  key: shop
  name: Shop
  description: Sells things.
  waves:
    - key: first
      name: First
      sequence_number: 1
      tasks:
        - key: price
          name: Price
          acceptance_criteria: it has a price
          state: planned
"""
LIVE = {"state": "in-progress", "progress_percentage": 20, "evidence_location": "x"}


@pytest.fixture
def plan(tmp_path, transactional_db):
    file = tmp_path / "plan.yaml"
    file.write_text(FIRST)
    call_command("import_plan", file, verbosity=0)
    with act(None, override="Moved on."):
        Program.objects.update(state="in-progress")
        Wave.objects.update(state="in-progress")
        Task.objects.update(**LIVE)
    return file


def live():
    return Task.objects.values(*LIVE).get()


def test_a_second_import_keeps_live_values_and_says_so(plan, capsys):
    call_command("import_plan", plan, "--dry-run")
    told = capsys.readouterr().out
    assert "! task price keeps its live values: state in-progress, the file says planned" in told
    assert "evidence_location" not in told  # the file does not speak of it
    assert "--history REASON" in told
    call_command("import_plan", plan)
    assert live() == LIVE
    assert {*Wave.objects.values_list("state", flat=True)} == {"in-progress"}


def test_a_second_import_changes_what_the_file_says_otherwise(plan):
    plan.write_text(
        FIRST.replace("name: Price", "name: Prices").replace(
            "description: Sells things.", "description: Sells."
        )
    )
    call_command("import_plan", plan, verbosity=0)
    assert (Task.objects.get().name, Program.objects.get().description) == ("Prices", "Sells.")
    assert live() == LIVE


def test_a_due_date_is_set_and_moved_and_taken_away_and_stays_where_it_is_left_out(plan, capsys):
    dated = FIRST.replace("          state: planned\n", "          due_on: 2026-12-24\n")
    for text, expected in (
        (dated, date(2026, 12, 24)),
        (dated.replace("2026-12-24", "2026-12-31"), date(2026, 12, 31)),
        (FIRST, date(2026, 12, 31)),
        (dated.replace("2026-12-24", "null"), None),
    ):
        plan.write_text(text)
        call_command("import_plan", plan)
        assert Task.objects.get().due_on == expected
    assert "~ task price: due_on 2026-12-31 -> null" in capsys.readouterr().out
    assert live() == LIVE


def test_an_explicit_null_empties_what_a_task_under_way_is_not_judged_by(plan):
    with act(None, reason="It was written meanwhile."):
        Task.objects.update(planned_builder="ui-builder", due_on=date(2026, 12, 24))
    nulls = "          state: null\n          planned_builder: null\n          due_on:\n"
    emptied = FIRST.replace("it has a price", "null").replace("          state: planned\n", nulls)
    plan.write_text(emptied.replace("description: Sells things.", "description: null"))
    call_command("import_plan", plan, verbosity=0)
    task = Task.objects.get()
    assert (task.planned_builder, task.due_on, Program.objects.get().description) == (
        None,
        None,
        "",
    )
    assert (live(), task.acceptance_criteria) == (LIVE, "it has a price")


def test_a_file_says_whether_builders_may_pull(plan, capsys):
    said = FIRST.replace("  description", "  allows_pull: true\n  description")
    for text, allowed in (
        (said, True),
        (FIRST, True),
        (said.replace("true", "false"), False),
        (said, True),
        (said.replace("true", "null"), False),
    ):
        plan.write_text(text)
        call_command("import_plan", plan)
        assert Program.objects.get().allows_pull is allowed
        exported = plan.with_name("exported.yaml")
        call_command("export_plan", "Shop", output=exported)
        assert ("allows_pull: true" in exported.read_text()) is allowed
        assert "allows_pull: false" not in exported.read_text()
    assert "~ program shop: allows_pull false -> true" in capsys.readouterr().out
    changes = Evidence.objects.filter(action="edited", entity_type="program")
    assert changes.latest("sequence").context["changes"] == {"allows_pull": [True, False]}
    plan.write_text(said.replace("true", "'yes'"))
    with pytest.raises(CommandError, match="allows_pull: "):
        call_command("import_plan", plan)


@pytest.mark.parametrize("wrong", ["'2026-12-24'", "2026-12-24T10:00:00Z", "1969-12-31", "soon"])
def test_a_due_date_that_is_no_day_is_refused(plan, wrong):
    plan.write_text(FIRST.replace("  description: Sells things.", f"  due_on: {wrong}"))
    with pytest.raises(CommandError, match="due_on: must"):
        call_command("import_plan", plan, verbosity=0)
    assert Program.objects.get().due_on is None


def test_what_a_file_leaves_out_is_not_changed(plan):
    with act(None, reason="It was written meanwhile."):
        Task.objects.update(architecture_reference="docs/arch.md")
    plan.write_text(FIRST.replace("          acceptance_criteria: it has a price\n", ""))
    call_command("import_plan", plan, verbosity=0)
    task = Task.objects.get()
    assert (task.acceptance_criteria, task.architecture_reference) == (
        "it has a price",
        "docs/arch.md",
    )


def test_history_sets_live_values_as_an_override_with_its_reason(plan, capsys):
    call_command("import_plan", plan, "--history", "The file is the record.")
    assert live() == LIVE | {"state": "planned"}
    assert "!" not in capsys.readouterr().out
    moved = Evidence.objects.filter(context__to="planned").latest("sequence")
    assert moved.context["override"] == "The file is the record."


def test_what_work_under_way_is_judged_by_stays_without_a_reason(plan, capsys):
    other = FIRST.replace("it has a price", "it has two prices").replace("name: Price", "name: P")
    plan.write_text(other)
    call_command("import_plan", plan)
    told = capsys.readouterr().out
    assert "! task price keeps its live values: " in told
    assert "acceptance_criteria it has a price, the file says it has two prices" in told
    assert Task.objects.values_list("name", "acceptance_criteria").get() == ("P", "it has a price")

    plan.write_text(other.replace("          state: planned\n", ""))
    call_command("import_plan", plan, "--history", "Two prices from now on.", verbosity=0)
    task = Task.objects.get()
    assert (task.state, task.acceptance_criteria) == ("in-progress", "it has two prices")
    changed = Evidence.objects.of(task).filter(context__changes__has_key="acceptance_criteria")
    assert changed.get().context["override"] == "Two prices from now on."


def test_what_planned_work_is_judged_by_is_changed_by_a_file(plan):
    with act(None, override="Back."):
        Task.objects.update(state="planned")
    plan.write_text(FIRST.replace("it has a price", "it has two prices"))
    call_command("import_plan", plan, verbosity=0)
    assert Task.objects.get().acceptance_criteria == "it has two prices"


def test_a_page_says_how_many_imported_rows_its_evidence_leaves_out(plan, client):
    client.force_login(UserFactory())
    task = Task.objects.get()
    page = client.get(task.get_absolute_url()).text
    (address,) = re.findall(r'href="([^"]*)">2 imported rows not shown<', page)
    assert "Imported" in client.get(unescape(address)).text
