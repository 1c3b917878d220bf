"""The second factor of a login: a code of an authenticator app (TOTP, RFC 6238).

A recovery code stands in for it once. The secret is encrypted with a key that is made from
SECRET_KEY; recovery codes are random enough (80 bits) to be kept as plain digests.
"""

import base64
import hashlib
import re
import secrets
from time import time
from typing import Any
from urllib.parse import quote, urlencode

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac
from django.utils.timezone import now
from django_otp.oath import TOTP

from governance.models import RecoveryCode, SecondFactor

ISSUER = "Foreman Office"
SECRET_BYTES = 20
DRIFT = 1  # steps of 30 s by which a telephone's clock may be wrong, either way
RECOVERY_CODES = 10


def has_one(user: Any) -> bool:
    """Return whether a login of this user asks for a code."""
    return confirmed(user).exists()


def confirmed(user: Any) -> QuerySet[SecondFactor]:
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False)


def unused(user: Any) -> QuerySet[RecoveryCode]:
    return RecoveryCode.objects.filter(user=user, used_at=None)


# --- setting it up --------------------------------------------------------------------------------


def begin_setup(user: User) -> str:
    """Store a new secret, which counts from its first code; return it in base32.

    One that was confirmed stays: `confirm` then takes codes of that one.
    """
    secret = secrets.token_bytes(SECRET_BYTES)
    stored = {"secret": encrypted(secret)}
    _, is_new = SecondFactor.objects.get_or_create(user=user, defaults=stored)
    if not is_new:
        SecondFactor.objects.filter(user=user, confirmed_at=None).update(**stored)
    return base64.b32encode(secret).decode()


def otpauth_address(user: User, secret: str) -> str:
    """Return the address that an authenticator app reads from a QR code."""
    label = quote(f"{ISSUER}:{user.get_username()}")
    asked = urlencode({"secret": secret, "issuer": ISSUER}, quote_via=quote)
    return f"otpauth://totp/{label}?{asked}"


def confirm(user: User, code: str) -> list[str] | None:
    """Return recovery codes if this is a code of the new secret, which counts from now on."""
    with transaction.atomic():
        row = SecondFactor.objects.select_for_update().filter(user=user, confirmed_at=None).first()
        step = row and step_of(row, code)
        if row is None or step is None:
            return None
        row.confirmed_at, row.last_step = now(), step
        row.save(update_fields=["confirmed_at", "last_step"])
        return new_recovery_codes(user)


def new_recovery_codes(user: User) -> list[str]:
    """Replace the user's recovery codes, and return the new ones, of which digests are kept."""
    codes = [
        grouped(base64.b32encode(secrets.token_bytes(10)).decode()) for _ in range(RECOVERY_CODES)
    ]
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(user=user, digest=digest_of_code(code)) for code in codes
        )
    return codes


def remove(user: User) -> bool:
    """Remove the second factor with its recovery codes; return whether there was one."""
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        _, deleted = SecondFactor.objects.filter(user=user).delete()
        return bool(deleted)


# --- checking a code ------------------------------------------------------------------------------


def is_of_an_app(typed: str) -> bool:
    """Return whether this is what an app shows, and not a recovery code."""
    return re.fullmatch(r"[0-9]{6}", bare(typed)) is not None


def accepts(user: User, typed: str) -> bool:
    """Return whether a code lets this user in. It is used up by that."""
    if not is_of_an_app(typed):
        return unused(user).filter(digest=digest_of_code(typed)).update(used_at=now()) == 1
    row = confirmed(user).first()
    step = row and step_of(row, bare(typed))
    # Of two that send the same code at once, one finds the step taken.
    return (
        step is not None and confirmed(user).filter(last_step__lt=step).update(last_step=step) == 1
    )


def step_of(row: SecondFactor, code: str) -> int | None:
    """Return the time step of a code that was not taken yet, or None if it is wrong."""
    secret = decrypted(row.secret)
    if secret is None or not is_of_an_app(code):
        return None
    totp = TOTP(secret)
    totp.time = time()
    return totp.t() if totp.verify(int(code), DRIFT, row.last_step + 1) else None


def bare(typed: str) -> str:
    return re.sub(r"[\s-]", "", typed)


def grouped(text: str) -> str:
    """Return text in groups of four, for eyes."""
    return "-".join(re.findall("....", text.lower()))


def digest_of_code(code: str) -> str:
    return hashlib.sha256(bare(code).lower().encode()).hexdigest()


# --- the secret at rest ---------------------------------------------------------------------------


def keys() -> MultiFernet:
    """Return the keys made from SECRET_KEY and from the ones that it replaces, in this order."""
    made = (
        salted_hmac("foreman_office.second_factor", "", secret, algorithm="sha256").digest()
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    )
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in made])


def encrypted(secret: bytes) -> str:
    return keys().encrypt(secret).decode()


def decrypted(stored: str) -> bytes | None:
    """Return the secret, or None if SECRET_KEY is another one now."""
    try:
        return keys().decrypt(stored.encode())
    except InvalidToken:
        return None
