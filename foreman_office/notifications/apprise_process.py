"""Judge one address of Apprise, or send one message by it, in a process of its own.

Apprise is imported here and nowhere else, so that no process of the office grows, hangs or changes
by it. This one takes a question as JSON, prints an answer as JSON, and ends. It knows neither
Django's settings nor the database. Of Apprise it imports the plugin of one listed service; it uses
the network by HeldSession alone, which checks each address that it connects to.
"""

import importlib
import json
import re
import resource
import signal
import sys
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings

from foreman_office.notifications.chat_services import (
    OWN_ADDRESSES,
    SERVICES,
    TELEGRAM,
    ChatService,
    known_services,
    scheme_of,
)
from foreman_office.notifications.network import (
    PrivateAddressError,
    all_connections_checked,
    cause_among,
    checked_session,
)

DEADLINE = 10  # seconds, from when Apprise is imported; then the kernel ends this process
MOST_MEMORY = 1 << 30  # bytes, whatever a receiver answers
NUMBERS = ("dedup", "alias")
SAID = re.compile(r"[\w .,:'#-]{1,80}")  # what of an answer may be repeated
NOT_PLAIN = re.compile(r"(?<!\w)@(?=\w)|<(?=[!@#])")  # what would call people, or everybody
# What an address may not decide: whether certificates are checked and redirects followed, how long
# and how often is tried, what of a message is sent; and what would read files.
RESERVED = frozenset(
    [
        *("cto", "emojis", "format", "optional", "overflow", "redirect", "retry", "rto", "store"),
        *("tz", "verify", "wait", "template", "attach", "filename"),
    ]
)


class AddressError(Exception):
    """An address that cannot be used, with why in words that do not repeat it."""


class HeldSession(requests.Session):
    """Connects to what is allowed, follows no redirect, and notes how each request went."""

    timeout: Any = None
    noted: list[dict[str, Any]] = []

    def __init__(self) -> None:
        super().__init__()
        checked = checked_session()
        self.trust_env, self.adapters = checked.trust_env, checked.adapters

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        note: dict[str, Any] = {"host": urlsplit(request.url or "").hostname or ""}
        self.noted.append(note)
        options |= {"allow_redirects": False, "timeout": self.timeout}
        try:
            answer = super().send(request, **options)
        except (requests.RequestException, ValueError) as error:
            private = cause_among(error, PrivateAddressError)
            note |= {"error": type(error).__name__, "private": str(private or "")}
            raise
        note["status"] = answer.status_code
        note["retry_after"], note["said"] = answer.headers.get("Retry-After"), reason_in(answer)
        return answer


def reason_in(answer: requests.Response) -> str:
    """Return why a service refuses, where its answer says so in a few plain words."""
    try:
        told = json.loads(answer.content)
        words = next(told[key] for key in ("error", "description", "message") if told.get(key))
    except (ValueError, AttributeError, StopIteration):
        return ""
    return words if isinstance(words, str) and SAID.fullmatch(words) else ""


def plugin_of(address: str) -> Any:
    """Return the plugin of Apprise for an address, with one target; AddressError if it has none."""
    from apprise.exception import AppriseException

    scheme = scheme_of(address)
    address = address.replace("/#", "/%23")  # a channel's name, which begins no fragment
    if scheme in SERVICES:
        service = SERVICES[scheme]
        values = plugin_class(service).parse_url(address)
    else:
        service, values = service_of_own_address(address)
    plugin = plugin_class(service)
    if not values:
        raise AddressError(expected_form(service))
    values = {**values, "asset": asset()}
    check_parameters(plugin, values)
    try:
        made = plugin(**values)
    except (AppriseException, TypeError, ValueError, AttributeError):
        raise AddressError(expected_form(service)) from None
    if service is TELEGRAM and not made.targets:  # Apprise would take whoever wrote last
        raise AddressError("The address lacks a chat.")
    if len(made) != 1:
        raise AddressError(
            f"The address names {len(made)} targets; name one, and make a channel for each other"
            " one, so that none is told twice."
        )
    return made


def plugin_class(service: ChatService) -> Any:
    return getattr(importlib.import_module(f"apprise.plugins.{service.module}"), service.plugin)


