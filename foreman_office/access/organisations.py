"""For which organisation a request is served, and by which right of its person.

A superuser is of the office itself and sees all of it. Whoever is a member of organisations works
for one of them at a time, as the members' role of the database. Anybody else works for the office
itself, whose programs belong to no organisation; where there are no organisations, that is all.
The admin shows the records of the whole office to people of the office itself, and to an admin of
an organisation those of the organisation.
"""

import json
from collections.abc import Callable, Collection
from functools import partial, wraps
from typing import Any, NamedTuple
from uuid import UUID

from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

from foreman_office.database_roles.policies import SEEN_BY_MEMBERS, WRITTEN_BY_MEMBERS
from kit.core.acts import Refused
from kit.core.roles import READERS, GuardedView, Role, has_role
from kit.core.row_security import ITSELF
from kit.runtime.database.members import as_member, as_office, organisation_in_use
from kit.runtime.database_addresses import has_member
from kit.web.middleware import PagesOnly
from programs.models import Organisation

CHOSEN = "organisation"  # in the session: the id of the one that the person works for
OFFICE_ITSELF = UUID(ITSELF)
OFFICE = "The office itself"
WHOLE_OFFICE = "Whole office"


# The groups of a person, their organisations with their role there, and whether there are any.
WORKPLACES = """
    SELECT
        ARRAY(
            SELECT name FROM auth_group JOIN auth_user_groups ON group_id = auth_group.id
            WHERE user_id = %(user)s
        ),
        (
            SELECT jsonb_agg(jsonb_build_array(organisation_id, name, role) ORDER BY name)::text
            FROM organisation_members JOIN organisations USING (organisation_id)
            WHERE user_id = %(user)s
        ),
        EXISTS (SELECT FROM organisations)
"""


class Workplace(NamedTuple):
    """An organisation, or the office itself, in which a person has roles."""

    organisation: UUID
    name: str
    roles: frozenset[str]


