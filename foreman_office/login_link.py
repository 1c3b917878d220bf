"""One-time login links: created by a command, opened in a browser."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.core import signing
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from foreman_office.access import attempts
from foreman_office.access.entering import enter, mark_of_password

LIFETIME = timedelta(minutes=15)
SALT = "foreman_office.login_link"


def make_login_link(user: User) -> str:
    """Return the path of a link that logs the user in once.

    It names the user's last login and a digest of the password, so the next login uses it up, and
    so does a new password: nothing needs to be stored. It stands for the password alone: whoever
    has a second factor is asked for the code too.
    """
    said = [user.pk, str(user.last_login), mark_of_password(user)]
    return reverse("login_once", args=[signing.dumps(said, salt=SALT)])


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def login_once(request: HttpRequest, token: str) -> HttpResponse:
    """Log the link's user in by POST alone: a program that only previews a link uses up none."""
    asker = attempts.Asker.of_link(request)
    attempts.refuse_the_hasty(asker)
    with transaction.atomic():
        pressed = request.method == "POST"
        # Of two that press at once, the second waits, and then finds the link used.
        user = invited(token, User.objects.select_for_update() if pressed else User.objects.all())
        if user and pressed:
            return enter(request, user, reverse("inbox"))
    if not user:
        attempts.count_attempt(asker)
    return render(request, "login/login_once.html", {"invited": user}, status=200 if user else 410)


def invited(token: str, users: QuerySet[User]) -> User | None:
    """Return the user of a link, or None if it is forged, expired or used."""
    try:
        pk, last_login, password = signing.loads(token, salt=SALT, max_age=LIFETIME)
    except (signing.BadSignature, ValueError):  # or one of an older office
        return None
    user = users.filter(pk=pk, is_active=True).first()
    if not user or str(user.last_login) != last_login:
        return None
    return user if constant_time_compare(mark_of_password(user), password) else None
