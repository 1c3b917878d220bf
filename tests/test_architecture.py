"""What comes later knows what came before, never reversed: as far as import-linter cannot see it.

The imports themselves are held by the contracts in pyproject.toml (`make check` runs them).
"""

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parent.parent

# Each knows those that stand before it.
FLOW = ["kit", "programs", "builders", "governance", "foreman_office", "bench"]
DOMAIN = ["programs", "builders", "governance"]
PRODUCT = FLOW[:-1]
# What changes a list, a mapping or a set in place.
CHANGES = {
    *("append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse"),
    *("add", "discard", "update", "setdefault", "popitem"),
}


def files(*packages):
    return sorted(
        file
        for package in packages
        for file in (ROOT / package.replace(".", "/")).rglob("*.py")
        if package.endswith("migrations") or "migrations" not in file.parts
    )


@cache
def tree(file):
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def nodes(file):
    return [*ast.walk(tree(file))]


@pytest.fixture(scope="module", autouse=True)
def _parsed_once():
    yield
    tree.cache_clear()
    nodes.cache_clear()


def imported(file):
    """Yield the modules that a file imports, and what from them, at whatever level it does so."""
    for node in nodes(file):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None, alias.asname or alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: a relative import hides where it points"
            for alias in node.names:
                yield node.module, alias.name, alias.asname or alias.name


def names_imported(file):
    for module, name, _ in imported(file):
        yield f"{module}.{name}" if name else module


def inside(name, packages):
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def places(found):
    return sorted({f"{file.relative_to(ROOT)}:{line} {what}" for file, line, what in found})


def later_than(package):
    return FLOW[FLOW.index(package) + 1 :]


@pytest.mark.parametrize("package", FLOW)
def test_no_text_names_a_module_of_what_comes_later(package):
    """A dotted name in a text is an import as well."""
    dotted = re.compile(rf"({'|'.join(later_than(package)) or 'nothing'})(\.[a-z_]\w*)+")
    found = [
        (file, node.lineno, node.value)
        for file in files(package)
        for node in nodes(file)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and dotted.fullmatch(node.value)
    ]

    assert places(found) == []


def reverse_accessors():
    """Yield what models are asked by for rows of others: the owner's app, the name, the asker's."""
    for model in apps.get_models():
        app = model._meta.app_label
        for relation in model._meta.related_objects:
            asker = relation.related_model._meta.app_label
            if app in DOMAIN and asker in DOMAIN and asker != app:
                yield asker, relation.get_accessor_name()
                yield asker, relation.related_query_name


def test_there_are_reverse_accessors_to_look_for():
    assert ("builders", "holders") in {*reverse_accessors()}
    assert ("governance", "qa_executions") in {*reverse_accessors()}


@pytest.mark.parametrize("package", ["kit", *DOMAIN])
def test_no_reverse_accessor_is_used_before_its_owner(package):
    names = {name for owner, name in reverse_accessors() if owner in later_than(package)}
    found = [
        (file, node.lineno, name)
        for file in files(package)
        for node in nodes(file)
        for name in asked(node)
        if name in names
    ]

    assert places(found) == []


def asked(node):
    """Return the names by which an expression may ask a model for related rows."""
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, ast.keyword) and node.arg:
        return node.arg.split("__")
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.split("__") if node.value.isidentifier() else []
    return []


@pytest.mark.parametrize("package", DOMAIN)
def test_the_domain_shows_nothing(package):
    """Templates, tags and views are the project's; what corrects rows in the admin is the app's."""
    shown = {".html", ".css", ".js"}
    assert not [path for path in (ROOT / package).rglob("*") if path.suffix in shown]
    assert not [file for file in files(package) if "templatetags" in file.parts]

    of_pages = {"django.shortcuts", "django.template", "django.http", "django.urls.path"}
    found = [
        (file, 0, name)
        for file in files(package)
        if file.name != "admin.py"
        for name in names_imported(file)
        if inside(name, of_pages)
    ]
    assert places(found) == []


@pytest.mark.parametrize("package", PRODUCT)
def test_nothing_changes_what_another_module_made(package):
    """No list, mapping or class of one module is changed by another, at start-up or later."""
    found = []
    for file in files(package):
        others = {
            local for module, name, local in imported(file) if name and inside(module, PRODUCT)
        }
        for node in nodes(file):
            if is_hook(node) or changed(node) & {name for name in others if is_lasting(name)}:
                found.append((file, node.lineno, ast.unparse(node)))

    assert places(found) == []


def is_lasting(name):
    """Return whether a name is of a constant or a class, which are not replaced at run time."""
    return name[0].isupper()


def is_hook(node):
    return isinstance(node, ast.Attribute) and node.attr in ("add_to_class", "base_filters")


