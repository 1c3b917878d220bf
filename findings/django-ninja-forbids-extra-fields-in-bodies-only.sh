#!/usr/bin/env bash
# django-ninja: extra="forbid" holds for a JSON body, and is without effect for a query or a form.
#
# One would expect: one schema with extra="forbid" refuses unknown names wherever it is used.
# What happens: for Query and Form the framework picks the names it knows out of the request before pydantic sees them, so
#   nothing is left to forbid. ?statsu=open is answered with 200, as if no filter had been asked for.
# Versions: django-ninja 1.7.1, Django 6.1.3, pydantic 2.14.3 (PyPI).
# Why it matters: a misspelt filter returns all rows, and a script that acts on them acts on too many. Compare the keys of
#   request.GET by hand.
# Reference: vitalik/django-ninja issues 702 and 814.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile django-ninja==1.7.1 django==6.1.3 pydantic==2.14.3
"$work/venv/bin/python" - <<'EOF' 2> /dev/null
import importlib.metadata, sys
import django
from django.conf import settings

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])
django.setup()
from django.test import Client
from django.urls import path
from ninja import Form, NinjaAPI, Query, Schema

api = NinjaAPI()


class Filter(Schema):
    model_config = {"extra": "forbid"}
    status: str = "any"


@api.post("/body")
def by_body(request, given: Filter):
    return given.status


@api.get("/query")
def by_query(request, given: Query[Filter]):
    return given.status


@api.post("/form")
def by_form(request, given: Form[Filter]):
    return given.status


urlpatterns = [path("", api.urls)]
client, misspelt = Client(), {"statsu": "open"}
seen = {
    "body": client.post("/body", misspelt, content_type="application/json").status_code,
    "query": (client.get("/query", misspelt).status_code, client.get("/query", misspelt).content.decode()),
    "form": (client.post("/form", misspelt).status_code, client.post("/form", misspelt).content.decode()),
}
for name in ("django-ninja", "Django", "pydantic"):
    print("version:", name, importlib.metadata.version(name))
print("seen: the same misspelt field in each:", seen)
if seen != {"body": 422, "query": (200, '"any"'), "form": (200, '"any"')}:
    print("not as described: django-ninja has changed")
    sys.exit(1)
print("as expected by this finding")
EOF
