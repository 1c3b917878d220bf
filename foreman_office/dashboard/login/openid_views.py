"""The login by another provider: there and back."""

from datetime import timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from foreman_office.access import attempts, openid
from foreman_office.access.entering import enter
from foreman_office.access.openid_people import person_of
from foreman_office.access.security_log import note
from kit.web.decision_forms import came_from

AFTER = "openid_after"
# How long a login takes at most, and how long it holds until the provider is asked again.
PATIENCE, LASTS = timedelta(minutes=10), timedelta(hours=12)


@never_cache
@require_POST
def openid_login(request: HttpRequest) -> HttpResponse:
    """Lead to the provider by a page of our own: a form may lead to no other site."""
    asker = asker_of(request)
    try:
        address = openid.address_to_ask(request)
    except openid.Denied as denied:
        return answer_denied(request, asker, denied)
    request.session[AFTER] = came_from(request) or resolve_url(settings.LOGIN_REDIRECT_URL)
    if not request.user.is_authenticated:
        request.session.set_expiry(PATIENCE)
    return render(
        request, "login/openid_leaving.html", {"address": address, "name": openid.provider_name()}
    )


@never_cache
@require_safe
@sensitive_variables("claims")
def openid_callback(request: HttpRequest) -> HttpResponse:
    """Log in the one whom the provider sends back. It is the provider that makes this a GET."""
    asker = asker_of(request)
    try:
        claims = openid.claims_of(request)
        user = person_of(claims)
    except openid.Denied as denied:
        return answer_denied(request, asker, denied)
    after = request.session.pop(AFTER, resolve_url(settings.LOGIN_REDIRECT_URL))
    return enter(request, user, after, LASTS)


def asker_of(request):
    if not openid.is_configured():
        raise Http404
    asker = attempts.Asker.of_provider(request)
    attempts.refuse_the_hasty(asker)
    return asker


def answer_denied(request, asker, denied):
    """Answer with the sentence, and count and log the failure."""
    attempts.count_attempt(asker)
    note(
        "login failed", denied.user, request, reason=denied.reason, provider=openid.provider_name()
    )
    context = {"message": denied.message, "status": denied.status}
    return render(request, "login/openid_refused.html", context, status=denied.status)
