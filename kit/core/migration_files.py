"""The migrations of this code, by the names of their files: no module of them is loaded."""

from functools import cache
from pathlib import Path
from pkgutil import iter_modules

from django.apps import apps
from django.db.migrations.loader import MIGRATIONS_MODULE_NAME


@cache
def known_migrations() -> frozenset[tuple[str, str]]:
    """Return the migrations of all apps, each by the label of its app and its name."""
    found = set()
    for app in apps.get_app_configs():
        modules = iter_modules([str(Path(app.path, MIGRATIONS_MODULE_NAME))])
        found |= {(app.label, each.name) for each in modules if each.name[0] not in "_~"}
    return frozenset(found)
