"""Connections to channels: to public addresses alone, unless a setting allows others.

What is checked is the address that is connected to, after the name was looked up, and not the name.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util import connection as urllib3_connection

NAT64 = IPv6Network("64:ff9b::/96")


class PrivateAddressError(OSError):
    """A name leads to an address that channels may not reach."""


def is_public_address(address: str) -> bool:
    """Return whether an IP address is one of the public network, whatever it is wrapped into."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if found in NAT64:
            inner = IPv4Address(int(found) & 0xFFFFFFFF)
        if found.teredo:
            return False
        if inner:
            return is_public_address(str(inner))
    return found.is_global and not found.is_multicast


def connect_if_allowed(
    address: tuple[str, int],
    timeout: Any = None,
    source_address: tuple[str, int] | None = None,
    socket_options: Any = None,
) -> socket.socket:
    """Connect as urllib3 does, and only to addresses that channels may reach."""
    host, port = address
    found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    places = [place for *_, place in found]
    if not settings.FOREMAN_PRIVATE_CHANNELS:
        places = [place for place in places if is_public_address(str(place[0]))]
        if not places:
            raise PrivateAddressError(f"{host} is a private address, which no channel may reach")
    failure: OSError | None = None
    for place in places:
        try:
            # A literal address: nothing is looked up again.
            made = create_connection(
                (str(place[0]), int(place[1])), timeout, source_address, socket_options
            )
        except OSError as error:
            failure = error
        else:
            if limit := getattr(LIMITS, "of_thread", None):
                limit.opened.append(made.dup())
            return made
    raise failure or OSError(f"{host} has no address")


create_connection = urllib3_connection.create_connection
LIMITS = threading.local()


class TimeLimit:
    """Ends the connections that a thread has opened, when the time for all of it is over.

    A timeout of `requests` is one of each read: who sends a byte now and then is never too late,
    and would keep a worker for ever.
    """

    def __init__(self, seconds: float) -> None:
        self.opened: list[socket.socket] = []
        self.is_over = False
        self.timer = threading.Timer(seconds, self.end)
        self.timer.daemon = True

    def end(self) -> None:
        self.is_over = True
        for each in self.opened:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> "TimeLimit":
        LIMITS.of_thread = self
        self.timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        LIMITS.of_thread = None
        self.timer.cancel()
        self.timer.join()
        for each in self.opened:
            each.close()


class CheckedConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return checked_socket(self)


class CheckedTLSConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return checked_socket(self)


def checked_socket(of: Any) -> socket.socket:
    return connect_if_allowed(
        (of._dns_host, of.port), of.timeout, of.source_address, of.socket_options
    )


class CheckedPool(HTTPConnectionPool):
    ConnectionCls = CheckedConnection


class CheckedTLSPool(HTTPSConnectionPool):
    ConnectionCls = CheckedTLSConnection


class CheckedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": CheckedPool, "https": CheckedTLSPool}


def checked_session() -> requests.Session:
    """Return a session that asks no proxy of the environment, and connects to what is allowed."""
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, CheckedAdapter())
    return session


def cause_among(error: BaseException, kind: type[BaseException]) -> BaseException | None:
    """Return the error of this kind that others were raised for, if there is one."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, kind):
        found = found.__cause__ or found.__context__
    return found


@contextmanager
def all_connections_checked() -> Iterator[None]:
    """Check what other libraries connect to with urllib3 in this process."""
    urllib3_connection.create_connection = connect_if_allowed
    try:
        yield
    finally:
        urllib3_connection.create_connection = create_connection
