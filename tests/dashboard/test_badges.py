"""Badges: made and revoked by a foreman, read by anybody with the key, without a name in them."""

import re
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.urls import reverse

from builders.actions import make_badge, revoke_token, token_digest
from builders.models import BadgeKey, Builder
from governance.models import Evidence
from governance.replay import Replay
from tests.factories import BuilderFactory, TaskFactory, UserFactory

pytestmark = pytest.mark.django_db


def read(key, form="json"):
    return Client().get(f"/badges/{key}.{form}")


def test_a_badge_says_a_state_and_figures_and_no_name():
    task = TaskFactory(state="in-progress", progress_percentage=40, name="Secret <task>")
    program = task.wave.program
    BuilderFactory(current_task=task, state="active")
    _, key = make_badge(program, by=None)
    answer = read(key)
    assert answer.json() == {
        "schemaVersion": 1,
        "label": "program",
        "message": "in progress, 0 of 1 tasks",
        "color": "#1560b0",
    }
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    _, key = make_badge(Builder.objects.get(pk="ui-builder"), by=None)
    said = read(key).json()
    assert (said["label"], said["message"].endswith(", 40 %")) == ("builder", True)
    drawn = read(key, "svg")
    assert drawn.headers["Content-Type"] == "image/svg+xml"
    assert ElementTree.fromstring(drawn.content).get("aria-label") == f"builder: {said['message']}"
    for text in (drawn.content.decode(), answer.content.decode()):
        assert not [name for name in (program.name, task.name, "ui-builder") if name in text]


def test_only_a_valid_key_opens_a_badge(task):
    badge, key = make_badge(task.wave.program, by=None)
    assert bytes(badge.digest) == token_digest(key)
    assert key not in str(Evidence.objects.values_list("context", flat=True))
    for wrong in ("fb_wrong", badge.prefix, str(badge.pk), key[:-1]):
        assert read(wrong).status_code == 404
        assert "no-store" in read(wrong, "svg").headers["Cache-Control"]
    assert read(key, "svg").status_code == 200
    revoke_token(badge, by=None)
    assert read(key).status_code == 404


def test_to_make_and_to_revoke_leave_evidence_and_replay(task):
    for about in (task.wave.program, BuilderFactory()):
        badge, _ = make_badge(about, by=None)
        revoke_token(badge, by=None)
        rows = Evidence.objects.of(about).filter(action__startswith="badge_").order_by("sequence")
        assert [row.action for row in rows] == ["badge_issued", "badge_revoked"]
        assert "digest" not in rows[0].context["snapshot"]
    assert Replay().first_differences() == []


def test_a_foreman_makes_and_revokes_badges_on_a_page(person, task):
    address = reverse("builders:badge_make")
    program = task.wave.program
    assert person.post(address, {"program": "", "builder": ""}).status_code == 422
    both = {"program": program.pk, "builder": "ui-builder"}
    assert person.post(address, both).status_code == 422
    made = person.post(address, {"program": program.pk, "builder": ""})
    assert "no-store" in made.headers["Cache-Control"]
    [svg, json] = re.findall(r"http://testserver(/badges/fb_[\w-]+\.(?:svg|json))", made.text)
    assert Client().get(svg).status_code == Client().get(json).status_code == 200
    badge = BadgeKey.objects.get()
    page = person.get(reverse("builders:badge_list")).text
    assert f"{badge.prefix}…" in page
    assert svg not in page
    assert person.post(reverse("builders:badge_revoke", args=[badge.pk])).status_code == 302
    assert Client().get(svg).status_code == 404
    viewer = Client()
    viewer.force_login(UserFactory(roles=["viewer"]))
    assert "Make a badge" not in viewer.get(reverse("builders:badge_list")).text
    assert viewer.post(address, both).status_code == 403


def test_a_badge_is_of_one_thing(task, refuses, builder):
    for about in ({}, {"program": task.wave.program, "builder": builder}):
        with refuses("badge_keys_about_check"):
            BadgeKey.objects.create(prefix="fb_x", digest=b"x" * 32, **about)
