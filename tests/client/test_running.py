"""`foreman run`: the command's own output and status, heartbeats meanwhile, and its report."""

import fcntl
import json
import os
import pty
import signal
import sys
import termios
from pathlib import Path

import pytest
from foreman.running import shown

from tests.client.office import PATIENCE, foreman, started
from tests.races import until

pytestmark = pytest.mark.slow

JUNIT = "<testsuite><testcase name='a'/></testsuite>"
WRITE = f"""
import pathlib, sys
pathlib.Path(sys.argv[1]).write_text({JUNIT!r})
sys.exit(int(sys.argv[2]))
"""


@pytest.fixture
def requests(office):
    """Keep what is sent as pairs of a path and a body."""
    kept = []
    answer = office.books.answer
    execute = office.books.execute
    office.books.answer = lambda path: kept.append(path) or answer(path)
    office.books.execute = execute
    return kept


def of_runs(paths):
    return [path for path in paths if "/qa-runs" in path]


def test_output_input_and_status_are_the_commands_own(office, shell):
    program = "import sys; print(sys.stdin.read()); sys.stderr.write('e\\n'); sys.exit(7)"
    done = foreman("run", "--", sys.executable, "-c", program, env=shell, input="hello")
    assert (done.returncode, done.stdout) == (7, "hello\n")
    assert [line for line in done.stderr.splitlines() if not line.startswith("foreman: ")] == ["e"]


def test_a_run_is_reported_with_the_exit_code_of_its_command(office, shell, requests):
    command = [sys.executable, "-c", WRITE, "junit.xml", "3"]
    done = foreman("run", "--debt", 2, "--", *command, env=shell)
    assert done.returncode == 3
    [path] = of_runs(requests)
    assert (path.partition("?")[2]) == "test_debt_count=2&exit_code=3"
    assert "Reported: GREEN" in done.stderr


def test_pytest_needs_no_option_to_be_reported(office, shell, requests, tmp_path):
    (tmp_path / "test_lamp.py").write_text("def test_a(): assert False")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = foreman("run", "--", *command, env=shell)
    assert (done.returncode, len(of_runs(requests))) == (1, 1), done.stderr
    assert "1 failed" in done.stdout


def test_a_report_of_an_earlier_run_is_not_sent(office, shell, requests, tmp_path):
    (tmp_path / "junit.xml").write_text(JUNIT)
    done = foreman("run", "--", sys.executable, "-c", "", env=shell)
    assert (done.returncode, of_runs(requests)) == (0, [])
    assert "No report of a test runner was written" in done.stderr


def test_a_command_that_should_have_reported_and_failed_is_a_failed_run(office, shell, requests):
    done = foreman("run", "--report", "r.xml", "--", sys.executable, "-c", "exit(4)", env=shell)
    assert (done.returncode, len(of_runs(requests))) == (4, 1)


def test_reports_in_several_directories_are_told_and_not_guessed(office, shell, requests):
    program = (
        "import pathlib\nfor name in 'ab':\n  pathlib.Path(name).mkdir()\n"
        f"  pathlib.Path(name, 'junit.xml').write_text({JUNIT!r})"
    )
    done = foreman("run", "--", sys.executable, "-c", program, env=shell)
    assert (done.returncode, of_runs(requests)) == (0, [])
    assert "a/junit.xml, b/junit.xml" in done.stderr


@pytest.mark.parametrize(("command", "status"), [(["./no-such"], 127), (["/"], 126)])
def test_a_command_that_cannot_start_ends_as_a_shell_says(office, shell, requests, command, status):
    assert foreman("run", "--", *command, env=shell).returncode == status
    assert of_runs(requests) == []


def test_no_command_is_a_mistake(shell):
    assert foreman("run", env=shell).returncode == 16


