"""A request in whose name a part is drawn for several readers: it has nothing personal to show.

Whoever asks it for something personal is told so by `PersonalError`, and the part is not shared.
"""

from io import BytesIO
from typing import Any, NamedTuple, Never, Self

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from django.utils.timezone import get_current_timezone_name
from django_htmx.middleware import HtmxDetails

# What of the client's request is in that of all who share a drawing: what is in its key.
SAME = [
    *("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "SERVER_NAME", "SERVER_PORT"),
    *("SERVER_PROTOCOL", "wsgi.url_scheme", "HTTP_HOST", "HTTP_X_FORWARDED_PROTO"),
]


class PersonalError(Exception):
    """A part shows something of its reader, or of the browser."""


class Withheld:
    """Something of a reader that no part drawn for several may use."""

    def _refuse(self, *args: Any) -> Never:
        raise PersonalError

    __getattr__ = __getitem__ = __contains__ = __iter__ = __len__ = __bool__ = _refuse
    __str__ = __repr__ = __eq__ = __hash__ = _refuse


class Rights(NamedTuple):
    """What decides which pages a user may see, and which acts they offer."""

    is_superuser: bool
    is_staff: bool
    role_names: frozenset[str]

    @classmethod
    def of(cls, user: Any) -> Self:
        """Return the rights of an active user whose roles were asked for."""
        return cls(user.is_superuser, user.is_staff, frozenset(getattr(user, "role_names", ())))


class AnyReader(Withheld):
    """Any user with these rights."""

    is_authenticated = is_active = True
    is_anonymous = False

    def __init__(self, rights: Rights) -> None:
        self.is_superuser, self.is_staff, self.role_names = rights

    def __bool__(self) -> bool:  # type: ignore[override]
        return True


class _Environ(dict[str, Any]):
    """An environ without a secret for forms, where none may be made up either."""

    def __contains__(self, name: object) -> bool:
        if name == "CSRF_COOKIE":
            raise PersonalError
        return super().__contains__(name)


class SharedRequest(WSGIRequest):
    """A request for parts by any reader with these rights, or by one reader for all his pages."""

    def __init__(self, request: HttpRequest, parts: str, user: Any) -> None:
        same = {name: request.META[name] for name in SAME if name in request.META}
        asked = {"HTTP_HX_REQUEST": "true", "HTTP_FOREMAN_PARTS": parts}
        super().__init__(_Environ(same | asked | {"wsgi.input": BytesIO()}))
        self.user = user
        withheld: Any = Withheld()
        self.session = self.COOKIES = self._messages = withheld
        self.resolver_match = request.resolver_match
        self.htmx = HtmxDetails(self)
        # The organisation is in the key; a reader may have several, and works for one at a time.
        self.organisation = getattr(request, "organisation", None)
        self.workplace = getattr(request, "workplace", None)
        self.workplaces = withheld


def common_to_all(request: HttpRequest) -> tuple[Any, ...]:
    """Return what readers with the same rights must have in common to share any part."""
    origin = f"{request.scheme}://{request.get_host()}"
    return origin, getattr(request, "organisation", None), get_current_timezone_name()
