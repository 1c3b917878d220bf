"""Times in the zone of whoever reads."""

import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse
from django.utils.timezone import get_current_timezone_name

from kit.web.timezones import zones_by_region
from tests.factories import TaskFactory

pytestmark = pytest.mark.django_db


def exact_times(person, task):
    return re.findall(r'title="(2026-[^"]*)"', person.get(task.get_absolute_url()).text)


def test_a_zone_is_chosen_kept_and_named_beside_each_exact_time(person):
    task = TaskFactory(state="in-progress", started_at=datetime(2026, 1, 31, 23, 30, tzinfo=UTC))
    assert "2026-01-31 23:30:00 UTC" in exact_times(person, task)
    answer = person.post(reverse("choice"), {"zone": "Asia/Tokyo", "next": "/tasks/"})
    assert answer.url == "/tasks/"
    assert "2026-02-01 08:30:00 JST" in exact_times(person, task)
    assert 'data-zone="Asia/Tokyo"' in person.get("/").text


def test_one_who_reads_in_a_zone_leaves_it_to_nobody_else(person):
    person.cookies["zone"] = "Asia/Tokyo"
    person.get("/")
    assert get_current_timezone_name() == "UTC"


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd", "localtime\0"])
def test_a_zone_that_is_none_is_refused_and_not_believed(person, zone):
    assert person.post(reverse("choice"), {"zone": zone}).status_code == 400
    person.cookies["zone"] = zone
    assert 'data-zone="UTC"' in person.get("/").text


def test_all_zones_are_offered_by_region_with_the_chosen_one_in_place(person):
    person.cookies["zone"] = "Europe/Berlin"
    content = person.get(reverse("zone")).text
    assert '<option value="Europe/Berlin" selected>' in content
    assert '<optgroup label="America">' in content
    assert ("Asia/Kolkata", "Kolkata (UTC+05:30)") in zones_by_region()["Asia"]
    assert "Etc" not in zones_by_region()
