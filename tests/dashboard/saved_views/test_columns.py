"""The columns of a list: each person's own choice, and part of a saved view."""

import json
import re

import pytest
from django.urls import reverse

from foreman_office.dashboard.saved_views.columns import HEADINGS
from governance.models import ListColumns, SavedView
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    GovernanceViolationFactory,
    QAExecutionFactory,
    TaskFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

CHOOSE, TASKS = "/views/columns/", "programs:task_list"


def choose(client, *shown, place=TASKS, came_from="/tasks/"):
    return client.post(CHOOSE, {"place": place, "shown": shown, "next": came_from})


def left_out(client, address="/tasks/"):
    """Return the places of the columns that the table of a list is shown without."""
    found = re.search(
        r'<table class="table cards[^"]*"(?: data-without="([^"]*)")?>', client.get(address).text
    )
    return [int(place) for place in (found[1] or "").split()]


@pytest.fixture
def rita(client, db):
    found = type(client)()
    found.force_login(UserFactory(username="rita", roles=["viewer"]))
    return found


def test_each_heading_is_where_it_is_said_to_be(person):
    task = TaskFactory(wave__program__name="Shop")
    BlockerFactory(entity=task)
    GovernanceViolationFactory(task=task)
    QAExecutionFactory(task=task)
    ArchitectureValidationFactory(task=task)
    for place, headings in HEADINGS.items():
        head = re.search(r"<thead>(.*?)</thead>", person.get(reverse(place)).text, re.DOTALL)[1]
        told = [re.sub(r"<[^>]*>", "", each).strip() for each in re.findall(r"<th .*?</th>", head)]
        assert told[1:] == [*headings.values()], place


def test_a_person_keeps_the_columns_of_a_list_and_nobody_else_sees_them_left_out(person, rita):
    TaskFactory()
    assert left_out(person) == left_out(rita) == []
    page = person.get("/tasks/?state=planned&without=qa").text
    assert 'name="next" value="/tasks/?state=planned"' in page  # whose columns are the chosen ones
    answer = choose(person, "state", "qa", came_from="/tasks/?state=planned")
    assert answer.url == "/tasks/?state=planned"
    assert left_out(person) == left_out(person, answer.url) == [3, 4, 6]
    assert left_out(rita) == []
    assert choose(rita, "state", "builder", "progress", "changed").status_code == 302
    assert (left_out(person), left_out(rita)) == ([3, 4, 6], [5])
    choose(person, "state", "builder", "progress", "qa", "changed")
    assert left_out(person) == []
    assert ListColumns.objects.count() == 1  # what is as it was is not kept


def test_the_columns_are_part_of_a_saved_view_and_its_own_win(person, rita):
    TaskFactory()
    choose(person, "state")
    page = person.get("/tasks/", {"state": "planned"}).text
    query = re.search(r'name="query" value="([^"]*)"', page)[1].replace("&amp;", "&")
    said = {"name": "Bare", "place": TASKS, "query": query, "is_shared": "on"}
    address = person.post("/views/save/", said).url
    assert left_out(rita, address) == [3, 4, 5, 6]
    choose(rita, "builder", "progress", "qa", "changed")
    assert (left_out(rita), left_out(rita, address)) == ([2], [3, 4, 5, 6])
    # The filters keep it: their form has it as a field.
    page = rita.get(SavedView.objects.get().query and address).text
    assert '<input type="hidden" name="without" value="builder,progress,qa,changed">' in page


def test_a_choice_holds_also_where_the_list_opens_with_a_view_that_says_otherwise(person):
    TaskFactory()
    said = {"name": "Bare", "place": TASKS, "query": "without=qa", "is_default": "on"}
    assert person.post("/views/save/", said).url == "/tasks/?without=qa"
    assert person.get("/tasks/").url == "/tasks/?without=qa"
    page = person.get("/tasks/?without=qa").text
    back = re.search(r'name="next" value="([^"]*)">\s*<input type="hidden" name="place"', page)[1]
    assert back == "/tasks/?sort=-updated"
    assert left_out(person, choose(person, "qa", came_from=back).url) == [2, 3, 4, 6]


def test_a_file_of_the_list_has_all_columns_and_what_is_unknown_is_no_column(person):
    TaskFactory(name="Roof")
    choose(person, "builder")
    rows = json.loads(person.get("/tasks/", {"export": "json"}).getvalue())
    assert {"state", "progress_percentage", "latest_qa"} <= rows[0].keys()
    assert left_out(person, "/tasks/?without=nothing,state") == [2]
    for wrong in ({"place": "decisions"}, {"place": TASKS, "shown": ["name"]}, {}):
        assert person.post(CHOOSE, wrong).status_code == 422
    assert left_out(person) == [2, 4, 5, 6]
