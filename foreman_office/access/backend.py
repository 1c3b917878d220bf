"""Passwords are checked here, whichever page asks: with a limit for whoever guesses."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.http import HttpRequest

from foreman_office.access import attempts


class LimitedBackend(ModelBackend):
    """Django's backend, which raises TryLater for one who has failed too often."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **credentials: Any,
    ) -> User | None:
        if request is None or username is None or password is None:
            return super().authenticate(request, username, password, **credentials)
        asker = attempts.Asker.of(request, username)
        with attempts.attempt(asker):
            user = super().authenticate(request, username, password, **credentials)
            if user is not None:
                attempts.succeeded(asker)
            return user