def changed(node):
    """Return the name at the root of what a statement assigns to, or changes in place."""
    match node:
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            pass
        case ast.AugAssign(target=target):
            targets = [target]
        case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in CHANGES:
            # `Task.objects.update()` changes rows; a list or a mapping has no manager.
            if "objects" in ast.unparse(value):
                return set()
            return {root(value)}
        case ast.Call(func=ast.Name(id="setattr"), args=[first, *_]):
            return {root(first)}
        case _:
            return set()
    return {root(each) for each in targets if isinstance(each, ast.Attribute | ast.Subscript)}


def root(node):
    """Return the name that an expression of attributes and keys begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def test_a_change_of_what_another_module_made_is_seen():
    changes = [
        "LIST.append(1)",
        "MAPPING['key'] = 1",
        "Form.base_fields['key'] = 1",
        "Model.name = property()",
        "setattr(Model, 'name', 1)",
        "del MAPPING['key']",
        "LIST[0] += 1",
    ]
    for code in changes:
        names = set().union(*(changed(node) for node in ast.walk(ast.parse(code))))
        assert names & {"LIST", "MAPPING", "Form", "Model"}, code


@pytest.mark.parametrize("package", ["foreman_office", *DOMAIN])
def test_an_app_that_starts_only_listens(package):
    """What has to be heard of is said by a signal; nothing else is done as an app starts."""
    for file in ROOT.glob(f"{package}/**/apps.py"):
        for function in nodes(file):
            if isinstance(function, ast.FunctionDef):
                assert function.name == "ready"
                for statement in function.body:
                    if not isinstance(statement, ast.Import | ast.ImportFrom):
                        assert re.fullmatch(r"\w+\.connect\(\w+\)", ast.unparse(statement)), file


def test_the_product_needs_no_tests():
    found = [
        (file, 0, name)
        for file in files(*FLOW)
        for name in names_imported(file)
        if inside(name, {"tests"})
    ]

    assert places(found) == []


# What migrations are written with, and so stays as it is.
LASTING = {"kit.core.bounds", "kit.core.row_security", "kit.core.rules", "kit.core.sql"}


@pytest.mark.parametrize("app", DOMAIN)
def test_migrations_import_nothing_that_changes(app):
    found = [
        (file, 0, name)
        for file in files(f"{app}.migrations")
        for name in names_imported(file)
        if inside(name, FLOW) and not inside(name, LASTING)
    ]

    assert places(found) == []


@pytest.mark.parametrize("app", DOMAIN)
def test_actions_know_no_request_and_no_html(app):
    names = {*names_imported(ROOT / app / "actions.py")}

    assert not {name for name in names if inside(name, {"django.http", "django.shortcuts"})}


def test_the_demos_foreman_and_builders_are_clients():
    """They know addresses, HTTP and the builders' client: what they do, any user can do."""
    simulation = "foreman_office.simulation"
    clients = [ROOT / "foreman_office/simulation" / f"{name}.py" for name in CLIENTS]
    known = [*sys.stdlib_module_names, "foreman", *(f"{simulation}.{name}" for name in CLIENTS)]
    assert {
        f"{file.name} {name}"
        for file in clients
        for name in names_imported(file)
        if not inside(name, known)
    } == set()


CLIENTS = ["builder", "foreman", "history", "pages", "script"]


# --- how long a module and a view may be ----------------------------------------------------------

LINES_OF_A_MODULE = 400
LINES_OF_A_VIEW = 25
VIEWS = ["foreman_office/dashboard/**/views*.py", "kit/live/views.py", "foreman_office/api/*.py"]


def length(function):
    """Return the lines of a function, its decorators not counted."""
    return function.end_lineno - function.lineno + 1


def is_endpoint(function):
    return any("router." in ast.unparse(decorator) for decorator in function.decorator_list)


def test_no_module_is_longer_than_a_reader_keeps_in_mind():
    lengths = {
        str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines())
        for file in files(*FLOW, "tests")
    }

    assert len(lengths) > 400
    assert {name: lines for name, lines in lengths.items() if lines > LINES_OF_A_MODULE} == {}


def test_no_view_is_longer_than_fetch_act_and_show():
    views = [
        (file, function)
        for pattern in VIEWS
        for file in sorted(ROOT.glob(pattern))
        for function in tree(file).body
        if isinstance(function, ast.FunctionDef)
        and ("api" not in file.parts or is_endpoint(function))
    ]

    assert len(views) > 100
    long = [
        (file, view.lineno, view.name) for file, view in views if length(view) > LINES_OF_A_VIEW
    ]
    assert places(long) == []


# --- one thing, one name --------------------------------------------------------------------------

# What several modules have by convention: a command, the entry of a script or a benchmark.
OF_EACH_MODULE = {"Command", "main", "run"}


def top_level_names(file):
    """Return the functions, classes and types that a module defines."""
    for node in tree(file).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.TypeAlias):
            yield node.name.id


def test_no_function_or_class_has_the_name_of_another():
    named = {}
    for file in files(*FLOW):
        for name in {*top_level_names(file)} - OF_EACH_MODULE:
            named.setdefault(name, []).append(str(file.relative_to(ROOT)))

    assert len(named) > 1000
    assert {name: modules for name, modules in named.items() if len(modules) > 1} == {}