WAITS = """
import pathlib, signal, sys, time
def heard(number, frame):
    pathlib.Path("heard").write_text(str(number))
    sys.exit(9)
signal.signal(int(sys.argv[1]), heard)
pathlib.Path("ready").touch()
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signals_are_passed_on(office, shell, tmp_path, requests, number):
    command = [sys.executable, "-c", WAITS, str(int(number))]
    with started("run", "--", *command, env=shell, stdin=-3, stdout=-3, stderr=-3) as running:
        until((tmp_path / "ready").exists, PATIENCE)
        running.send_signal(number)
        assert running.wait(PATIENCE) == 9
    assert (tmp_path / "heard").read_text() == str(int(number))
    assert of_runs(requests) == []


def test_a_command_that_a_signal_ends_has_the_status_that_a_shell_gives_it(office, shell):
    program = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert foreman("run", "--", sys.executable, "-c", program, env=shell).returncode == 137


def test_it_beats_while_the_command_runs(office, shell, tmp_path):
    program = "import pathlib, time\nwhile not pathlib.Path('end').exists(): time.sleep(0.01)"
    command = ["run", "--every", "0.05", "--", sys.executable, "-c", program]
    with started(*command, env=shell, stdout=-3, stderr=-3) as running:
        until(lambda: len(office.books.executed) >= 3, PATIENCE)
        (tmp_path / "end").touch()
        assert running.wait(PATIENCE) == 0


def test_an_office_that_goes_away_and_comes_back_gets_every_beat_and_the_report(
    office, shell, tmp_path
):
    program = (
        "import pathlib, time\nwhile not pathlib.Path('end').exists(): time.sleep(0.01)\n"
        f"pathlib.Path('junit.xml').write_text({JUNIT!r})"
    )
    command = ["run", "--every", "0.05", "--", sys.executable, "-c", program]
    with started(*command, env=shell, stdout=-3, stderr=-1, text=True) as running:
        until(lambda: office.books.executed, PATIENCE)
        office.close()
        spooled = Path(shell["HOME"])
        until(lambda: len([*spooled.rglob("spool/0*")]) >= 3, PATIENCE)
        office.open()
        until(lambda: not [*spooled.rglob("spool/0*-beat-*")], PATIENCE)
        (tmp_path / "end").touch()
        told = running.stderr.read()
        assert running.wait(PATIENCE) == 0
    assert len(office.books.executed) == len({*office.books.executed})
    assert told.count("kept for later") == 1
    assert "kept since" in told
    assert "Reported: GREEN" in told


def test_a_run_that_is_killed_while_it_sends_its_report_loses_it_not(office, shell, tmp_path):
    foreman("status", env=shell)
    command = ["run", "--every", "60", "--", sys.executable, "-c", WRITE, "junit.xml", "0"]
    running = started(*command, env=shell, stdout=-3, stderr=-3)
    office.books.faults.extend([503] * 200)
    until(lambda: [*Path(shell["HOME"]).rglob("spool/0*-report-*")], PATIENCE)
    running.kill()
    running.wait(PATIENCE)
    [entry] = Path(shell["HOME"]).rglob("spool/0*-report-*")
    key = json.loads(entry.read_bytes().partition(b"\n")[0])["key"]
    office.books.faults.clear()
    assert foreman("status", env=shell).returncode == 0
    assert foreman("status", env=shell).returncode == 0
    assert office.books.requests.count(key) == 1


def test_an_office_that_is_away_and_unknown_stops_no_command(office, shell):
    office.close()
    done = foreman("run", "--patience", "0", "--", sys.executable, "-c", "exit(5)", env=shell)
    assert (done.returncode, "The command runs all the same." in done.stderr) == (5, True)


def test_secrets_of_a_command_are_not_in_its_beats():
    assert shown(["x", "--api-key=abc", "PASSWORD=def", "--token", "ghi"]) == (
        "x --api-key=*** PASSWORD=*** --token ***"
    )
    assert len(shown(["x" * 999])) == 200


def test_what_a_command_below_has_reported_itself_is_not_reported_again(office, shell, requests):
    program = (
        f"import pathlib, subprocess, sys\npathlib.Path('junit.xml').write_text({JUNIT!r})\n"
        "subprocess.run([sys.executable, '-m', 'foreman', 'report', 'junit.xml'], check=True)"
    )
    done = foreman("run", "--", sys.executable, "-c", program, env=shell)
    assert (done.returncode, len(of_runs(requests))) == (0, 1), done.stderr


def test_a_command_that_only_has_the_word_pytest_in_it_is_no_failed_run(office, shell, requests):
    done = foreman("run", "--", sys.executable, "-c", "exit(1)", "pytest", env=shell)
    assert (done.returncode, of_runs(requests)) == (1, [])


COUNTS = """
import pathlib, signal, sys, time
def heard(number, frame):
    with open("heard", "a") as file:
        file.write("x")
signal.signal(signal.SIGINT, heard)
pathlib.Path("ready").touch()
while not pathlib.Path("end").exists():
    time.sleep(0.01)
"""


def test_ctrl_c_of_a_terminal_reaches_the_command_once(office, shell, tmp_path):
    ours, theirs = pty.openpty()
    terminal = dict.fromkeys(("stdin", "stdout", "stderr"), theirs)

    def take_terminal():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    command = ["run", "--", sys.executable, "-c", COUNTS]
    with started(*command, env=shell, preexec_fn=take_terminal, **terminal) as running:
        os.close(theirs)
        until((tmp_path / "ready").exists, PATIENCE)
        os.write(ours, b"\x03")
        until((tmp_path / "heard").exists, PATIENCE)
        running.send_signal(signal.SIGUSR2)  # passed on, and ends the command
        assert running.wait(PATIENCE) == 128 + signal.SIGUSR2
    os.close(ours)
    assert (tmp_path / "heard").read_text() == "x"
