"""The second factor of one's own login: set up, removed, its recovery codes."""

import segno
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from foreman_office.access import second_factor
from foreman_office.access.security_log import note
from foreman_office.dashboard.account.forms import FirstCodeForm, OwnerForm, OwnerWithCodeForm
from foreman_office.dashboard.account.views import end_others
from kit.web.decision_forms import shown_once


@login_required
@require_safe
def second_factor_page(request: HttpRequest) -> HttpResponse:
    return show_second_factor(request)


@login_required
@sensitive_post_parameters()
@require_POST
def second_factor_begin(request: HttpRequest) -> HttpResponse:
    """Show a new secret, in this answer and nowhere else."""
    form = OwnerForm(request, request.POST)
    if second_factor.has_one(request.user):
        return redirect("second_factor")
    if not form.is_valid():
        return show_second_factor(request, form, 422)
    secret = second_factor.begin_setup(request.user)
    context = {
        "secret": second_factor.grouped(secret),
        "picture": picture_of(second_factor.otpauth_address(request.user, secret)),
        "form": FirstCodeForm(),
    }
    return shown_once(render(request, "account/second_factor_begun.html", context))


@login_required
@sensitive_post_parameters()
@require_POST
def second_factor_confirm(request: HttpRequest) -> HttpResponse:
    """Take the first code of the app: from now on each login asks for one."""
    form = FirstCodeForm(request.POST)
    codes = second_factor.confirm(request.user, form["code"].value() or "")
    if codes is None:
        form.add_error("code", "This is not the code that the app shows now.")
        return render(request, "account/second_factor_begun.html", {"form": form}, status=422)
    note("second factor set up", request.user.get_username(), request)
    end_others(request)
    return show_codes(request, codes)


@login_required
@sensitive_post_parameters()
@require_POST
def second_factor_remove(request: HttpRequest) -> HttpResponse:
    form = OwnerWithCodeForm(request, request.POST)
    if not form.is_valid():
        return show_second_factor(request, form, 422)
    second_factor.remove(request.user)
    note("second factor removed", request.user.get_username(), request)
    messages.success(request, "Two-factor login is off.")
    return redirect("account")


@login_required
@sensitive_post_parameters()
@require_POST
def recovery_codes_renew(request: HttpRequest) -> HttpResponse:
    """Show new recovery codes, which replace the old ones."""
    form = OwnerWithCodeForm(request, request.POST)
    if not form.is_valid():
        return show_second_factor(request, form, 422)
    note("recovery codes renewed", request.user.get_username(), request)
    return show_codes(request, second_factor.new_recovery_codes(request.user))


def show_second_factor(request, form=None, status=200):
    """Show what there is, with the form of what can be done about it."""
    has_one = second_factor.has_one(request.user)
    context = {
        "has_one": has_one,
        "left": second_factor.unused(request.user).count(),
        "form": form or (OwnerWithCodeForm if has_one else OwnerForm)(request),
    }
    return render(request, "account/second_factor.html", context, status=status)


def show_codes(request, codes):
    return shown_once(render(request, "account/recovery_codes.html", {"codes": codes}))


def picture_of(address):
    """Return a QR code as an element of the page: the policy allows no other picture of it."""
    code = segno.make_qr(address, error="m")
    drawn = code.svg_inline(light="#fff", svgclass="qr", omitsize=True, title="QR code")
    return mark_safe(drawn)  # noqa: S308  (drawn by segno, without any text of the address)
