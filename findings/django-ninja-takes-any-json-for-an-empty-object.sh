#!/usr/bin/env bash
# django-ninja: where all fields are optional, a body that is a number, a text or a list is taken for an empty object.
#
# One would expect: 422 for a body that is no JSON object.
# What happens: Schema reads attributes of whatever it is given; a number or a list simply has none of the wanted ones, so
#   each field takes its default and the answer is 200. A list of one complete object loses that object. With
#   extra="forbid" the same bodies are refused.
# Versions: django-ninja 1.7.1, Django 6.1.3, pydantic 2.14.3 (PyPI).
# Why it matters: a client that wraps its request in a list, or sends JSON that was encoded twice (a text), is told that
#   its change was made. Give such schemas extra="forbid".
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile django-ninja==1.7.1 django==6.1.3 pydantic==2.14.3
"$work/venv/bin/python" - <<'EOF' 2> /dev/null
import importlib.metadata, json, sys
import django
from django.conf import settings

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])
django.setup()
from django.test import Client
from django.urls import path
from ninja import NinjaAPI, Schema

api = NinjaAPI()


class Change(Schema):
    progress: int = 0


class StrictChange(Change):
    model_config = {"extra": "forbid"}


@api.post("/change")
def change(request, body: Change):
    return body.progress


@api.post("/strict")
def strict(request, body: StrictChange):
    return body.progress


urlpatterns = [path("", api.urls)]
seen = {}
for text in ('{"progress": 7}', '[{"progress": 7}]', json.dumps('{"progress": 7}'), "7"):
    answers = [Client().post(address, text, content_type="application/json") for address in ("/change", "/strict")]
    seen[text] = (answers[0].status_code, answers[0].content.decode(), answers[1].status_code)
for name in ("django-ninja", "Django", "pydantic"):
    print("version:", name, importlib.metadata.version(name))
print("seen: body -> (status, progress, status with extra=forbid):", seen)
if list(seen.values()) != [(200, "7", 200), (200, "0", 422), (200, "0", 422), (200, "0", 422)]:
    print("not as described: django-ninja has changed")
    sys.exit(1)
print("as expected by this finding")
EOF
