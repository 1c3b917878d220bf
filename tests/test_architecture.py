"""Imports point back along the flow: what comes later knows what came before, never reversed."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Each package, and our other packages that it may know.
MAY_IMPORT = {
    "foreman_office.kit": set(),
    "foreman_office.live": {"foreman_office.kit"},
    "programs": {"foreman_office.kit"},
    "builders": {"foreman_office.kit", "programs"},
    "governance": {"foreman_office.kit", "programs", "builders"},
}
# These know everyone, and nobody below them knows them.
KNOW_EVERYONE = {
    f"foreman_office.{module}"
    for module in [
        "api",
        "api_docs",
        "demo",
        "doctor",
        "generator",
        "health",
        "login_link",
        "management",
        "metrics",
        "places",
        "search",
        "settings",
        "urls",
        "views",
        "visits",
        "wsgi",
    ]
}
OURS = ("foreman_office", "programs", "builders", "governance", "tests", "bench")


def files(package):
    return sorted((ROOT / package.replace(".", "/")).rglob("*.py"))


def imported(file):
    """Say which of our modules a file imports, whatever level the import stands on."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: a relative import hides where it points"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.partition(".")[0] in OURS)


def inside(name, packages):
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_point_back_along_the_flow(package):
    known = {package, *MAY_IMPORT[package]}
    astray = {
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files(package)
        for name in imported(file)
        if not inside(name, known)
    }

    assert astray == set()


def test_every_part_of_the_product_has_its_place_in_the_flow():
    parts = {
        f"foreman_office.{path.stem}"
        for path in (ROOT / "foreman_office").iterdir()
        if path.suffix == ".py" or any(path.rglob("*.py"))
    } - {"foreman_office.__init__"}
    apps = {path.parent.name for path in ROOT.glob("*/apps.py")} - {"foreman_office"}

    assert parts | apps == MAY_IMPORT.keys() | KNOW_EVERYONE


def test_settings_urls_and_wsgi_are_imported_by_nobody():
    astray = {
        f"{file.relative_to(ROOT)} imports {name}"
        for package in ("foreman_office", "programs", "builders", "governance")
        for file in files(package)
        for name in imported(file)
        if inside(name, {f"foreman_office.{end}" for end in ("settings", "urls", "wsgi")})
    }

    assert astray == set()


def test_the_product_needs_no_tests():
    astray = {
        f"{file.relative_to(ROOT)} imports {name}"
        for package in ("foreman_office", "programs", "builders", "governance")
        for file in files(package)
        for name in imported(file)
        if inside(name, {"tests", "bench"})
    }

    assert astray == set()


@pytest.mark.parametrize("app", ["programs", "builders", "governance"])
def test_migrations_import_nothing_that_changes(app):
    stable = {"foreman_office.kit.sql"}
    astray = {
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files(f"{app}.migrations")
        for name in imported(file)
        if not inside(name, stable)
    }

    assert astray == set()


@pytest.mark.parametrize("app", ["programs", "builders", "governance"])
def test_actions_know_no_request_and_no_html(app):
    file = ROOT / app / "actions.py"
    names = {
        alias.name if isinstance(node, ast.Import) else f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }

    assert not {name for name in names if inside(name, {"django.http", "django.shortcuts"})}
