"""Roles: who may read and who may decide. They are groups, created by a migration of governance."""

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_http_methods, require_POST

type GuardedView = Callable[..., HttpResponseBase]


class Role(StrEnum):
    FOREMAN = "foreman"  # decides
    VIEWER = "viewer"  # reads
    ADMIN = "admin"  # corrects records in the admin, and reads
    BUILDER = "builder"  # has a token for the API, and no page


READERS = {Role.FOREMAN, Role.VIEWER, Role.ADMIN}
DECIDERS = {Role.FOREMAN}
OVERSEERS = {Role.FOREMAN, Role.ADMIN}
ADMINS = {Role.ADMIN}


def has_role(user: Any, roles: set[Role]) -> bool:
    """Return whether the user is in one of the groups. A superuser may all."""
    if not user.is_active:
        return False
    if user.is_superuser:
        return True
    if not hasattr(user, "role_names"):  # asked once for each request
        user.role_names = set(user.groups.values_list("name", flat=True))
    return bool(user.role_names & {role.value for role in roles})


def may_decide(request: HttpRequest) -> bool:
    return has_role(request.user, DECIDERS) and not settings.FOREMAN_READ_ONLY


def may_oversee(request: HttpRequest) -> bool:
    return has_role(request.user, OVERSEERS)


def reads(view: GuardedView) -> GuardedView:
    """Restrict a view to users who may read, after the login."""
    return _only(READERS)(view)


def oversees(view: GuardedView) -> GuardedView:
    """Restrict a view about people and their logins to those who decide, and to admins."""
    return _only(OVERSEERS)(view)


def decides(view: GuardedView) -> GuardedView:
    """Restrict a view to POST by those who may decide."""
    return _only(DECIDERS)(require_POST(view))


def administers(view: GuardedView) -> GuardedView:
    """Restrict a view about what leaves the office to admins."""
    return _only(ADMINS)(view)


def may_administer(request: HttpRequest) -> bool:
    return has_role(request.user, ADMINS)


def edits(view: GuardedView) -> GuardedView:
    """Restrict a view that shows a form, and takes it filled in, to those who may decide."""
    return _only(DECIDERS)(require_http_methods(["GET", "HEAD", "POST"])(view))


def _only(roles: set[Role]) -> Callable[[GuardedView], GuardedView]:
    def decorator(view: GuardedView) -> GuardedView:
        @login_required
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not has_role(request.user, roles):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        wrapped.roles = roles  # type: ignore[attr-defined]
        return wrapped

    return decorator
