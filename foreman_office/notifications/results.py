"""How an attempt to deliver a message went, in words for its page."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

GONE, TOO_MANY = 410, 429
LONGEST_PAUSE = timedelta(hours=6)  # that a receiver may ask for


@dataclass(frozen=True)
class SendingResult:
    """How an attempt went. Without `why` the channel has taken the message."""

    why: str = ""
    is_final: bool = False  # another attempt would not help
    is_gone: bool = False  # the receiver wants no further messages
    pause: timedelta = timedelta()  # the receiver wants no other attempt before it has passed


def result_of_status(
    host: str, status: int, retry_after: str | None = None, said: str = ""
) -> SendingResult:
    """Return what the status of an HTTP answer means for a message."""
    words = f"{host} answers {status}{f' ({said})' if said else ''}"
    if 200 <= status < 300:
        return SendingResult()
    if status == GONE:
        return SendingResult(
            f"{host} says 410 Gone: it wants no messages.", is_final=True, is_gone=True
        )
    if status < 400:
        return SendingResult(f"{words}, a redirect, which is not followed.", is_final=True)
    if pause := asked_pause(retry_after):
        seconds = int(pause.total_seconds())
        return SendingResult(f"{words}, and asks for a pause of {seconds} s.", pause=pause)
    return SendingResult(f"{words}.")


def asked_pause(retry_after: str | None) -> timedelta:
    """Return the pause that a Retry-After header asks for: seconds, or until a date."""
    text = (retry_after or "").strip()
    try:
        if text.isascii() and text.isdigit():
            pause = timedelta(seconds=min(int(text[:9]), LONGEST_PAUSE.total_seconds()))
        else:
            until = parsedate_to_datetime(text)
            pause = (until if until.tzinfo else until.replace(tzinfo=UTC)) - datetime.now(UTC)
    except (ValueError, OverflowError):
        return timedelta()
    return min(max(pause, timedelta()), LONGEST_PAUSE)


def unreached(host: str, error: str) -> SendingResult:
    """Return what it means that no answer came: by the name of the error that a client raised."""
    if error == "ConnectTimeout":
        return SendingResult(f"{host} cannot be reached in time.")
    if error.endswith("Timeout"):
        return SendingResult(f"{host} does not answer in time; the message may have arrived.")
    return SendingResult(f"{host} cannot be reached ({error}).")
