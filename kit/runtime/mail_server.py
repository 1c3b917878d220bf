"""The address of a mail server as one setting."""

from typing import Any
from urllib.parse import unquote, urlsplit

TIMEOUT = 10  # seconds
TLS = {
    "smtp": {},
    "smtp+tls": {"use_tls": True},  # STARTTLS
    "smtps": {"use_ssl": True},
}
PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


def mail_server(address: str) -> dict[str, Any]:
    """Return Django's settings of a mailer, of `smtp+tls://USER:PASSWORD@HOST:PORT`.

    Raises ValueError, without the address: it holds a password.
    """
    parts = urlsplit(address)
    if parts.scheme not in TLS:
        raise ValueError(f"it must begin with {', '.join(f'{each}://' for each in TLS)}")
    if not parts.hostname:
        raise ValueError("the host is missing")
    options = {
        "host": parts.hostname,
        "port": parts.port or PORTS[parts.scheme],
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "timeout": TIMEOUT,
        **TLS[parts.scheme],
    }
    return {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}