def service_of_own_address(address: str) -> tuple[ChatService, Any]:
    """Return the service whose own https:// address this is, and what Apprise reads in it."""
    if scheme_of(address) in OWN_ADDRESSES:
        for service in dict.fromkeys(SERVICES.values()):
            if values := plugin_class(service).parse_native_url(address):
                return service, values
    raise AddressError(f"The address is of none of these services: {known_services()}.")


def expected_form(service: ChatService) -> str:
    plugin = plugin_class(service)
    schemes = plugin.secure_protocol or plugin.protocol
    scheme = schemes if isinstance(schemes, str) else schemes[0]
    form = str(plugin.templates[0]).replace("{schema}", scheme)
    return f"This is no address of {service.name} as Apprise writes them: {form}"


def check_parameters(plugin: Any, values: dict[str, Any]) -> None:
    """Refuse what an address may not decide, and what its service does not know."""
    given = set(values.get("qsd", {})) | {f"+{name}" for name in values.get("qsd+", {})}
    given |= {f"-{name}" for name in values.get("qsd-", {})}
    given |= {f":{name}" for name in values.get("qsd:", {})}
    # Microsoft's own addresses have two that Apprise does not list.
    known = set(plugin.template_args) | {"sp", "sv"}
    if refused := sorted(name for name in given if name not in known or name in RESERVED):
        raise AddressError(f"Leave out of the address: {', '.join(refused)}.")


def asset() -> Any:
    from apprise import AppriseAsset

    return AppriseAsset(
        app_id="Foreman Office",
        app_desc="Foreman Office",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        async_mode=False,
        http_redirects=False,
        interpret_emojis=False,
        storage_mode="memory",
        service_timeout=0,
    )


def send_asked(asked: dict[str, Any]) -> dict[str, Any]:
    """Send a message; return whether it was taken, or what the last request came to."""
    from apprise import Apprise, NotifyFormat
    from apprise.common import OverflowMode

    plugin = plugin_of(asked["address"])
    plugin.overflow_mode = OverflowMode.TRUNCATE  # a message in parts could arrive in part
    for name in NUMBERS:  # by which PagerDuty and Opsgenie know a message that comes again
        if getattr(plugin, name, "") is None:
            setattr(plugin, name, asked["id"])
    apprise = Apprise(asset=plugin.asset)
    apprise.add(plugin)
    result = apprise.notify(
        title=without_calls(asked["title"]),
        body=fit(without_calls(asked["body"]), plugin.body_maxlen - len(asked["title"])),
        notify_type=asked["kind"],
        body_format=NotifyFormat.TEXT,  # undeclared, it is passed on as HTML
    )
    return outcome(result)


def outcome(result: Any) -> dict[str, Any]:
    """Return what a result of Apprise means: it equals neither True nor False nor None."""
    status = str(getattr(getattr(result, "status", result), "name", result))
    last = HeldSession.noted[-1] if HeldSession.noted else {}
    taken = status in ("SUCCESS", "True") and bool(last)
    return {"taken": taken, "result": status, **({} if taken else last)}


def without_calls(text: str) -> str:
    """Return a text in which nothing calls people: who wrote it may be a builder."""
    return NOT_PLAIN.sub(lambda found: f"{found[0]}\u200b", text)


def fit(body: str, room: int) -> str:
    """Return a body that a service takes whole, escapes included; its link is kept."""
    most = max(room * 3 // 4, 200)
    if len(body) <= most:
        return body
    text, _, link = body.rpartition("\n\n")
    if not link.startswith(("https://", "http://")):
        text, link = body, ""
    ending = f"…\n\n{link}" if link else "…"
    return text[: most - len(ending)].rstrip() + ending


def hold(private: bool, timeout: Any) -> None:
    """Restrict what this process connects to, and for how long it runs."""
    settings.configure(FOREMAN_PRIVATE_CHANNELS=private)
    HeldSession.timeout = tuple(timeout)
    requests.sessions.Session = HeldSession  # type: ignore[misc]  # by which Apprise sends
    with suppress(ValueError, OSError):  # not every system has this limit
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    importlib.import_module("apprise")
    signal.setitimer(signal.ITIMER_REAL, DEADLINE)


def main() -> None:
    asked = json.load(sys.stdin)
    hold(asked["private"], asked["timeout"])
    try:
        with all_connections_checked():
            if "body" in asked:
                told = send_asked(asked)
            else:
                plugin_of(asked["address"])
                told = {}
    except AddressError as error:
        told = {"refused": str(error)}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
