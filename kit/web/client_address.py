"""The address of a client, also behind proxies."""

from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any

from django.conf import settings


def client_address(environ: dict[str, Any]) -> str:
    """Return the address from which a request came, as far as it can be believed.

    Each of our own proxies adds one entry to X-Forwarded-For, at its end. What stands before
    these was written by the client.
    """
    peer = environ.get("REMOTE_ADDR", "")
    if not settings.FOREMAN_PROXIES:
        return peer
    entries = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if len(entries) < settings.FOREMAN_PROXIES:
        return peer
    return _bare(entries[-settings.FOREMAN_PROXIES]) or peer


def network_of(address: str) -> str:
    """Return what one client may choose its addresses from: of IPv6 a whole /64."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((parsed, 64), strict=False))


def _bare(entry: str) -> str:
    """Return the address of an entry without its port; nothing if it is none."""
    entry = entry.strip()
    if entry.startswith("["):
        entry = entry[1:].partition("]")[0]
    elif entry.count(":") == 1:
        entry = entry.partition(":")[0]
    try:
        return str(ip_address(entry))
    except ValueError:
        return ""
