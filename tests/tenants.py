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
COUNTED = {"django_assert_num_queries", "django_assert_max_num_queries"}


def pytest_collection_modifyitems(items):
    if IS_ON:
        for item in items:
            if COUNTED & {*item.fixturenames}:
                item.add_marker(pytest.mark.skip("serving members takes statements of its own"))
            if any(item.iter_markers("django_db")) or DATABASES & {*item.fixturenames}:
                item.fixturenames.insert(0, "tenancy")


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
    ours = Organisation.objects.create(name="Ours")
    Organisation.objects.create(name="Theirs")

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
