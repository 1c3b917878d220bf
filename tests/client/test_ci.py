"""The composite action and the shell snippet of the documentation, run by a shell as CI does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from builders.actions import issue_ci_token
from governance.models import QAExecution
from tests.client.office import PATIENCE, ROOT, environment

pytestmark = pytest.mark.slow

ACTION = yaml.safe_load((ROOT / "client" / "action.yml").read_text())
DOCUMENT = (ROOT / "docs" / "builders.md").read_text()
SUITE = "def test_a(): pass\ndef test_b(): assert {}\n"


@pytest.fixture
def runner(ready, live_server, home, tmp_path):
    """A machine of a CI system: the environment of its shells."""
    token = issue_ci_token("pipeline", by=None)[1]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return environment(home, live_server.url, token, PATH=path, RUNNER_TEMP=str(tmp_path))


def shell(script, env, directory):
    """Run a script as a step with `shell: bash` is run."""
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        env=env,
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def filled(text, inputs):
    return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: inputs[found[1]], text)


def run_action(given, env, directory):
    """Run the steps of the action until one fails; return the last one."""
    inputs = {name: told.get("default") for name, told in ACTION["inputs"].items()} | given
    assert {name for name, told in ACTION["inputs"].items() if told.get("required")} <= {*given}
    for step in ACTION["runs"]["steps"]:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]  # an input is data, and no part of a script
        told = {name: filled(text, inputs) for name, text in step.get("env", {}).items()}
        place = directory / filled(step.get("working-directory", "."), inputs)
        done = shell(step["run"], {**env, **told}, place)
        if done.returncode:
            break
    return done


def test_the_action_runs_the_suite_and_reports_it(runner, ready, tmp_path):
    env = {name: value for name, value in runner.items() if not name.startswith("FOREMAN_")}
    given = {"url": f"{runner['FOREMAN_URL']}/", "token": runner["FOREMAN_TOKEN"]}
    given |= {"task": str(ready.pk), "working-directory": "suite", "patience": "20"}
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite/test_lamp.py").write_text(SUITE.format("1 == 2"))

    done = run_action({**given, "run": "pytest -q test_lamp.py\n"}, env, tmp_path)
    assert done.returncode == 1, done.stderr
    run = QAExecution.objects.latest("recorded")
    assert (run.task, run.passing_tests, run.failing_tests) == (ready, 1, 1)

    (tmp_path / "suite/test_lamp.py").write_text(SUITE.format("True"))
    command = "false | true || true\npytest -q --junitxml='out & 1.xml' test_lamp.py"
    done = run_action({**given, "run": command, "report": "out*.xml\n"}, env, tmp_path)
    assert done.returncode == 0, done.stderr
    run = QAExecution.objects.latest("recorded")
    assert (run.passing_tests, run.failing_tests, run.qa_status) == (2, 0, "GREEN")


def test_the_snippet_of_the_documentation_runs_as_it_stands(runner, ready, tmp_path):
    section = DOCUMENT.split("\n## CI\n")[1].split("\n## ")[0]
    [snippet] = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    (tmp_path / "test_lamp.py").write_text(SUITE.format("True"))
    done = shell(snippet, {**runner, "FOREMAN_TASK": str(ready.pk)}, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Reported: GREEN, 2 of 2 tests pass." in done.stderr
    assert QAExecution.objects.latest("recorded").task == ready


def test_the_workflow_of_the_documentation_names_what_the_action_takes():
    section = DOCUMENT.split("\n## CI\n")[1].split("\n## ")[0]
    [workflow] = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    [step] = yaml.safe_load(workflow)
    assert step["uses"].split("@")[0].endswith("/client")
    required = {name for name, told in ACTION["inputs"].items() if told.get("required")}
    assert required <= {*step["with"]} <= {*ACTION["inputs"]}
