"""Who may see and who may decide: the roles are groups, made by a migration of governance."""

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_http_methods, require_POST

type View = Callable[..., HttpResponseBase]


class Role(StrEnum):
    FOREMAN = "foreman"  # decides
    VIEWER = "viewer"  # reads
    ADMIN = "admin"  # corrects records in the admin, and reads
    BUILDER = "builder"  # has a token for the API, and no page


READERS = {Role.FOREMAN, Role.VIEWER, Role.ADMIN}
DECIDERS = {Role.FOREMAN}


def has_role(user: Any, roles: set[Role]) -> bool:
    """Tell whether the user is in one of the groups. A superuser may all."""
    if not user.is_active:
        return False
    if user.is_superuser:
        return True
    if not hasattr(user, "role_names"):  # asked once for each request
        user.role_names = set(user.groups.values_list("name", flat=True))
    return bool(user.role_names & {role.value for role in roles})


def may_decide(request: HttpRequest) -> bool:
    return has_role(request.user, DECIDERS)


def reads(view: View) -> View:
    """Show a page to whoever may read, after the login."""
    return _only(READERS)(view)


def decides(view: View) -> View:
    """Let a view act for whoever may decide, by POST alone."""
    return _only(DECIDERS)(require_POST(view))


def edits(view: View) -> View:
    """Let a view show a form to whoever may decide, and take it back filled in."""
    return _only(DECIDERS)(require_http_methods(["GET", "HEAD", "POST"])(view))


def _only(roles: set[Role]) -> Callable[[View], View]:
    def decorator(view: View) -> View:
        @login_required
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not has_role(request.user, roles):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        wrapped.roles = roles  # type: ignore[attr-defined]
        return wrapped

    return decorator
