"""The pages of CI tokens: list, issue, revoke."""

from django import forms
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from builders import actions
from builders.models import CIToken
from foreman_office.dashboard.available_actions import offer
from foreman_office.dashboard.ci_tokens.forms import CITokenForm, CITokenOfOrganisationForm
from kit.core.roles import decides, may_decide, reads
from kit.runtime.database.members import organisation_in_use
from kit.web.decision_forms import respond_done, shown_once
from programs.models import Organisation, Program

LISTED = 100


@reads
def ci_token_list(request):
    return show(request, form_of(request))


@decides
def ci_token_issue(request):
    """Show the text of a new token, in this answer and nowhere else: only its digest is kept."""
    form = form_of(request, request.POST)
    if not form.is_valid():
        return show(request, form, status=422)
    token, text = actions.issue_ci_token(by=request.user, **form.cleaned_data)
    response = render(request, "ci_tokens/issued.html", {"token": token, "text": text})
    response.headers["Cache-Control"] = "no-store"
    return shown_once(response)


@decides
def ci_token_revoke(request, pk):
    token = get_object_or_404(CIToken, pk=pk)
    actions.revoke_token(token, by=request.user)
    back = reverse("builders:ci_token_list")
    return respond_done(request, f"The token {token.prefix}… is revoked.", back)


def form_of(request, data=None):
    """Return the form of a new token; who serves the whole office chooses for whom it is."""
    chooses = organisation_in_use() is None and Organisation.objects.exists()
    return (CITokenOfOrganisationForm if chooses else CITokenForm)(data)


def show(request, form, status=200):
    tokens = list(CIToken.objects.select_related("organisation").order_by("-created_at")[:LISTED])
    keys = {key for token in tokens for key in token.program_ids or ()}
    names = {str(row.pk): row.name for row in Program.objects.filter(pk__in=keys)}
    for token in tokens:
        token.programs = [names.get(key, "a deleted program") for key in token.program_ids or ()]
        token.offers = []
        if may_decide(request) and token.revoked_at is None:
            token.offers = [offer(token, "builders:ci_token_revoke", "Revoke", forms.Form)]
    context = {"tokens": tokens, "form": form}
    return render(request, "ci_tokens/ci_token_list.html", context, status=status)
