"""The moment that `?as_of=` names, and what is said where nothing can be shown as of it."""

from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404
from django.utils.formats import date_format
from django.utils.timezone import get_current_timezone, localtime, now

from governance.as_of import known_since
from kit.web.moments import in_zone

EXAMPLE = "2026-11-30T03:12:00+00:00"


class NotShownError(Exception):
    """Nothing can be shown as of a moment; says why, in a sentence, and with which status."""

    def __init__(self, words: str, status: int = 422) -> None:
        super().__init__(words)
        self.words, self.status = words, status


def moment_asked(text: str) -> datetime:
    """Return the moment that an address names; one without a zone is in the reader's."""
    try:
        # An unescaped plus sign arrives as a blank.
        moment = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text)
        moment = moment if moment.tzinfo else in_zone(moment, get_current_timezone())
        localtime(moment)
    except (ValueError, OverflowError) as error:
        raise NotShownError(f"“{text}” is not a time. Write it as {EXAMPLE}.") from error
    except ValidationError as error:
        raise NotShownError(f"as_of: {' '.join(error.messages)}") from error
    if moment > now():
        raise NotShownError(f"{past_moment(moment)} is in the future: nothing is known of it yet.")
    return moment


def past_moment(moment: datetime) -> str:
    """Return a moment as the banner says it: 30 Nov 2026, 03:12:00 UTC."""
    return date_format(localtime(moment), "j M Y, H:i:s T")


def must_have_existed(kind: str, key: UUID, moment: datetime) -> None:
    """Raise where an entity was not there at a moment: not yet, no more, or never."""
    known = known_since(kind, key)
    if not known:
        raise Http404(f"This {kind} does not exist.")
    if moment < known.made_at:
        raise NotShownError(
            f"This {kind} did not exist at {past_moment(moment)}: the office has it since"
            f" {past_moment(known.made_at)}.",
            404,
        )
    if known.deleted_at and moment >= known.deleted_at:
        raise NotShownError(
            f"This {kind} did not exist at {past_moment(moment)}: it was deleted at"
            f" {past_moment(known.deleted_at)}.",
            404,
        )
