"""Every list and form opens, for those who may, and asks no more of the database when it grows."""

import json
import re
from contextlib import contextmanager
from datetime import datetime

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.templatetags.admin_list import date_hierarchy
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from builders.models import (
    Builder,
    BuilderToken,
    Heartbeat,
)
from governance.models import (
    ArchitectureValidation,
    Blocker,
    Evidence,
    GovernanceViolation,
    QAExecution,
)
from kit.web.admin import BoundedPaginator
from programs.models import (
    BuilderName,
    Task,
    Wave,
)
from tests.admin.models_shown import CORRECTED, FACTORIES, READ_ONLY, SEARCHES, WORKINGS
from tests.factories import (
    BlockerFactory,
    BuilderFactory,
    BuilderTokenFactory,
    GovernanceViolationFactory,
    HeartbeatFactory,
    ProgramFactory,
    TaskFactory,
    UserFactory,
    WaveFactory,
)
from tests.scenes import undone

pytestmark = pytest.mark.django_db

everything = pytest.mark.parametrize("model", FACTORIES, ids=lambda model: model.__name__)
read_only = pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)


def make(model):
    made = FACTORIES[model]()
    return made if isinstance(made, model) else model.objects.last()


@contextmanager
def a_case(model, subtests):
    """Make a row of a model, and take it back: a case of its own."""
    with subtests.test(model=model.__name__), undone():
        yield make(model)


def make_rows(model, count):
    """Make rows that hang together as in a real office: each speaks of another row."""
    for number in range(count):
        if model is Heartbeat:
            HeartbeatFactory(builder_id=BuilderName.values[number % 5], task=TaskFactory())
        elif model is GovernanceViolation:
            GovernanceViolationFactory(builder_id=BuilderName.values[number % 5])
        elif model is Blocker:
            wave = WaveFactory()
            BlockerFactory(entity=[wave.program, wave, TaskFactory(wave=wave)][number % 3])
        elif model is Builder:
            Builder.objects.filter(pk=BuilderName.values[number % 5]).update(
                current_task=TaskFactory()
            )
        elif model is Evidence:
            TaskFactory()
        elif model is BuilderToken:
            BuilderTokenFactory(
                builder_id=BuilderName.values[number % 5], revoked_at=now()
            )  # only two may be valid
        else:
            FACTORIES[model]()


def count_queries(do):
    ContentType.objects.clear_cache()  # what it remembers would make the second count smaller
    with CaptureQueriesContext(connection) as queries:
        assert do().status_code == 200
    return len(queries)


def test_every_table_of_ours_has_its_pages():
    assert [model for model in FACTORIES if not admin.site.is_registered(model)] == []


def test_every_model_of_ours_is_among_them():
    ours = ("programs", "builders", "governance")
    found = {m._meta.label for m in apps.get_models() if m._meta.app_label in ours}
    assert found == {model._meta.label for model in FACTORIES} | WORKINGS


@everything
def test_a_list_opens_filters_and_searches(office, model):
    row = make(model)
    page = office.list(model)
    assert page.status_code == 200
    assert row in page.context["cl"].result_list
    assert page.context["cl"].date_hierarchy
    found = office.list(model, q=SEARCHES[model])
    assert row in found.context["cl"].result_list
    assert not office.list(model, q="no such word").context["cl"].result_list
    for spec in page.context["cl"].filter_specs:
        for choice in spec.choices(page.context["cl"]):
            url = office.url(model, "changelist") + choice["query_string"]
            filtered = office.client.get(url)
            assert filtered.status_code == 200, url
            assert "e=1" not in filtered.request["QUERY_STRING"]


def test_a_list_can_be_narrowed_by_date(office, subtests):
    for model in FACTORIES:
        with a_case(model, subtests) as row:
            field = admin.site.get_model_admin(model).date_hierarchy
            year = getattr(row, field).year
            assert row in office.list(model, **{f"{field}__year": year}).context["cl"].result_list
            assert not office.list(model, **{f"{field}__year": year - 9}).context["cl"].result_list


def test_a_row_and_its_history_open_and_what_is_short_is_written_large(office, subtests):
    index = office.client.get(reverse("admin:index"))
    for model in FACTORIES:
        with a_case(model, subtests) as row:
            history = office.client.get(office.url(model, "history", row.pk))
            form = office.client.get(office.url(model, "change", row.pk))
            for page in (index, office.list(model), form, history):
                assert page.status_code == 200
                assert not re.search(r"\b[Qq]a \w", page.text)


def test_a_form_to_add_and_a_question_before_deletion_open(office, subtests):
    for model in CORRECTED:
        with a_case(model, subtests) as row:
            for page in (office.url(model, "add"), office.url(model, "delete", row.pk)):
                status = office.client.get(page).status_code
                assert status == (403 if model is Builder else 200)


@read_only
def test_read_only_records_refuse_every_change_even_to_a_superuser(office, model):
    row = make(model)
    before = model.objects.filter(pk=row.pk).values().get()
    for url in (
        office.url(model, "add"),
        office.url(model, "change", row.pk),
        office.url(model, "delete", row.pk),
    ):
        assert office.client.post(url, {"post": "yes"}).status_code == 403
    office.act(model, "delete_selected", [row], post="yes")
    assert model.objects.filter(pk=row.pk).values().get() == before


def test_there_are_five_builders_for_good(office):
    builder = BuilderFactory()
    assert office.client.post(office.url(Builder, "add"), {}).status_code == 403
    assert office.delete(builder).status_code == 403
    office.act(Builder, "delete_selected", [builder], post="yes")
    assert Builder.objects.count() == 5


