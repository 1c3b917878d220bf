"""Who is logged in, which logins failed, and second factors: no reader of these rows can log in."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from kit.core.sql import ContractNow


class OfficeSession(AbstractBaseSession):
    """A login of a browser. The cookie has the key, the row only the SHA-256 of it."""

    session_key = models.TextField(primary_key=True)
    # Without a constraint: a session that ends with its user must not fail the user's last request.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, "+", null=True, db_constraint=False
    )

    class Meta(AbstractBaseSession.Meta):
        db_table = "office_sessions"

    @classmethod
    def get_session_store_class(cls) -> Any:
        return import_module(settings.SESSION_ENGINE).SessionStore

    def __str__(self) -> str:
        return f"a session of {self.user or 'nobody'} until {self.expire_date}"


class LoginAttempt(models.Model):
    """An attempt to log in that failed, or has not ended yet.

    The name is kept as a keyed digest: people type passwords where a name belongs.
    """

    attempt_id = models.BigAutoField(primary_key=True)
    address = models.TextField()
    name = models.TextField()
    at = models.DateTimeField(db_default=ContractNow())

    class Meta:
        db_table = "login_attempts"
        indexes = [
            models.Index("address", "at", name="idx_login_attempts_address"),
            models.Index("name", "at", name="idx_login_attempts_name"),
            models.Index("at", name="idx_login_attempts_at"),
        ]

    def __str__(self) -> str:
        return f"an attempt from {self.address} at {self.at}"


class SecondFactor(models.Model):
    """The secret that a person's authenticator app has too, encrypted by the office's SECRET_KEY.

    It counts from when a first code has confirmed it. `last_step` is the time step of the newest
    code that was taken, so that each is taken once.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    secret = models.TextField()
    created_at = models.DateTimeField(db_default=ContractNow())
    confirmed_at = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(db_default=0)

    class Meta:
        db_table = "second_factors"

    def __str__(self) -> str:
        return f"the second factor of {self.user}"


class OpenIDAccount(models.Model):
    """Whom a provider of logins means: its issuer and subject, which it gives to nobody else."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    issuer = models.TextField()
    subject = models.TextField()
    created_at = models.DateTimeField(db_default=ContractNow())

    class Meta:
        db_table = "openid_accounts"
        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "subject"], name="openid_accounts_issuer_subject_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.issuer}"


class RecoveryCode(models.Model):
    """A code that stands in for the app once: the SHA-256 of it, and when it was used."""

    code_id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    digest = models.TextField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recovery_codes"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "digest"], name="recovery_codes_user_id_digest_key"
            )
        ]

    def __str__(self) -> str:
        return f"a recovery code of {self.user}"
