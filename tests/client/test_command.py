"""The command `foreman` against a real office: what it prints, sends, and exits with."""

import json
import os
import re
import shlex
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from foreman import cli
from foreman.config import config_file
from foreman.parser import make_parser

from builders.actions import assign_task, issue_ci_token
from builders.models import Builder, Heartbeat, UsageHour
from governance.models import Blocker, QAExecution
from tests.client.office import ROOT, environment, foreman

pytestmark = pytest.mark.slow

REPORT = '<testsuite><testcase name="a"/><testcase name="b">{}</testcase></testsuite>'


@pytest.fixture
def command(capsys):
    """Run the command in this process; return its exit status and what it wrote."""

    def run(*arguments):
        status = cli.run([str(each) for each in arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def report_of(tmp_path, failure=""):
    file = tmp_path / "report.xml"
    file.write_text(REPORT.format(failure))
    return file


# --- login ----------------------------------------------------------------------------------------


def test_a_login_is_checked_and_kept_for_its_owner_alone(known, live_server, home):
    shell = environment(home)
    nothing = foreman("status", env=shell)
    assert (nothing.returncode, "Run `foreman login`" in nothing.stderr) == (11, True)

    done = foreman("login", f"{live_server.url}/", env=shell, input=f"{known}\n")
    assert (done.returncode, "as ui-builder" in done.stdout) == (0, True), done.stderr
    kept = home / ".config/foreman-office/client.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    assert json.loads(kept.read_text()) == {"url": live_server.url, "token": known}
    assert foreman("status", env=shell).returncode == 0


def test_a_wrong_token_is_refused_and_not_kept(live_server, transactional_db, command):
    status, _, err = command("login", live_server.url, "--token", "fo_wrong")
    assert (status, "valid token" in err, config_file().exists()) == (12, True, False)


def test_an_address_without_an_office_is_told_from_one_that_does_not_answer(office, command):
    office.books.answer = lambda path: {"something": "else"}
    assert command("login", office.url, "--token", "x")[0] == 19
    office.close()
    assert command("login", office.url, "--token", "x")[0] == 17
    assert command("login", "ftp://office", "--token", "x")[0] == 19


def test_variables_come_before_what_is_kept_and_a_token_goes_to_its_own_office_only(
    command, known, live_server, monkeypatch
):
    assert command("login", live_server.url, "--token", known)[0] == 0
    monkeypatch.delenv("FOREMAN_TOKEN")
    assert command("status")[0] == 0
    monkeypatch.setenv("FOREMAN_URL", "http://127.0.0.1:9")
    status, _, err = command("status")
    assert (status, "token for http://127.0.0.1:9 is missing" in err) == (11, True)


# --- reading --------------------------------------------------------------------------------------


def test_next_prints_the_instruction_or_that_there_is_no_task(known, command, ready):
    status, _, err = command("next")
    assert (status, "ui-builder has no task" in err) == (10, True)
    assign_task(ready, Builder.objects.get(pk="ui-builder"), by=None)
    status, out, _ = command("next")
    assert (status, "Wire the lamp" in out, "Build to Green" in out) == (0, True, True)
    status, out, _ = command("next", "--json")
    assert json.loads(out)["task"]["task_id"] == str(ready.pk)


def test_status_prints_the_conditions_with_their_remedies_and_pages(
    known, command, held, live_server
):
    status, out, _ = command("status")
    assert status == 0
    assert "[x] wave_in_progress" in out
    assert "[ ] suite_green" in out
    assert f"Page: {live_server.url}/tasks/{held.pk}/" in out
    told = json.loads(command("status", "--json")[1])
    assert (told["reachable"], told["kept"], told["refused"]) == (True, [], [])


# --- reporting ------------------------------------------------------------------------------------


def test_a_beat_is_stored_as_it_was_said(known, command, held):
    said = ["--progress", 40, "--message", "wiring", "--within", 300]
    status, out, _ = command("beat", *said)
    assert (status, "about “Wire the lamp”" in out) == (0, True)
    beat = Heartbeat.objects.get()
    assert (beat.task_id, beat.progress_percentage, beat.message) == (held.pk, 40, "wiring")
    held.refresh_from_db()
    assert (held.state, held.progress_percentage) == ("in-progress", 40)


def test_a_beat_tells_what_was_used(known, command, held):
    told = ("--tokens-in", 70, "--tokens-out", 30, "--tokens-cached", 500, "--cost", "0.25")
    assert command("beat", *told, "--model", "m")[0] == 0
    rows = UsageHour.objects.filter(task=held, model="m").values_list("kind", "amount")
    assert dict(rows) == {"input": 70, "output": 30, "cache_read": 500, "cost": Decimal("0.25")}
    for wrong in (("--tokens-in", "-1"), ("--tokens-out", "many"), ("--cost", "nan")):
        with pytest.raises(SystemExit) as ended:
            command("beat", *wrong)
        assert ended.value.code == 2


def test_a_report_is_sent_with_its_exit_code(known, command, held, tmp_path):
    status, out, _ = command("report", report_of(tmp_path), "--exit-code", 1, "--json")
    answer = json.loads(out)
    assert (status, answer["kept"], answer["answer"]["passing_tests"]) == (0, False, 2)
    assert answer["answer"]["against"] == ["The runner ended with exit code 1."]
    assert QAExecution.objects.latest("recorded").task == held


def test_several_files_are_one_run(known, command, held, tmp_path):
    parts = []
    for name in ("TEST-a.xml", "TEST-b.xml"):
        parts.append(tmp_path / name)
        parts[-1].write_text(f'<testsuite name="{name}"><testcase name="t"/></testsuite>')
    status, out, _ = command("report", *parts)
    assert (status, "Reported: GREEN, 2 of 2 tests pass." in out) == (0, True)


def test_a_refused_claim_prints_what_is_missing(known, command, held, live_server):
    status, _, err = command("claim")
    assert status == 15
    assert "[ ] suite_green" in err
    assert "To do: Record a green run" in err
    assert f"Page: {live_server.url}/tasks/{held.pk}/report/" in err
    assert "[x]" not in err
    status, out, _ = command("claim", "--json")
    assert (status, json.loads(out)["accepted"]) == (15, False)


def test_a_green_run_after_the_work_completes_the_task(known, command, held, tmp_path):
    assert command("beat", "--progress", 100)[0] == 0
    green = tmp_path / "green.xml"
    cases = "".join(f'<testcase name="t{number}"/>' for number in range(5))
    green.write_text(f"<testsuite>{cases}</testsuite>")
    assert command("report", green)[0] == 0
    status, out, err = command("claim", "--evidence", "evidence/lamp.md")
    assert (status, "accepted" in out) == (0, True), err


def test_an_escalation_blocks_the_task(known, command, held):
    given = ["protected_path", "It may not be changed", "--attempt", "asked", "--last-error", "no"]
    status, out, _ = command("escalate", *given)
    assert (status, "blocked" in out) == (0, True)
    assert Blocker.objects.get().entity_id == held.pk


def test_a_validation_is_given_by_items_a_file_or_for_the_rest(known, command, held, tmp_path):
    status, out, _ = command("validate")
    assert status == 0
    section, item = out.splitlines()[0].split(": ", 1)
    status, out, _ = command("validate", f"{section}: {item}=fail", "--rest", "pass")
    assert (status, f"failed: {section}: {item}" in out) == (0, True)
    file = tmp_path / "validation.json"
    file.write_text('{"interfaces": {"named": true}}')
    assert "READY, 100 % pass" in command("validate", "--file", file)[1]


# --- refusals -------------------------------------------------------------------------------------


def test_each_kind_of_refusal_has_an_exit_status(known, command, held, tmp_path, monkeypatch):
    other = "00000000-0000-0000-0000-000000000000"
    good = report_of(tmp_path)
    assert command("report", good, "--task", other)[0] == 14
    assert command("report", tmp_path / "missing.xml")[0] == 16
    bad = tmp_path / "bad.xml"
    bad.write_text("<html/>")
    status, _, err = command("report", bad)
    assert (status, "Refused:" in err) == (16, True)
    assert command("escalate", "protected_path", " ")[0] == 16
    monkeypatch.setenv("FOREMAN_TOKEN", "fo_wrong")
    assert command("report", good)[0] == 12
    monkeypatch.setenv("FOREMAN_TOKEN", issue_ci_token("pipeline", by=None)[1])
    assert command("claim", "--task", held.pk)[0] == 13
    assert command("report", good)[0] == 10
    assert command("report", good, "--task", held.pk)[0] == 0


def test_the_document_lists_the_exit_statuses():
    from foreman import errors

    told = {int(number) for number in re.findall(r"^\| (\d+) \|", document(), flags=re.MULTILINE)}
    kinds = [kind.exit_status for kind in errors.ForemanError.__subclasses__()]
    assert {*kinds, *errors.EXIT_STATUS_OF.values()} <= told


def test_the_commands_of_the_document_are_as_the_command_line_takes_them():
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", document(), re.DOTALL))
    lines = [
        shlex.split(line, comments=True)
        for line in blocks.splitlines()
        if line.startswith(("foreman ", "python3 client.pyz "))
    ]
    assert len(lines) >= 6
    for words in lines:
        given = words[1:] if words[0] == "foreman" else words[2:]
        given = given[: given.index("<<<")] if "<<<" in given else given
        given = given[: given.index("--")] if "--" in given else given
        assert make_parser("").parse_args(given).command == given[0]


def document():
    return (Path(ROOT) / "docs" / "builders.md").read_text()


# --- offline --------------------------------------------------------------------------------------


def test_a_report_that_is_kept_is_sent_before_a_claim(office, command, monkeypatch, tmp_path):
    monkeypatch.setenv("FOREMAN_URL", office.url)
    monkeypatch.setenv("FOREMAN_TOKEN", "fo_token")
    assert command("status")[0] == 0
    office.close()
    status, out, _ = command("report", report_of(tmp_path), "--patience", 0)
    assert (status, "is kept" in out) == (0, True)
    assert command("beat", "--patience", 0)[0] == 0
    status, _, err = command("claim", "--patience", 0)
    assert (status, "sent first" in err or "cannot be reached" in err) == (17, True)
    status, out, _ = command("status", "--json")
    assert (status, [each["kind"] for each in json.loads(out)["kept"]]) == (17, ["report", "beat"])
    office.open()
    status, _, err = command("claim")
    assert (status, "Sent 1 heartbeat and 1 report kept since" in err) == (0, True)
    assert len(office.books.executed) == 3


def test_a_revoked_token_keeps_what_waits_for_the_next_login(office, command, monkeypatch):
    monkeypatch.setenv("FOREMAN_URL", office.url)
    monkeypatch.setenv("FOREMAN_TOKEN", "fo_token")
    office.books.faults.append(401)
    status, _, err = command("beat")
    assert (status, "after the next `foreman login`" in err) == (12, True)
    monkeypatch.setenv("FOREMAN_TOKEN", "fo_another")
    status, _, err = command("beat")
    assert (status, "Sent 1 heartbeat kept" in err) == (0, True)


def test_nothing_is_known_of_a_token_that_never_reached_its_office(office, command, monkeypatch):
    office.close()
    monkeypatch.setenv("FOREMAN_URL", office.url)
    monkeypatch.setenv("FOREMAN_TOKEN", "fo_token")
    assert command("beat", "--patience", 0)[0] == 17


def test_a_command_that_wrote_no_report_is_a_failed_run_of_the_office(known, held, tmp_path, home):
    shell = environment(home, os.environ["FOREMAN_URL"], known)
    given = ["run", "--report", "r.xml", "--", sys.executable, "-c", "exit(4)"]
    done = foreman(*given, env=shell)
    assert (done.returncode, "ended with 4 and wrote no report" in done.stderr) == (4, True)
    run = QAExecution.objects.filter(task=held).latest("recorded")
    assert (run.qa_status, run.executed_at < run.arrived_at) == ("RED", True)
