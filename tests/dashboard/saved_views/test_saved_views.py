"""Saved views: a person's lists under names, shared or not, and the one that a list opens with."""

import pytest
from django.http import QueryDict
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from foreman_office.dashboard.saved_views.places import PLACES, address_of_view, query_of_view
from governance.models import SavedView
from kit.core.acts import Refused, act
from tests.factories import TaskFactory, UserFactory

pytestmark = pytest.mark.django_db

SAVE, ALL = "/views/save/", "/views/"
TASKS = "programs:task_list"


def save(client, name="Mine", query="state=blocked&sort=due", place=TASKS, **more):
    return client.post(SAVE, {"name": name, "place": place, "query": query, **more})


@pytest.fixture
def other(client, db):
    """Another person, who only reads, with a client."""
    found = type(client)()
    found.force_login(UserFactory(username="rita", roles=["viewer"]))
    return found


def change(client, view, **given):
    said = {"name": view.name, "is_shared": view.is_shared, "is_default": view.is_default} | given
    sent = {name: value for name, value in said.items() if value is not False}
    return client.post(reverse("saved_view_change", args=[view.pk]), sent)


def test_a_list_is_saved_as_it_is_shown_and_opened_by_its_name(person):
    TaskFactory(name="Blocked one", state="blocked")
    TaskFactory(name="Planned one")
    page = person.get("/tasks/", {"state": "blocked", "sort": "due", "after": ""}).text
    assert 'name="query" value="sort=due&amp;state=blocked"' in page
    answer = save(person)
    assert answer.url == "/tasks/?sort=due&state=blocked"
    page = person.get(answer.url).text
    assert 'href="/tasks/?sort=due&amp;state=blocked" aria-current="true">Mine</a>' in page
    assert "Blocked one" in page
    assert "Planned one" not in page
    assert "Mine" in person.get(ALL).text


def test_every_list_that_has_views_shows_them_and_no_other_does(person):
    for place in PLACES:
        assert 'id="views"' in person.get(reverse(place)).text, place
        assert save(person, place=place, query="").status_code == 302
    assert SavedView.objects.count() == len(PLACES)
    task = TaskFactory()
    assert 'id="views"' not in person.get(task.wave.get_absolute_url()).text
    assert save(person, place="programs:wave").status_code == 422


def test_the_same_name_again_gets_the_new_filters(person):
    save(person)
    save(person, query="state=failed")
    assert SavedView.objects.get().query == "state=failed"


def test_a_name_is_asked_for_and_a_wrong_form_saves_nothing(person):
    for wrong in ({"name": " "}, {"name": "x" * 101}, {"query": "q=" + "x" * 2_000}):
        assert save(person, **wrong).status_code == 422
    assert not SavedView.objects.exists()


def test_one_is_renamed_shared_and_deleted_by_its_owner_alone(person, other):
    save(person)
    view = SavedView.objects.get()
    for act_on in (
        lambda: change(other, view, name="Stolen"),
        lambda: other.post(reverse("saved_view_delete", args=[view.pk])),
        lambda: other.get(reverse("saved_view", args=[view.pk])),
    ):
        assert act_on().status_code == 404
    assert "Mine" not in other.get("/tasks/").text
    assert change(person, view, name="Ours", is_shared="on").status_code == 302
    view.refresh_from_db()
    assert (view.name, view.is_shared) == ("Ours", True)
    page = other.get("/tasks/").text
    assert "Ours</a>" in page
    assert "shared by johan" in page
    assert "Ours" in other.get(ALL).text
    assert other.get(reverse("saved_view", args=[view.pk])).url == "/tasks/?sort=due&state=blocked"
    assert change(other, view, name="Stolen").status_code == 404
    person.post(reverse("saved_view_delete", args=[view.pk]))
    assert "Ours" not in other.get("/tasks/").text


def test_two_views_of_one_list_have_two_names(person):
    save(person)
    save(person, name="Second")
    second = SavedView.objects.get(name="Second")
    assert change(person, second, name="Mine").status_code == 409
    assert SavedView.objects.filter(name="Second").exists()


def test_a_list_opens_with_the_view_that_its_reader_chose(person, other):
    save(person, is_default="on", is_shared="on")
    assert person.get("/tasks/").url == "/tasks/?sort=due&state=blocked"
    assert other.get("/tasks/").status_code == 200
    page = person.get("/tasks/?state=failed")
    assert page.status_code == 200
    assert 'href="/tasks/?sort=-updated"' in page.text  # without the filter, it is the whole list
    assert person.get("/tasks/?sort=-updated").status_code == 200
    assert person.get("/tasks/", headers={"HX-Request": "true"}).status_code == 200
    save(person, name="Another", query="qa=RED", is_default="on")
    assert [view.name for view in SavedView.objects.filter(is_default=True)] == ["Another"]
    assert person.get("/tasks/").url == "/tasks/?qa=RED"
    change(person, SavedView.objects.get(name="Another"), is_default=False)
    assert person.get("/tasks/").status_code == 200


def test_a_default_without_any_filter_is_the_list_itself(person):
    save(person, query="", is_default="on")
    assert person.get("/tasks/").status_code == 200


def test_what_a_view_must_be_holds_past_every_form(refuses):
    user = UserFactory()
    SavedView.objects.create(user=user, place=TASKS, name="One", is_default=True)
    for columns, rule in (
        ({"name": " "}, "saved_views_name_check"),
        ({"name": "One"}, "saved_views_one_of_a_name"),
        ({"name": "Two", "is_default": True}, "saved_views_one_default"),
    ):
        with refuses(rule):
            SavedView.objects.create(user=user, place=TASKS, **columns)


def test_views_go_with_their_person():
    view = SavedView.objects.create(user=UserFactory(), place=TASKS, name="One")
    view.user.delete()
    assert not SavedView.objects.exists()


words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)


@given(st.dictionaries(words.filter(bool), words, max_size=4))
def test_a_query_has_one_writing_and_loses_nothing_but_the_page(asked):
    before = QueryDict(mutable=True)
    before.update(asked)
    query = query_of_view(before.urlencode())
    assert query_of_view(query) == query
    again = QueryDict(query)
    kept = {name: value for name, value in asked.items() if value}
    assert again.dict() == {
        name: value for name, value in kept.items() if name not in ("after", "before", "export")
    }
    assert address_of_view(TASKS, query).startswith("/tasks/")


def test_a_refused_change_names_its_rule():
    user = UserFactory()
    for name in ("One", "Two"):
        SavedView.objects.create(user=user, place=TASKS, name=name)
    with pytest.raises(Refused) as caught, act(user):
        SavedView.objects.filter(name="Two").update(name="One")
    assert caught.value.rule == "saved_views_one_of_a_name"
    assert caught.value.message == "You have a view of this name for this list."
