"""The client as one file from the office, and as what can be installed."""

import ast
import io
import subprocess
import sys
import tomllib
import zipfile

import pytest
from foreman import __version__

from foreman_office.api.client_archive import client_archive
from tests.client.office import PATIENCE, ROOT, environment
from tests.test_architecture import LINES_OF_A_MODULE

PACKAGE = ROOT / "client" / "foreman"


def test_the_archive_is_the_same_whenever_it_is_built():
    first = client_archive()
    client_archive.cache_clear()
    assert client_archive() == first
    with zipfile.ZipFile(io.BytesIO(first[0])) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist() == sorted(archive.namelist())
        assert {f"foreman/{file.name}" for file in PACKAGE.glob("*.py")} < {*archive.namelist()}


def test_it_is_answered_to_everyone_and_not_again_to_whom_has_it(client, db):
    answer = client.get("/client.pyz")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    again = client.get("/client.pyz", headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.slow
def test_it_runs_by_itself_without_any_package(tmp_path, home):
    file = tmp_path / "client.pyz"
    file.write_bytes(client_archive()[0])
    env = environment(home, PYTHONPATH="")
    done = subprocess.run(
        [sys.executable, "-I", "-S", file, "--version"],
        env=env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stdout) == (0, f"foreman {__version__}\n"), done.stderr


def imported(file):
    """Yield the first part of each module that a file imports."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.partition(".")[0]


def test_it_knows_the_standard_library_and_nothing_of_the_office():
    own = {"foreman"}
    others_of = {
        "pytest_plugin.py": {"pytest", "_pytest"},  # only pytest imports it
        "mcp_server.py": {"mcp", "mcp_types", "anyio", "jsonschema"},  # only `foreman mcp` does
    }
    for file in PACKAGE.glob("*.py"):
        known = own | others_of.get(file.name, set())
        assert {*imported(file)} - known <= {*sys.stdlib_module_names}, file
        assert len(file.read_text().splitlines()) <= LINES_OF_A_MODULE, file
    others = {"kit", "programs", "builders", "governance", "foreman_office", "bench"}
    assert not others & {*sys.stdlib_module_names}


def test_it_is_written_for_the_oldest_python_that_it_names():
    told = tomllib.loads((ROOT / "client" / "pyproject.toml").read_text())["project"]
    assert (told["requires-python"], told["dependencies"]) == (">=3.10", [])
    assert told["version"] == __version__
    for file in PACKAGE.glob("*.py"):
        ast.parse(file.read_text(), feature_version=(3, 10))
