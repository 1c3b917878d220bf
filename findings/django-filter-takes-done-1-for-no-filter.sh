#!/usr/bin/env bash
# django-filter: ?done=1 and ?done=yes are valid and filter nothing; only the words true and false do.
#
# One would expect: 1 and 0, which Django's own forms and databases understand, or an error for a value that is not known.
# What happens: the widget of a BooleanFilter knows "true" and "false" (in any case of letters). Every other text means
#   "not given": the form is valid, has no error, and all rows come back.
# Versions: django-filter 26.2, Django 6.1.3 (PyPI).
# Why it matters: a link or a script with ?blocked=1 works on all tasks and looks as if it had filtered. Check the text of
#   boolean parameters, or use a ChoiceFilter.
# Reference: carltongibson/django-filter issue 187.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile django-filter==26.2 django==6.1.3
"$work/venv/bin/python" - <<'EOF'
import sys
import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}, INSTALLED_APPS=["django_filters"]
)
django.setup()
import django_filters
from django.db import connection, models
from django.http import QueryDict


class Task(models.Model):
    done = models.BooleanField()

    class Meta:
        app_label = "sample"


class TaskFilter(django_filters.FilterSet):
    class Meta:
        model = Task
        fields = ["done"]


with connection.schema_editor() as editor:
    editor.create_model(Task)
Task.objects.bulk_create([Task(done=True), Task(done=False), Task(done=False)])
seen = {}
for text in ("true", "False", "1", "0", "yes", "no"):
    asked = TaskFilter(QueryDict(f"done={text}"), queryset=Task.objects.all())
    seen[text] = (asked.is_valid(), asked.qs.count())
print("version: django-filter", django_filters.__version__, "Django", django.get_version())
print("seen: done=... -> (valid, rows of 3):", seen)
if seen != {"true": (True, 1), "False": (True, 2)} | dict.fromkeys(("1", "0", "yes", "no"), (True, 3)):
    sys.exit("not as described: django-filter has changed")
print("as expected by this finding")
EOF
