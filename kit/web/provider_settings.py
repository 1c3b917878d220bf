"""The settings of a provider of logins (OpenID Connect), checked when the office starts."""

from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

LOCAL = {"localhost", "127.0.0.1", "::1"}
MAPPED_TO = ("foreman", "viewer", "admin")


def is_safe_to_ask(address: str) -> bool:
    """Return whether nobody on the way can read or change what is said with an address."""
    parts = urlsplit(address)
    if not parts.hostname or parts.username or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOCAL)


def check_provider(issuer: str, client: str, scope: str, groups: Any) -> None:
    """Raise ImproperlyConfigured for settings with which nobody could log in, or anybody."""
    if not is_safe_to_ask(issuer):
        raise ImproperlyConfigured(
            "FOREMAN_OPENID_ISSUER must be an https address: http is for localhost alone."
        )
    if not client:
        raise ImproperlyConfigured("FOREMAN_OPENID_CLIENT_ID is missing.")
    if "openid" not in scope.split():
        raise ImproperlyConfigured("FOREMAN_OPENID_SCOPE must contain openid.")
    if not isinstance(groups, dict) or not groups or {*groups.values()} - {*MAPPED_TO}:
        raise ImproperlyConfigured(
            "FOREMAN_OPENID_GROUPS must be a JSON object that gives each value of the claim one of"
            f" the groups {', '.join(MAPPED_TO)}."
        )
