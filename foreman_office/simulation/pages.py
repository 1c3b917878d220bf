"""The office's pages as a person uses them, without a browser: log in, read lists, send forms."""

import json
import re
from collections.abc import Mapping
from contextlib import closing
from html import unescape
from http import HTTPStatus
from http.client import HTTPConnection, HTTPSConnection
from http.cookies import SimpleCookie
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

FORM = "application/x-www-form-urlencoded"
LOGIN = "/login/"
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


class Declined(Exception):
    """A page answered with a refusal."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"{status} {words[:200]}")


class Page(NamedTuple):
    status: int
    location: str
    cookies: list[str]  # as the header Set-Cookie has them
    text: str

    @property
    def is_for_strangers(self) -> bool:
        return self.status == HTTPStatus.UNAUTHORIZED or self.location.startswith(LOGIN)


class Pages:
    """A session of one user at the office's pages."""

    def __init__(self, address: str, name: str, password: str) -> None:
        self.address = urlsplit(address)
        self.name, self.password = name, password
        self.cookies: dict[str, str] = {}

    def log_in(self) -> None:
        self.cookies.clear()
        self.visit("GET", LOGIN)
        page = self.visit("POST", LOGIN, {"username": self.name, "password": self.password})
        if page.status != HTTPStatus.FOUND:
            raise Declined(page.status, "The login is refused.")

    def export(self, path: str, **asked: str) -> list[dict[str, Any]]:
        """Return all rows of a list as it is asked for, by the list's own export."""
        query = urlencode({**asked, "export": "json"})
        return json.loads(self.known("GET", f"{path}?{query}", b"", FORM).text)

    def post(self, path: str, fields: Mapping[str, str] = {}) -> Page:
        """Send a form."""
        return self.known("POST", path, urlencode(fields).encode(), FORM)

    def upload(self, path: str, field: str, name: str, content: bytes) -> Page:
        """Send a form with a file."""
        edge = uuid4().hex
        head = f'Content-Disposition: form-data; name="{field}"; filename="{name}"'
        parts = f"--{edge}\r\n{head}\r\n\r\n".encode(), content, f"\r\n--{edge}--\r\n".encode()
        return self.known("POST", path, b"".join(parts), f"multipart/form-data; boundary={edge}")

    def known(self, method: str, path: str, content: bytes, media: str) -> Page:
        """Send a request as the user, after a login where there is no session any more."""
        if not self.cookies:
            self.log_in()
        page = self.send(method, path, content, media)
        if page.is_for_strangers:
            self.log_in()
            page = self.send(method, path, content, media)
        if page.status >= HTTPStatus.BAD_REQUEST or page.is_for_strangers:
            raise Declined(page.status, text_of_page(page.text))
        return page

    def visit(self, method: str, path: str, fields: Mapping[str, str] = {}) -> Page:
        return self.send(method, path, urlencode(fields).encode(), FORM)

    def send(self, method: str, path: str, content: bytes, media: str) -> Page:
        """Send a request with the session's cookies and the secret of its forms."""
        headers = {"Content-Type": media}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={text}" for name, text in self.cookies.items())
        if secret := self.cookies.get("csrftoken"):
            headers["X-CSRFToken"] = secret
        page = self.ask(method, path, content, headers)
        for cookie in page.cookies:
            for name, morsel in SimpleCookie(cookie).items():
                self.cookies[name] = morsel.value
        return page

    def ask(self, method: str, path: str, content: bytes, headers: Mapping[str, str]) -> Page:
        connect = HTTPSConnection if self.address.scheme == "https" else HTTPConnection
        host, port = self.address.hostname or "localhost", self.address.port
        with closing(connect(host, port, timeout=30)) as connection:
            connection.request(method, path, content, dict(headers))
            answer = connection.getresponse()
            return Page(
                answer.status,
                answer.headers.get("Location", ""),
                answer.headers.get_all("Set-Cookie", []),
                answer.read().decode(),
            )


def hidden_fields(text: str) -> dict[str, str]:
    """Return what a page sends along with its forms."""
    return {name: unescape(value) for name, value in HIDDEN.findall(text)}


def text_of_page(text: str) -> str:
    """Return what a page says, without its markup."""
    _, _, main = text.partition("<main")
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", f"<{main}" if main else text)).split())
