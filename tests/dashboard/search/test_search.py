"""Find what has a name: as a page, and as the options of the command menu."""

import pytest
from django.urls import reverse

from foreman_office.dashboard.search import queries
from foreman_office.dashboard.search.queries import search_entities
from tests.factories import ProgramFactory, TaskFactory, WaveFactory

pytestmark = pytest.mark.django_db


def names(text):
    """Return what is found by its name: the evidence has texts of what was made, too."""
    found = {group.name: [hit.label for hit in group.hits] for group in search_entities(text)}
    found.pop("Evidence", None)
    return found


def test_rows_of_the_plan_are_found_by_the_beginnings_of_their_words():
    program = ProgramFactory(name="Escalation pilot")
    wave = WaveFactory(program=program, name="Pings that escalate")
    TaskFactory(wave=wave, name="Ping generator for escalations")
    TaskFactory(wave=wave, name="Login screen", architecture_reference="", qa_suite_location="")
    assert names("ESC") == {
        "Programs": ["Escalation pilot"],
        "Waves": ["Pings that escalate"],
        "Tasks": ["Ping generator for escalations"],
    }
    assert names("escal ping") == {
        "Waves": ["Pings that escalate"],
        "Tasks": ["Ping generator for escalations"],
    }


def test_builders_and_pages_are_found_and_offered_before_anything_is_typed():
    assert names("qa") == {"Builders": ["qa-builder"]}
    assert names("qua") == {"Pages": ["Quality"]}
    assert names("buil")["Pages"] == ["Builders"]
    assert len(names("buil")["Builders"]) == 5
    assert "Inbox" in names("")["Pages"]
    assert "Tasks" not in names("")


def test_an_id_finds_its_row():
    task = TaskFactory(name="Masonry")
    assert names(str(task.pk)) == {"Tasks": ["Masonry"]}


def test_the_best_come_first_and_few_are_read(monkeypatch):
    for name, state in (("Wall of a wall", "completed"), ("The wall", "planned")):
        TaskFactory(name=name, state=state)
    TaskFactory.create_batch(3, name="Wall", state="planned")
    monkeypatch.setattr(queries, "SHOWN", 4)
    group, evidence = search_entities("wall")
    assert evidence.name == "Evidence"
    assert [hit.label for hit in group.hits] == ["Wall", "Wall", "Wall", "Wall of a wall"]
    assert group.more
    assert group.all == f"{reverse('search')}?q=wall&kind=tasks"


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE tasks", "a:* & !b", "\0", "%_\\", "x" * 5000, "🧱"]
)
def test_nothing_that_is_typed_breaks_it(person, text):
    TaskFactory(name="Masonry")
    answer = person.get(reverse("search"), {"q": text})
    assert answer.status_code == 200
    assert "Masonry" not in answer.text


def test_the_page_is_complete_without_script(person):
    task = TaskFactory(name="Masonry")
    content = person.get(reverse("search"), {"q": "mason"}).text
    assert f'<a class="name" href="{task.get_absolute_url()}"><mark>Mason</mark>ry' in content
    assert 'value="mason"' in content
    assert "No matches." in person.get(reverse("search"), {"q": "zzz"}).text


def test_the_command_menu_asks_for_options_alone(person):
    TaskFactory(name="Masonry")
    headers = {"HX-Request": "true", "HX-Target": "hits"}
    content = person.get(reverse("search"), {"q": "mason"}, headers=headers).text
    assert content.count('role="option"') == 3  # the task, that it was made, and all results
    assert "<html" not in content


def test_a_search_asks_no_more_for_more_rows(person, django_assert_max_num_queries):
    for _ in range(4):
        TaskFactory.create_batch(3, wave=WaveFactory(name="Wall"), name="Wall")
    with django_assert_max_num_queries(18):
        person.get(reverse("search"), {"q": "wall"})
