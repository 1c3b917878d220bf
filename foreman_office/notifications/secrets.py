"""Encryption of what channels know: addresses that hold tokens, and keys that sign.

The key is made from FOREMAN_CHANNEL_KEYS, or from SECRET_KEY; the first encrypts, all decrypt.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

SALT = "foreman_office.notifications"


def channel_keys() -> MultiFernet:
    texts = settings.FOREMAN_CHANNEL_KEYS or [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    made = [salted_hmac(SALT, "", secret=text, algorithm="sha256").digest() for text in texts]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in made])


def encrypt(text: str) -> str:
    return channel_keys().encrypt(text.encode()).decode()


def decrypt(stored: str) -> str | None:
    """Return the text, or None if no key of the settings decrypts it."""
    try:
        return channel_keys().decrypt(stored.encode()).decode()
    except InvalidToken:
        return None
