"""`pytest --foreman` in real projects: alone, with workers, and where collection fails."""

import subprocess
import sys

import pytest

from tests.client.office import PATIENCE

pytestmark = pytest.mark.slow

TESTS = "def test_a(): pass\ndef test_b(): assert False\n"


@pytest.fixture
def project(tmp_path, shell, office):
    """Run pytest with the plug-in on a file of tests; keep the reports that are sent."""
    made = tmp_path / "project"
    made.mkdir()
    reports = []
    take = office.books.take
    office.books.take = lambda path, body: take(path, body) or reports.append((path, body))

    def run(content, *options, **more):
        (made / "test_lamp.py").write_text(content)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "foreman.pytest_plugin"]
        plain = ["-p", "no:cacheprovider", "-p", "xdist", "-W", "error"]
        return subprocess.run(
            [*command, *plain, *options],
            env={**shell, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **more},
            cwd=made,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    run.reports = lambda: [each for each in reports if "/qa-runs" in each[0]]
    run.beats = lambda: [each for each in reports if "/heartbeat" in each[0]]
    return run


@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["alone", "workers"])
def test_a_run_is_reported_once_with_all_tests_and_its_exit_code(project, options):
    done = project(TESTS, "--foreman", *options)
    assert done.returncode == 1
    [(path, body)] = project.reports()
    assert path.endswith("/qa-runs?exit_code=1")
    assert body.count(b"<testcase") == 2
    assert body.count(b"<failure") == 1
    assert "foreman: Reported: GREEN" in done.stdout
    assert project.beats()


@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["alone", "workers"])
def test_a_run_whose_collection_fails_is_reported(project, options):
    done = project("import no_such_module\n", "--foreman", *options)
    assert done.returncode != 0
    [(path, body)] = project.reports()
    assert path.endswith(f"exit_code={done.returncode}")
    assert b"<error" in body


def test_a_file_that_was_asked_for_is_written_and_sent(project, tmp_path):
    file = tmp_path / "mine.xml"
    assert project(TESTS, "--foreman", f"--junitxml={file}").returncode == 1
    assert [body for _, body in project.reports()] == [file.read_bytes()]


def test_nothing_is_reported_unasked_when_only_listed_or_by_what_foreman_runs(project):
    assert project(TESTS).returncode == 1
    assert project(TESTS, "--foreman", "--collect-only").returncode == 0
    assert project(TESTS, "--foreman", FOREMAN_RUN="1").returncode == 1
    assert project.reports() == []


def test_a_run_that_is_interrupted_is_not_reported(project):
    done = project("def test_a(): raise KeyboardInterrupt", "--foreman")
    assert (done.returncode, project.reports()) == (2, [])
    assert "not reported" in done.stdout


def test_an_office_that_is_away_changes_no_result_and_gets_the_run_later(project, office, shell):
    assert project(TESTS, "--foreman").returncode == 1
    office.close()
    done = project("def test_a(): pass", "--foreman", FOREMAN_PATIENCE="0")
    assert (done.returncode, "report is kept" in done.stdout) == (0, True), done.stdout
    office.open()
    assert project(TESTS, "--foreman").returncode == 1
    assert [path.rpartition("=")[2] for path, _ in project.reports()] == ["1", "0", "1"]


def test_no_login_changes_no_result(project, shell):
    done = project("def test_a(): pass", "--foreman", FOREMAN_URL="", FOREMAN_TOKEN="")
    assert (done.returncode, "Run `foreman login`" in done.stdout) == (0, True)
