from typing import Any

from django import forms
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from foreman_office.access import openid
from foreman_office.access.entering import enter, enter_with_code, waits_for_code
from kit.web.expired import login_ended
from kit.web.htmx import wants_part


class PasswordLogin(LoginView):
    template_name = "login/login.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the name of another provider's login, if there is one."""
        provider = openid.provider_name() if openid.is_configured() else ""
        return super().get_context_data(provider=provider, **kwargs)

    def form_valid(self, form: forms.Form) -> HttpResponse:
        """Log the user in, or ask for the code of the second factor."""
        return enter(self.request, form.get_user(), self.get_success_url())


def login(request: HttpRequest) -> HttpResponse:
    """Log a user in. A part requested after the session has ended shows that in its place."""
    return login_ended(request) if wants_part(request) else PasswordLogin.as_view()(request)


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def login_code(request: HttpRequest) -> HttpResponse:
    """Check the code of the second factor, after the password or the link."""
    user = waits_for_code(request)
    if user is None:
        return redirect("login")
    is_wrong = request.method == "POST"
    if is_wrong and (done := enter_with_code(request, user, request.POST.get("code", ""))):
        return done
    context = {"user_name": user.get_username(), "is_wrong": is_wrong}
    return render(request, "login/login_code.html", context, status=422 if is_wrong else 200)
