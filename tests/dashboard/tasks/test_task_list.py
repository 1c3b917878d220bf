"""The list of all tasks: what it can be asked for, what each row says, how often it asks."""

import csv
import io
import random
import re

import pytest
from django.urls import reverse

from programs.models import Wave
from tests.factories import (
    ProgramFactory,
    QAExecutionFactory,
    TaskFactory,
    WaveFactory,
)

pytestmark = pytest.mark.django_db

LIST = "/tasks/"


@pytest.fixture
def tasks():
    """Six tasks of two programs, each different from the others in what can be asked for."""
    barn, annex = ProgramFactory(name="Barn"), ProgramFactory(name="Annex")
    walls = WaveFactory(program=barn, name="Walls", sequence_number=1)
    roof = WaveFactory(program=barn, name="Roof", sequence_number=2)
    rooms = WaveFactory(program=annex, name="Rooms", sequence_number=1)
    made = {
        "masonry": TaskFactory(wave=walls, name="Masonry of the north wall", state="completed"),
        "plaster": TaskFactory(wave=walls, name="Plaster", assigned_builder="ui-builder"),
        "ridge": TaskFactory(wave=roof, name="Lay the ridge", assigned_builder="qa-builder"),
        "tiles": TaskFactory(
            wave=roof, name="Tiles", state="blocked", planned_builder="api-builder"
        ),
        "floor": TaskFactory(wave=rooms, name="Floor", state="failed"),
        "doors": TaskFactory(wave=rooms, name="Doors to the north"),
    }
    QAExecutionFactory(task=made["masonry"], passing_tests=0, failing_tests=3)
    QAExecutionFactory(task=made["masonry"])
    QAExecutionFactory(task=made["plaster"], passing_tests=0, failing_tests=3)
    QAExecutionFactory(task=made["ridge"], passing_tests=2, failing_tests=1)
    # Another suite than the task's own: the gates do not look at it.
    QAExecutionFactory(task=made["tiles"], qa_suite_location="tests/other/")
    return made


def shown(response, tasks):
    return {name for name, task in tasks.items() if f'href="{task.get_absolute_url()}"' in response}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, "masonry plaster ridge tiles floor doors"),
        ({"q": "nor"}, "masonry doors"),
        ({"q": "wall mason"}, "masonry"),
        ({"state": "blocked"}, "tiles"),
        ({"state": "unfinished"}, "plaster ridge tiles floor doors"),
        ({"builder": "qa-builder"}, "ridge"),
        ({"builder": "api-builder"}, "tiles"),  # planned, not assigned
        ({"builder": "foreman"}, "masonry floor doors"),
        ({"qa": "GREEN"}, "masonry"),
        ({"qa": "RED"}, "plaster"),
        ({"qa": "PARTIAL"}, "ridge"),
        ({"qa": "none"}, "tiles floor doors"),
        ({"state": "unfinished", "qa": "none", "q": "tiles"}, "tiles"),
    ],
)
def test_each_filter_lets_through_what_it_names(person, tasks, asked, expected):
    assert shown(person.get(LIST, asked).text, tasks) == set(expected.split())


def test_a_planned_builder_is_told_from_one_that_is_assigned(person, tasks):
    page = person.get(LIST).text
    assert "api-builder (planned)" in page
    assert "ui-builder (planned)" not in page


def test_a_program_is_chosen_and_then_one_of_its_waves(person, tasks):
    barn = tasks["tiles"].wave.program
    everything = person.get(LIST).text
    assert "Annex" in everything
    assert "Roof</option>" not in everything  # not the waves of a hundred programs
    of_barn = person.get(LIST, {"program": barn.pk}).text
    assert shown(of_barn, tasks) == {"masonry", "plaster", "ridge", "tiles"}
    assert "Roof</option>" in of_barn
    assert "Rooms</option>" not in of_barn
    roof = person.get(LIST, {"program": barn.pk, "wave": tasks["tiles"].wave_id}).text
    assert shown(roof, tasks) == {"ridge", "tiles"}
    assert ">Wave: Roof<" in roof


def test_a_wave_alone_brings_its_neighbours_along(person, tasks):
    roof = person.get(LIST, {"wave": tasks["tiles"].wave_id}).text
    assert shown(roof, tasks) == {"ridge", "tiles"}
    assert "Walls</option>" in roof
    assert "Rooms</option>" not in roof


