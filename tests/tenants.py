"""The tests as members of one of two organisations: `make tenants` (TENANTS=1).

What factories make belongs to one organisation, and the people they make are its members. Their
requests are served as the members' role: inside of a test's own transaction, which no other session
sees, by SET ROLE, to which policies and rights apply as to a login.
"""

import os
from contextlib import contextmanager

import pytest
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models.signals import m2m_changed, pre_save

from governance.models import MemberRole, OrganisationMember
from kit.runtime.database import members
from kit.runtime.database_addresses import MEMBER, OFFICE, user_of
from programs.models import Organisation, Program
from tests.database import administrator

IS_ON = "TENANTS" in os.environ
DATABASES = {"db", "transactional_db"}
# Tests of what is the office's, or of rows that they write past what says whose they are.
OF_THE_OFFICE = {
    "what all organisations share is decided by people of the office": {
        "test_a_pause_is_told_with_its_day",
        "test_a_threshold_is_at_least_twice_the_interval",
        "test_the_threshold_of_a_builder_is_set_on_its_page",
        "test_a_budget_that_cannot_be_one_is_refused",
        "test_a_builder_is_paused_and_heard_again",
        "test_what_is_missing_is_asked_for",
        "test_what_was_typed_is_still_there",
        "test_one_who_reads_sees_no_button",
        "test_who_only_reads_is_offered_no_act",
        "test_the_page_that_an_act_leads_to_has_its_form",
    },
    "a token without an organisation is the whole office's": {
        "test_a_third_token_is_refused_on_the_page",
        "test_a_token_is_revoked_on_the_page",
        "test_one_who_reads_sees_tokens_and_may_not_issue_or_revoke",
        "test_a_revoked_token_says_so",
        "test_one_who_reads_sees_the_list_without_the_form",
    },
    "the office log is the office's, but for decisions": {
        "test_it_is_filtered_and_exported",
        "test_it_tells_what_happened_of_whom_by_whom",
        "test_those_who_decide_and_admins_may_read_it",
        "test_an_entry_of_the_office_log_hands_out_its_proof_to_those_who_may_read_it",
        "test_a_reading_is_kept_in_the_office_log_and_never_goes_back",
    },
    "what a builder did without a task of one's own is the office's": {
        "test_a_builder_has_the_task_that_it_had_in_hand",
        "test_what_is_shown_of_the_past_neither_acts_nor_asks_again",
        "test_the_page_tells_how_it_came_about",
        "test_what_is_not_read_yet_is_the_last_day",
        "test_everything_is_listed_what_is_broken_first",
        "test_violations_are_found_by_every_filter",
        "test_who_has_read_no_handover_begins_where_the_last_day_has_signs",
        "test_each_page_has_what_was_spent",
        "test_it_can_be_exported",
        "test_the_list_sums_up_by_what_is_asked",
        "test_the_page_has_its_figures_and_a_chart_with_its_table",
        "test_what_was_not_understood_is_on_the_page_of_the_builder",
    },
    "its rows are written past the rules, by the office": {
        "test_times_are_those_of_the_readers_zone",
        "test_what_an_older_office_recorded_as_no_object_is_shown",
        "test_evidence_that_a_file_told_in_any_shape_can_be_read",
        "test_what_waited_is_drawn_with_how_long_it_did",
        "test_a_thinned_run_says_so",
        "test_a_page_says_how_many_imported_rows_its_evidence_leaves_out",
        "test_an_office_made_by_hand_comes_back_row_for_row",
    },
    "serving members takes statements of its own": {"test_a_page_asks_once_for_its_seals"},
}
REASONS = {name: reason for reason, names in OF_THE_OFFICE.items() for name in names}
# Serving members takes statements of its own.
COUNTED = {"django_assert_num_queries", "django_assert_max_num_queries"}


def pytest_collection_modifyitems(config, items):
    if not IS_ON:
        return
    left_out = [item for item in items if is_of_the_office(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if not is_of_the_office(item)]
    for item in items:
        if any(item.iter_markers("django_db")) or DATABASES & {*item.fixturenames}:
            item.fixturenames.insert(0, "tenancy")


def is_of_the_office(item):
    return item.originalname in REASONS or bool(COUNTED & {*item.fixturenames})


@pytest.fixture(scope="session")
def may_serve_members(django_db_setup):
    """Let the office's role become the members', which it is not by itself."""
    administrator().execute(
        f"GRANT {user_of(MEMBER)} TO {user_of(OFFICE)} WITH INHERIT FALSE, SET TRUE"
    )


@pytest.fixture
def tenancy(request, monkeypatch, may_serve_members):
    """Let what the test makes belong to an organisation, and serve its people as members."""
    lasting = "transactional_db" in request.fixturenames
    request.getfixturevalue("transactional_db" if lasting else "db")
    ours = Organisation.objects.create(name="First tenant")
    Organisation.objects.create(name="Second tenant")

    def belongs(sender, instance, **kwargs):
        if instance._state.adding and instance.organisation_id is None:
            instance.organisation_id = ours.pk

    def joins(sender, instance, action, pk_set, model, **kwargs):
        if action == "post_add" and hasattr(instance, "username"):
            for group in model.objects.filter(pk__in=pk_set, name__in=MemberRole.values):
                OrganisationMember.objects.get_or_create(
                    user=instance, organisation=ours, defaults={"role": group.name}
                )

    pre_save.connect(belongs, Program)
    m2m_changed.connect(joins)
    monkeypatch.setattr(members, "_connected_for", connected_for)
    yield
    pre_save.disconnect(belongs, Program)
    m2m_changed.disconnect(joins)


really_connected_for = members._connected_for


@contextmanager
def connected_for(organisation):
    is_a_members = isinstance(connections[DEFAULT_DB_ALIAS], members.MemberDatabase)
    if is_a_members or not connection.in_atomic_block:
        with really_connected_for(organisation):
            yield
        return
    before = members.organisation_in_use()
    become(organisation)
    try:
        yield
    finally:
        if not connection.needs_rollback:
            become(before)


def become(organisation):
    connection.organisation = organisation
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")
        cursor.execute(
            "SELECT set_config('foreman.organisation', %s, true)", [str(organisation or "")]
        )
        if organisation:
            cursor.execute(f"SET LOCAL ROLE {user_of(MEMBER)}")
