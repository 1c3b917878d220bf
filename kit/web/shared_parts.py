"""Views whose parts are drawn once for all readers with the same rights.

A page says until when all that it shows was read: the moment of the announcement that made it ask,
or of the answer to an act of its reader's own, if that is later. It is answered with a drawing that
began since; so no page is shown what is older than what it has, or than what its reader did.
"""

from collections.abc import Callable, Collection, Hashable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from kit.core.moment import MOMENT, known_moment
from kit.web.drawings import Drawing, Part, drawings
from kit.web.htmx import FRAME_PARTS, PARTS, DrawnParts, wants_part, with_changed
from kit.web.shared_request import AnyReader, PersonalError, Rights, SharedRequest, common_to_all
from kit.web.snapshot import REVISION

type PartsView = Callable[..., HttpResponseBase]

# Who is shown one drawing of a part: all with the same rights, or one reader on all his pages. A
# part that uses the session or the cookies is shared by nobody.
ANYONE, ONE_READER, NOBODY = range(3)


def shares_parts(view: PartsView) -> PartsView:
    """Show readers who say what they have already the same drawing of a view's parts.

    The parts of each level are drawn together. Which level a part has is found by drawing it.
    """
    levels: dict[str, int] = {}

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        asked = request.headers.get(PARTS, "").split()
        since = known_moment(request.headers.get(MOMENT, ""))
        if asked and since is not None and wants_part(request):
            sharing = SharedParts(
                request, since, lambda shared: view(shared, *args, **kwargs), levels
            )
            if answer := sharing.answer(asked):
                return answer
        return view(request, *args, **kwargs)

    return wrapped


class SharedParts:
    """Parts of one answer, some of which others have drawn."""

    def __init__(
        self, request: HttpRequest, since: float, view: PartsView, levels: dict[str, int]
    ) -> None:
        self.request, self.since, self.view, self.levels = request, since, view, levels
        self.rights = Rights.of(request.user)
        self.common = common_to_all(request), self.rights
        self.found: dict[str, Part] = {}
        self.revision = ""

    def answer(self, asked: list[str]) -> HttpResponse | None:
        """Return the answer, or None if a part is not to be shared."""
        for level in (ANYONE, ONE_READER):
            names = [name for name in asked if self.levels.get(name, ANYONE) == level]
            if level == ANYONE:
                names = self._without_frame(names)
            if names := [name for name in names if name not in self.found]:
                self._share(names, level)
        if not self.found.keys() >= {*asked}:
            return None
        response = with_changed(self.request, {name: self.found[name] for name in asked})
        if self.revision:
            response.headers[REVISION] = self.revision
        return response

    def _without_frame(self, names: list[str]) -> list[str]:
        """Take the frame, which all pages have, from any page of which it is drawn already.

        It stays among the parts if somebody draws it with these: their queries are shared.
        """
        if not {*names} > FRAME_PARTS.keys():
            return names
        if drawings.has(self._key(names, ANYONE), self.since):
            return names
        if not (frame := drawings.find(self._key([*FRAME_PARTS], ANYONE), self.since)):
            return names
        self._take(frame, FRAME_PARTS)
        return [name for name in names if name not in FRAME_PARTS]

    def _share(self, names: list[str], level: int) -> None:
        """Take or draw parts; those that prove personal are for the next level."""
        user = AnyReader(self.rights) if level == ANYONE else self.request.user
        shared = SharedRequest(self.request, " ".join(names), user)
        drawing = drawings.take(
            self._key(names, level), self.since, lambda drawing: self._draw(drawing, shared)
        )
        if drawing.parts is None:
            return  # the answer has no parts: it is for the reader's own request
        if personal := {*names} - drawing.parts.keys():
            if drawing.revision:  # parts of one snapshot are drawn together
                personal |= {*names} - FRAME_PARTS.keys()
            self.levels.update(dict.fromkeys(personal, level + 1))
        self._take(drawing, {*names} - personal)
        if {*names} > FRAME_PARTS.keys() and level == ANYONE and not personal & FRAME_PARTS.keys():
            drawings.offer(self._key([*FRAME_PARTS], ANYONE), drawing)
        if not {*names} <= FRAME_PARTS.keys():
            self.revision = drawing.revision

    def _key(self, names: list[str], level: int) -> Hashable:
        is_frame = {*names} <= FRAME_PARTS.keys()
        address = "" if is_frame else self.request.get_full_path()
        return self.common, address, tuple(names), None if level == ANYONE else self.request.user.pk

    def _draw(self, drawing: Drawing, shared: SharedRequest) -> None:
        try:
            response = self.view(shared)
        except PersonalError:  # before a part was drawn
            drawing.parts = {}
            return
        if isinstance(response, DrawnParts):
            drawing.revision = response.headers.get(REVISION, "")
            drawing.parts = response.parts

    def _take(self, drawing: Drawing, names: Collection[str]) -> None:
        parts = drawing.parts or {}
        self.found.update({name: parts[name] for name in names if name in parts})
