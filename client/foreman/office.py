"""The office's API over HTTP, with nothing but the standard library."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from email.message import Message as HTTPHeaders
from email.utils import parsedate_to_datetime
from functools import cache
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from foreman.errors import ForemanError, NotAnOffice, Unreachable, refusal

VERSION = "0.1.0"
TIMEOUT = 10  # seconds
# The office cannot work now, or has too many requests; the same request may succeed later.
LATER = {408, 425, 429, *range(500, 600)}
# Seconds by which clocks may differ before a time is corrected: a header has whole seconds.
CLOCKS_DIFFER = 2


class Answer(NamedTuple):
    status: int
    headers: HTTPHeaders
    text: str

    def json(self) -> dict[str, Any]:
        """Return the body, or raise that no office answers so."""
        try:
            body = json.loads(self.text)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise NotAnOffice("The address answers, but not as an office does. Is it right?")
        return body

    def problem(self) -> ForemanError | None:
        """Return what an answer that is no success stands for."""
        if self.status in LATER:
            try:
                words = str(refusal(self.status, self.text))
                wait = float(self.headers.get("Retry-After", "0"))
            except ValueError:  # a date, which no office sends
                wait = 0
            return Unreachable(f"{self.status}: {words}", retry_after=max(0, wait))
        if 300 <= self.status < 400:
            target = self.headers.get("Location", "another address")
            return NotAnOffice(f"The address redirects to {target}: use that one.")
        return refusal(self.status, self.text) if self.status >= 400 else None


class _NoRedirects(HTTPRedirectHandler):
    """Follow no redirect: it would turn a report into a GET, and send the token elsewhere."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


@cache
def _opener() -> OpenerDirector:
    """Return what opens addresses; it reads all certificates of the machine, so it is made once."""
    return build_opener(_NoRedirects())


class Office:
    """One office and the token with which it is asked."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url.rstrip("/"), token
        self.clock = 0.0  # seconds by which the office's clock is ahead of ours

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] = {},
        timeout: float = TIMEOUT,
    ) -> Answer:
        """Return the answer, whatever its status, or raise Unreachable if there is none."""
        request = Request(self.url + path, body, method=method)  # noqa: S310  checked at login
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("User-Agent", f"foreman-office-client/{VERSION}")
        for name, value in headers.items():
            request.add_header(name, value)
        try:
            try:
                with _opener().open(request, timeout=timeout) as answer:
                    found = Answer(answer.status, answer.headers, answer.read().decode())
            except HTTPError as error:
                with error:
                    text = error.read().decode(errors="replace")
                found = Answer(error.code, error.headers, text)
        except (OSError, HTTPException, UnicodeDecodeError) as error:
            raise unreachable(self.url, error) from error
        self._compare_clocks(found.headers.get("Date"))
        return found

    def get(self, path: str, timeout: float = TIMEOUT) -> dict[str, Any]:
        return self.checked("GET", path, timeout=timeout).json()

    def checked(self, method: str, path: str, *args: Any, **kwargs: Any) -> Answer:
        """Return the answer if it is a success, and raise what else it stands for."""
        answer = self.ask(method, path, *args, **kwargs)
        if problem := answer.problem():
            raise problem
        return answer

    def _compare_clocks(self, date: str | None) -> None:
        try:
            ahead = parsedate_to_datetime(date or "").timestamp() - time.time()
        except (TypeError, ValueError):
            return
        self.clock = ahead if abs(ahead) > CLOCKS_DIFFER else 0.0


def unreachable(url: str, error: Exception) -> Unreachable:
    """Return that an office is unreachable, and why."""
    reason = error.reason if isinstance(error, URLError) else error
    never = isinstance(reason, (ConnectionRefusedError, socket.gaierror))
    words = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return Unreachable(f"The office at {url} cannot be reached: {words}.", arrived=not never)


def checked_address(url: str) -> str:
    """Return the address of an office without its trailing slash, or raise what is wrong."""
    parts = urlsplit(url if "//" in url else f"http://{url}")
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
        raise NotAnOffice(f"“{url}” is not an address like https://office.example.org.")
    if parts.username or parts.query or parts.fragment:
        raise NotAnOffice("The address has no user, query or fragment: the token is given apart.")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
