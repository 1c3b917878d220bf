#!/usr/bin/env bash
# django-htmx: two client events of one name in one response are one event, the last.
#
# One would expect: calling trigger_client_event() twice fires two events, or the second call complains.
# What happens: the events are the keys of one JSON object in HX-Trigger, so the second call replaces the parameters of the
#   first, silently. On a response whose HX-Trigger is a plain name, which htmx allows, the function raises ValueError.
# Versions: django-htmx 1.29.0, Django 6.1.3 (PyPI).
# Why it matters: "toast" is the usual name of such an event. A view that reports two things, or a view and a middleware
#   that report one each, show only the last message. Send a list under one name.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile django-htmx==1.29.0 django==6.1.3
"$work/venv/bin/python" - <<'EOF'
import importlib.metadata, json, sys
from django.conf import settings

settings.configure()
from django.http import HttpResponse
from django_htmx.http import trigger_client_event

response = HttpResponse()
trigger_client_event(response, "toast", {"text": "Task 7 was released"})
trigger_client_event(response, "toast", {"text": "Task 8 was refused"})
events = json.loads(response["HX-Trigger"])
by_hand = HttpResponse(headers={"HX-Trigger": "saved"})
try:
    trigger_client_event(by_hand, "toast", {})
    mixed = "added"
except ValueError as error:
    mixed = f"ValueError: {error}"
for name in ("django-htmx", "Django"):
    print("version:", name, importlib.metadata.version(name))
print("seen: events", events, "| beside a plain name:", mixed)
if events != {"toast": {"text": "Task 8 was refused"}} or not mixed.startswith("ValueError"):
    sys.exit("not as described: django-htmx has changed")
print("as expected by this finding")
EOF
