"""What can go wrong, each with an exit status of its own (docs/builders.md lists them)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

# By the status of the office's answer; all others in the 400s are invalid input.
EXIT_STATUS_OF = {401: 12, 403: 13, 404: 14, 409: 15}
INVALID = 16


class ForemanError(Exception):
    """What a command could not do, as a sentence for people."""

    exit_status = 1

    def as_json(self) -> dict[str, Any]:
        return {"errors": [{"field": None, "rule": type(self).__name__, "message": str(self)}]}


class NoTask(ForemanError):
    """The builder has no task."""

    exit_status = 10


class NotLoggedIn(ForemanError):
    """The address of the office or the token is missing."""

    exit_status = 11


class Invalid(ForemanError):
    """What was given cannot be sent."""

    exit_status = INVALID


class Unreachable(ForemanError):
    """There was no answer, or none but that the office cannot work now.

    `arrived` is False if the request certainly did not reach the office.
    """

    exit_status = 17

    def __init__(self, message: str, *, arrived: bool = True, retry_after: float = 0) -> None:
        super().__init__(message)
        self.arrived, self.retry_after = arrived, retry_after


class SpoolFull(ForemanError):
    """No more may be kept for later."""

    exit_status = 18


class NotAnOffice(ForemanError):
    """Something else answers at the address."""

    exit_status = 19


class Refused(ForemanError):
    """The office refused a request: the errors, and the conditions of a refused claim."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status, self.body = status, dict(body)
        self.errors: Sequence[Mapping[str, Any]] = body.get("errors") or []
        self.conditions: Sequence[Mapping[str, Any]] = body.get("conditions") or []
        self.exit_status = EXIT_STATUS_OF.get(status, INVALID)
        super().__init__("; ".join(map(words_of_error, self.errors)) or f"Refused ({status}).")

    @property
    def unmet(self) -> list[Mapping[str, Any]]:
        return [each for each in self.conditions if not each.get("met")]

    def as_json(self) -> dict[str, Any]:
        return {"status": self.status, **self.body}


def words_of_error(error: Mapping[str, Any]) -> str:
    field, message = error.get("field"), error.get("message", "")
    return f"{field}: {message}" if field else str(message)


def refusal(status: int, text: str) -> Refused:
    """Return the refusal that an answer stands for; a proxy's has no errors in JSON."""
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("errors"), list):
        try:
            phrase = HTTPStatus(status).phrase
        except ValueError:
            phrase = "refused"
        body = {"errors": [{"field": None, "rule": "http", "message": f"{status} {phrase}"}]}
    return Refused(status, body)