class OrganisationRouting:
    """Serve each request for the organisation of its person."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        workplace = workplace_of(request)
        request.workplace = workplace  # type: ignore[attr-defined]
        request.organisation = workplace and workplace.organisation  # type: ignore[attr-defined]
        request.reads_there = partial(reads_at, request.organisation)  # type: ignore[attr-defined]
        if workplace is None or admin_is_open(request, workplace):
            return self.get_response(request)
        work_at(workplace, request.user)
        if request.user.opens_records and is_for_admin(request):  # type: ignore[union-attr]
            give_permissions(request.user, permissions_of_admins())
        with as_member(workplace.organisation):
            return self.get_response(request)


class OrganisationMiddleware(PagesOnly, OrganisationRouting):
    pass


def admin_is_open(request: HttpRequest, workplace: Workplace) -> bool:
    """Return whether a request of a person of the office is for the admin, which is all theirs."""
    if workplace.organisation != OFFICE_ITSELF or not is_for_admin(request):
        return False
    request.workplace = request.organisation = None  # type: ignore[attr-defined]
    return True


def is_for_admin(request: HttpRequest) -> bool:
    return request.path.startswith(reverse("admin:index"))


def work_at(workplace: Workplace, user: Any) -> None:
    """Replace the roles of a person by those at a workplace, for this request."""
    user.role_names = set(workplace.roles)
    user.opens_records = user.is_staff
    if workplace.organisation != OFFICE_ITSELF:
        user.opens_records = Role.ADMIN in workplace.roles
        give_permissions(user, set())


def give_permissions(user: Any, granted: set[str]) -> None:
    """Replace what a person is permitted in the admin, for this request."""
    user._perm_cache = user._group_perm_cache = granted
    user._user_perm_cache = set()


def reads_at(organisation: UUID | None, user: Any) -> bool:
    """Return whether a person may still read for an organisation; None is the whole office."""
    if not user.is_active:
        return False
    known = [] if user.is_superuser or not has_member() else workplaces_of(user)
    if not known:
        return organisation is None and has_role(user, READERS)
    return any(each.organisation == organisation and each.roles & READERS for each in known)


def permissions_of_admins() -> set[str]:
    """Return what admins may do with the records that belong to organisations."""
    models = {
        (model._meta.app_label, model._meta.model_name)
        for model in apps.get_models()
        if model._meta.db_table in WRITTEN_BY_MEMBERS | SEEN_BY_MEMBERS | {"programs", "builders"}
    }
    found = Permission.objects.filter(group__name=Role.ADMIN)
    named = found.values_list("content_type__app_label", "content_type__model", "codename")
    return {f"{app}.{code}" for app, model, code in named if (app, model) in models}


def workplace_of(request: HttpRequest) -> Workplace | None:
    """Return where the person of a request works; None if the whole office is theirs."""
    user = request.user
    if not user.is_authenticated or user.is_superuser or not has_member():
        return None
    known = workplaces_of(user)
    chosen = request.session.get(CHOSEN)
    request.workplaces = known  # type: ignore[attr-defined]
    return next((each for each in known if str(each.organisation) == chosen), (*known, None)[0])


def workplaces_of(user: Any) -> list[Workplace]:
    """Return the organisations of a person, and the office itself if they have a role there.

    Whoever has no organisation works for the office itself once there are others; before that,
    nothing is returned. It takes the place of the question for the person's groups.
    """
    with connection.cursor() as cursor:
        cursor.execute(WORKPLACES, {"user": user.pk})
        own, members, has_organisations = cursor.fetchone()
    user.role_names = set(own)
    if not has_organisations:
        return []
    known = [
        Workplace(UUID(key), name, frozenset([role]))
        for key, name, role in json.loads(members or "[]")
    ]
    if own or not known:
        known.append(Workplace(OFFICE_ITSELF, OFFICE, frozenset(own)))
    return known


def colleagues() -> QuerySet[User]:
    """Return the people of the organisation for which this thread works; else of the office.

    It is read as the office does: no member's role reads who has an account.
    """
    organisation = organisation_in_use()
    everyone = User.objects.order_by("username")
    if organisation is None:
        return everyone
    if organisation == OFFICE_ITSELF:
        return everyone.filter(organisation_members=None)
    return everyone.filter(organisation_members__organisation=organisation)


def names_of_colleagues() -> list[str]:
    found = colleagues()
    with as_office():
        return list(found.values_list("username", flat=True))


def names_of_people(keys: Collection[int]) -> dict[int, str]:
    """Return the names of people by their numbers."""
    if not keys:
        return {}
    with as_office():
        return dict(User.objects.filter(pk__in=keys).values_list("pk", "username"))


def workplace_name(request: HttpRequest) -> str:
    """Return for whom a page is drawn; empty in an office without organisations."""
    workplace = getattr(request, "workplace", None)
    if workplace is not None:
        return str(workplace.name)
    if getattr(request, "workplaces", None) == []:
        return ""  # there are no organisations
    return WHOLE_OFFICE if has_member() and Organisation.objects.exists() else ""


def personal(view: GuardedView) -> GuardedView:
    """Return a view about its own person that reads and writes as the office does.

    Its queries name the person; the frame around its page is drawn for their organisation.
    """

    @wraps(view)
    def as_the_office(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with as_office():
            return view(request, *args, **kwargs)

    return as_the_office


def decides_for_all() -> bool:
    """Return whether people of the office are served, who decide about what organisations share."""
    return organisation_in_use() in (None, OFFICE_ITSELF)


def of_the_office(view: GuardedView) -> GuardedView:
    """Return a view of what all organisations share, which refuses the members of one of them."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not decides_for_all():
            raise Refused(
                "builders_are_shared",
                "Builders are shared by all organisations: people of the office decide about them.",
            )
        return view(request, *args, **kwargs)

    return guarded


def run_in_workplace[T](request: HttpRequest, query: Callable[[], T]) -> T:
    """Run a query of a page's frame for the organisation of the request.

    Frames are drawn around personal pages and errors too, where the office is connected.
    """
    organisation = getattr(request, "organisation", None)
    if organisation is None or organisation_in_use() is not None:
        return query()
    with as_member(organisation):
        return query()
