"""A link that lets one user in, once: made by whoever may run commands, opened in a browser."""

from datetime import timedelta

from django.contrib import auth
from django.contrib.auth.models import User
from django.core import signing
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

LIFETIME = timedelta(hours=12)
SALT = "foreman_office.login_link"


def make_login_link(user: User) -> str:
    """Return the path of a link that logs the user in once.

    It names the user's last login, so the next one uses it up: nothing needs to be stored.
    """
    return reverse("login_once", args=[signing.dumps([user.pk, str(user.last_login)], salt=SALT)])


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def login_once(request: HttpRequest, token: str) -> HttpResponse:
    """Let the link's user in, at the press of a button: what only looks at a link uses up none."""
    with transaction.atomic():
        pressed = request.method == "POST"
        # Of two that press at once, the second waits, and then finds the link used.
        user = invited(token, User.objects.select_for_update() if pressed else User.objects.all())
        if user and pressed:
            auth.login(request, user)
            return redirect("inbox")
    return render(request, "login_once.html", {"invited": user}, status=200 if user else 410)


def invited(token: str, users: QuerySet[User]) -> User | None:
    """Return whom the link lets in, or None if it is forged, too old or used."""
    try:
        pk, last_login = signing.loads(token, salt=SALT, max_age=LIFETIME)
    except signing.BadSignature:
        return None
    user = users.filter(pk=pk, is_active=True).first()
    return user if user and str(user.last_login) == last_login else None
