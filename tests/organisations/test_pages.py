"""What a member sees of the office over HTTP: what is of their organisation, on every page."""

import re

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from governance.models import Evidence, OrganisationMember
from programs.models import Organisation
from tests.factories import UserFactory

# What hangs on another organisation, or on the office itself, has one of these in its text.
OTHERS = re.compile("beta|omega|qa-builder|api-builder", re.IGNORECASE)


@pytest.fixture
def ada(three):
    """A foreman of organisation a, logged in."""
    return log_in(three.a, "ada", "foreman")


def log_in(place, name, role):
    """Return a client with which a new member of an organisation is logged in."""
    found, _ = Organisation.objects.get_or_create(
        organisation_id=place.id, defaults={"name": place.name}
    )
    person = UserFactory(username=name)
    person.groups.clear()
    OrganisationMember.objects.create(user=person, organisation=found, role=role)
    client = Client()
    client.force_login(person)
    return client


def addresses(of):
    """Yield the name of each page, with what it is about of an organisation."""
    keys = {
        "programs:program": of.program.pk,
        "programs:wave": of.wave.pk,
        "programs:task": of.task.pk,
        "builders:builder": of.builder.pk,
        "governance:plan": of.program.pk,
        "governance:quality_run": of.run.pk,
    }
    sequence = Evidence.objects.within(of.task)[0].sequence
    for name, pattern in every_pattern():
        taken = set(pattern.pattern.converters)
        if not taken:
            yield name, reverse(name)
        elif taken == {"pk"} and (key := keys.get(name) or keys.get(name.rpartition("_")[0])):
            yield name, reverse(name, args=[key])
        elif taken == {"kind", "pk"}:
            yield name, reverse(name, kwargs={"kind": "task", "pk": of.task.pk})
        elif taken == {"sequence"}:
            yield name, reverse(name, args=[sequence])


def every_pattern(patterns=None, namespace=""):
    for each in get_resolver().url_patterns if patterns is None else patterns:
        if hasattr(each, "url_patterns"):
            inner = f"{each.namespace}:" if each.namespace else ""
            if each.namespace not in ("admin", "api-1.0.0"):
                yield from every_pattern(each.url_patterns, namespace + inner)
        elif each.name:
            yield namespace + each.name, each


def test_dev(three, ada):
    ada.raise_request_exception = False

    bad = []
    for name, address in addresses(three.a):
        if "stream" in name:
            continue
        try:
            answer = ada.get(address)
            status, text = (
                answer.status_code,
                (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode(
                    errors="replace"
                ),
            )
        except Exception as e:
            bad.append((name, repr(e)))
            continue
        said = OTHERS.findall(text)
        if status >= 500 or status == 404 or said:
            exc = getattr(answer, "exc_info", None)
            bad.append((name, address, status, set(said), str(exc and exc[1])[:150]))
    for b in bad:
        print(b)
    assert 0