@pytest.mark.parametrize("wave", ["the one of before", "", "nonsense"])
def test_a_wave_that_the_program_does_not_have_is_taken_out_of_the_address(person, tasks, wave):
    asked = {"program": tasks["floor"].wave.program_id, "state": "failed"}
    wave = tasks["tiles"].wave_id if wave == "the one of before" else wave
    response = person.get(LIST, asked | {"wave": wave}, follow=True)
    assert shown(response.text, tasks) == {"floor"}
    assert response.redirect_chain == (
        [(f"{LIST}?program={asked['program']}&state=failed", 302)] if wave else []
    )


def test_what_the_form_asks_again_has_the_waves_to_choose_from(person, tasks):
    asked = {"program": tasks["floor"].wave.program_id}
    headers = {"HX-Request": "true", "HX-Target": "list"}
    by_form = person.get(LIST, asked, headers=headers | {"HX-Trigger": "filters"}).text
    assert 'id="field-wave" hx-swap-oob="true"' in by_form
    assert "Rooms</option>" in by_form
    # A refresh of the list must not shut a select that is open.
    assert "field-wave" not in person.get(LIST, asked, headers=headers).text


def test_a_row_says_where_the_task_is_and_how_it_does(person, tasks):
    row = person.get(LIST, {"q": "ridge"}).text
    for words in ("Lay the ridge", "Barn", "Roof", "Planned", "qa-builder", "Partial"):
        assert words in row


@pytest.mark.parametrize("sort", ["name", "-name", "updated", "progress", "-progress", "-created"])
def test_each_order_is_the_one_of_its_name(person, tasks, sort):
    names = person.get(LIST, {"sort": sort}).context["listing"].rows
    field = {"updated": "updated_at", "created": "created_at", "progress": "progress_percentage"}
    word = sort.removeprefix("-")
    values = [getattr(task, field.get(word, word)) for task in names]
    assert values == sorted(values, reverse=sort.startswith("-"))


def test_an_export_says_what_the_page_says(person, tasks):
    response = person.get(LIST, {"export": "csv", "qa": "PARTIAL"})
    (row,) = csv.DictReader(io.StringIO(response.getvalue().decode().removeprefix("\ufeff")))
    assert (row["program"], row["wave"], row["task"]) == ("Barn", "Roof", "Lay the ridge")
    assert (row["state"], row["builder"]) == ("planned", "qa-builder")
    assert row["latest_qa"] == "PARTIAL"
    wave = Wave.objects.get(pk=row["wave_id"])
    assert row["program_id"] == str(wave.program_id)
    assert (row["wave_sequence_number"], row["wave_state"]) == (
        str(wave.sequence_number),
        wave.state,
    )


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "There is no task yet."),
        ({"q": "x"}, "No task matches."),
        ({"state": "x"}, "not valid"),
    ],
)
def test_an_empty_list_says_why(person, asked, words):
    assert words in person.get(LIST, asked).text


def test_a_stranger_is_sent_to_the_login(client):
    assert client.get(LIST).url.startswith(reverse("login"))


# Session, user and role are three, the frame's are five; the list, its number and its programs.
@pytest.mark.parametrize("number", [3, 60])
def test_the_list_asks_no_more_for_more_rows(person, number, django_assert_max_num_queries):
    for each in range(number):
        task = TaskFactory(wave__sequence_number=each + 1)
        QAExecutionFactory(task=task)
    with django_assert_max_num_queries(13):
        person.get(LIST, {"state": "unfinished"})


def test_the_list_asks_no_more_for_a_chosen_wave(person, django_assert_max_num_queries):
    wave = TaskFactory().wave
    with django_assert_max_num_queries(16):
        person.get(LIST, {"program": wave.program_id, "wave": wave.pk})


def test_tasks_of_very_long_names_are_kept_listed_and_paged(person, wave):
    """Longer than an index takes, and random, so that nothing makes them shorter."""
    dice = random.Random(7)
    for _ in range(35):
        name = "".join(chr(dice.randrange(0x4E00, 0x9FA5)) for _ in range(3000))
        TaskFactory(wave=wave, name=name)
    first = person.get(f"{LIST}?sort=name")
    [onward] = re.findall(r'href="([^"]*)" rel="next"', " ".join(first.text.split()))
    assert len(onward) < 1500
    assert "10 of 35 tasks" in " ".join(person.get(onward.replace("&amp;", "&")).text.split())
