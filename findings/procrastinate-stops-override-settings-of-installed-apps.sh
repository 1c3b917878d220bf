#!/usr/bin/env bash
# procrastinate and Django: override_settings(INSTALLED_APPS=...) fails as soon as procrastinate is among the apps.
#
# One would expect: a test may add an app for a while, as Django's override_settings() documents; the apps that stay are
#   as they were.
# What happens: Django calls ready() of every app again. procrastinate's ready() adds its built-in tasks to the one app
#   object of the process, which refuses them the second time: TaskAlreadyRegistered, about a namespace whose name is
#   empty. The body of the override is never entered.
# Versions: procrastinate 3.10.0, Django 6.1.3 (PyPI). No database is needed.
# Why it matters: tests of reusable apps that add an app fail in every project that has this queue, and the message names
#   neither setting nor app.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile procrastinate==3.10.0 Django==6.1.3 "psycopg[binary]==3.3.9"
cat > "$work/again.py" <<'EOF'
import importlib.metadata, sys

import django
from django.conf import settings
from django.test import override_settings


def added(installed):
    """Return what it says to add an app for a while."""
    try:
        with override_settings(INSTALLED_APPS=[*installed, "django.contrib.humanize"]):
            return "no error"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


with_queue = sys.argv[1] == "queue"
installed = ["django.contrib.contenttypes", *(["procrastinate.contrib.django"] if with_queue else [])]
settings.configure(
    INSTALLED_APPS=installed,
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "unused"}},
)
django.setup()
says = added(installed)
print("version: procrastinate", importlib.metadata.version("procrastinate"), "Django", django.__version__)
print("seen:", sys.argv[1], "|", says)
expected = "TaskAlreadyRegistered: A namespace named  was already registered" if with_queue else "no error"
if says != expected:
    sys.exit("not as described: procrastinate or Django has changed")
EOF
cd "$work" && venv/bin/python again.py plain && venv/bin/python again.py queue && echo "as expected by this finding"
