"""What the address of a channel must look like, and how much of it may be shown."""

import base64
import binascii
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from foreman_office.notifications.apprise_channel import check_service_address
from foreman_office.notifications.chat_services import OWN_ADDRESSES, SERVICES, scheme_of
from foreman_office.notifications.sending import WEBHOOK_SECRET
from governance.models import Channel

SECRET_BYTES = range(24, 65)  # as Standard Webhooks has it


def check_address(kind: str, address: str) -> None:
    """Raise ValidationError where no message could leave for an address."""
    if kind == Channel.Kind.EMAIL:
        validate_email(address)
        return
    if kind == Channel.Kind.APPRISE:
        check_service_address(address)
        return
    parts = urlsplit(address)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValidationError("Enter an address that begins with https://.", code="invalid")
    if parts.username or parts.password:
        raise ValidationError(
            "A name and a password in the address are not sent; the signature proves who sends.",
            code="invalid",
        )


def check_secret(secret: str) -> None:
    """Raise ValidationError for what is no secret of Standard Webhooks."""
    try:
        key = base64.b64decode(secret.removeprefix(WEBHOOK_SECRET), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(WEBHOOK_SECRET) or len(key) not in SECRET_BYTES:
        raise ValidationError(
            "A secret is whsec_ and 24 to 64 random bytes in base64.", code="invalid"
        )


def masked(kind: str, address: str) -> str:
    """Return an address without what in it may be secret."""
    if kind == Channel.Kind.EMAIL:
        return address
    scheme = scheme_of(address)
    if kind == Channel.Kind.APPRISE and scheme not in OWN_ADDRESSES:
        # What follows may be a token, also where a host is usual.
        return f"{SERVICES[scheme].name}, {scheme}://…"
    parts = urlsplit(address)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}/…"
