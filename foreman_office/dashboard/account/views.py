"""One's own account, for every role: the password, and where one is logged in."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from foreman_office.access import openid
from foreman_office.access.organisations import CHOSEN
from foreman_office.access.second_factor import has_one
from foreman_office.access.security_log import note
from foreman_office.access.sessions import other_sessions
from foreman_office.dashboard.account.forms import OwnPasswordForm


@login_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Show the account, and change its password, which ends all other sessions."""
    form = OwnPasswordForm(request, request.POST if request.method == "POST" else None)
    if form.is_valid():
        form.save()
        update_session_auth_hash(request, form.user)
        end_others(request)
        messages.success(request, "The password is changed. All other sessions are ended.")
        return redirect("account")
    context = {
        "form": form,
        "others": others_of(request).count(),
        "provider": openid.provider_name() if openid.is_configured() else "",
        "has_second_factor": has_one(request.user),
    }
    return render(request, "account/account.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def account_sessions_end(request: HttpRequest) -> HttpResponse:
    """Log the user out everywhere else."""
    ended = end_others(request)
    messages.success(request, f"Ended {ended} other session{'' if ended == 1 else 's'}.")
    return redirect("account")


@login_required
@require_POST
def organisation_choose(request: HttpRequest) -> HttpResponse:
    """Work for another of one's organisations from now on, beginning with its inbox."""
    known = {str(each.organisation) for each in getattr(request, "workplaces", [])}
    wanted = request.POST.get("organisation", "")
    if wanted not in known:
        raise Http404("There is no organisation of yours with this id.")
    request.session[CHOSEN] = wanted
    return redirect("inbox")


def others_of(request):
    return other_sessions(request.user, request.session.session_key)


def end_others(request):
    """End all sessions of the user but this one; return how many there were."""
    ended, _ = others_of(request).delete()
    note("other sessions ended", request.user.get_username(), request)
    return ended