@everything
def test_a_list_asks_no_more_when_it_has_four_times_the_rows(office, model):
    make_rows(model, 3)
    few = count_queries(lambda: office.list(model))
    make_rows(model, 9)
    many = count_queries(lambda: office.list(model))
    assert many <= few


def test_a_program_with_its_waves_asks_as_much_of_twenty_as_of_five(office):
    program = ProgramFactory()
    WaveFactory.create_batch(5, program=program)
    few = count_queries(lambda: office.open(program))
    WaveFactory.create_batch(15, program=program)
    assert count_queries(lambda: office.open(program)) == few


def test_a_wave_with_its_tasks_asks_as_much_of_twenty_as_of_five(office):
    wave = WaveFactory()
    TaskFactory.create_batch(5, wave=wave)
    WaveFactory.create_batch(5, program=wave.program)
    few = count_queries(lambda: office.open(wave))
    TaskFactory.create_batch(15, wave=wave)
    WaveFactory.create_batch(15, program=wave.program)
    assert count_queries(lambda: office.open(wave)) == few


def test_saving_a_wave_asks_as_much_of_twenty_tasks_as_of_five(office):
    wave = WaveFactory()

    def save():
        with CaptureQueriesContext(connection) as queries:
            assert office.change(wave, name="Renamed", reason="A typo.").status_code == 302
        return len(queries)

    TaskFactory.create_batch(5, wave=wave)
    save()
    few = save()
    TaskFactory.create_batch(15, wave=wave)
    assert save() == few


def test_a_question_before_deletion_asks_as_much_of_twenty_as_of_five(office):
    wave = WaveFactory()
    url = office.url(Wave, "delete", wave.pk)
    TaskFactory.create_batch(5, wave=wave)
    few = count_queries(lambda: office.client.get(url))
    TaskFactory.create_batch(15, wave=wave)
    assert count_queries(lambda: office.client.get(url)) == few


@pytest.mark.parametrize("model", [Heartbeat, Evidence])
def test_a_long_table_is_never_counted_to_its_end(office, model, monkeypatch):
    monkeypatch.setattr("kit.web.admin.long_tables.LISTED_AT_MOST", 10)
    make_rows(model, 12)
    with CaptureQueriesContext(connection) as queries:
        page = office.list(model)
    assert isinstance(page.context["cl"].paginator, BoundedPaginator)
    assert page.context["cl"].result_count == 10
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert counts
    assert all("LIMIT 10" in sql for sql in counts)


@pytest.mark.parametrize("model", [Heartbeat, Evidence])
def test_a_long_table_is_not_read_to_offer_its_dates(office, model):
    make_rows(model, 2)
    with CaptureQueriesContext(connection) as queries:
        page = office.list(model)
    assert not [query["sql"] for query in queries if "DISTINCT" in query["sql"]]
    assert "Filter by timestamp" in page.content.decode()


def test_dates_are_offered_from_the_first_beat_to_the_last(office):
    for moment in ("2025-12-30T12:00Z", "2026-02-02T12:00Z"):
        HeartbeatFactory(timestamp=datetime.fromisoformat(moment))

    def offered(**query):
        return date_hierarchy(office.list(Heartbeat, **query).context["cl"])["choices"]

    assert [choice["title"] for choice in offered()] == ["2025", "2026"]
    year = offered(timestamp__year=2026)
    assert [choice["title"] for choice in year] == ["February 2026"]
    month = offered(timestamp__year=2026, timestamp__month=2)
    assert [choice["title"] for choice in month] == ["2 February"]


@pytest.mark.parametrize(
    ("source", "field", "found"),
    [
        (Wave, "program", "The program"),
        (Task, "wave", "The wave"),
        (Builder, "current_task", "The task"),
        (GovernanceViolation, "task", "The task"),
        (GovernanceViolation, "builder", "ui-builder"),
        (ArchitectureValidation, "task", "The task"),
        (QAExecution, "task", "The task"),
    ],
)
def test_foreign_keys_are_found_by_typing(office, source, field, found):
    TaskFactory(name="The task", wave__name="The wave", wave__program__name="The program")
    page = office.client.get(
        reverse("admin:autocomplete"),
        {
            "app_label": source._meta.app_label,
            "model_name": source._meta.model_name,
            "field_name": field,
            "term": found,
        },
    )
    assert [row["text"] for row in json.loads(page.content)["results"]] == [found]


def test_staff_without_a_permission_sees_nothing(client, subtests):
    client.force_login(UserFactory(is_staff=True))
    assert not client.get(reverse("admin:index")).context["app_list"]
    for model in FACTORIES:
        with a_case(model, subtests) as row:
            office_url = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            assert client.get(reverse(f"{office_url}_changelist")).status_code == 403
            assert client.get(reverse(f"{office_url}_change", args=[row.pk])).status_code == 403


def test_staff_who_may_only_look_look(client, subtests):
    user = UserFactory(is_staff=True)
    client.force_login(user)
    for model in FACTORIES:
        with a_case(model, subtests) as row:
            user.user_permissions.set(
                Permission.objects.filter(
                    content_type__app_label=model._meta.app_label,
                    codename=f"view_{model._meta.model_name}",
                )
            )
            url = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            page = client.get(reverse(f"{url}_changelist"))
            assert page.status_code == 200
            assert not page.context["action_form"]
            change = reverse(f"{url}_change", args=[row.pk])
            assert client.get(change).status_code == 200
            assert client.post(change, {"reason": "because"}).status_code == 403


def test_the_index_is_the_offices_and_leads_back_to_it(office):
    page = office.client.get(reverse("admin:index")).content.decode()
    assert "Foreman Office records" in page
    assert f'<a href="{reverse("inbox")}">Back to the office</a>' in page
    assert "View site" not in page
