"""Badges: anybody reads one by its key; a foreman makes and revokes the keys."""

from django import forms
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from builders import actions
from builders.models import BadgeKey, Builder
from foreman_office.dashboard.available_actions import offer
from foreman_office.dashboard.badges.drawing import badge_of
from kit.core.roles import decides, may_decide, reads
from kit.web.decision_forms import respond_done, shown_once
from programs.models import BuilderName, Program

LISTED = 100
SECONDS = 60  # for which an answer may be kept, also after its key is revoked


class BadgeForm(forms.Form):
    program = forms.ModelChoiceField(
        queryset=Program.objects.unarchived().order_by("name"), required=False, empty_label="none"
    )
    builder = forms.ChoiceField(choices=[("", "none"), *BuilderName.choices], required=False)

    def clean_builder(self):
        return Builder.objects.filter(pk=self.cleaned_data["builder"]).first()

    def clean(self):
        given = super().clean()
        if not self.errors and bool(given["program"]) == bool(given["builder"]):
            raise forms.ValidationError("Choose a program or a builder.", code="required")
        return given


@reads
def badge_list(request):
    return show_badges(request, BadgeForm())


@decides
def badge_make(request):
    """Show the addresses of a new badge, in this answer and nowhere else."""
    form = BadgeForm(request.POST)
    if not form.is_valid():
        return show_badges(request, form, status=422)
    about = form.cleaned_data["program"] or form.cleaned_data["builder"]
    badge, text = actions.make_badge(about, by=request.user)
    addresses = [
        request.build_absolute_uri(reverse(name, args=[text]))
        for name in ("badge_svg", "badge_json")
    ]
    context = {"badge": badge, "about": about, "addresses": addresses}
    response = render(request, "badges/made.html", context)
    response.headers["Cache-Control"] = "no-store"
    return shown_once(response)


@decides
def badge_revoke(request, pk):
    badge = get_object_or_404(BadgeKey, pk=pk)
    actions.revoke_token(badge, by=request.user)
    back = reverse("builders:badge_list")
    return respond_done(request, f"The badge {badge.prefix}… is revoked.", back)


@require_safe
def badge_svg(request, key):
    return kept(HttpResponse(badge_by(key).as_svg(), content_type="image/svg+xml"))


@require_safe
def badge_json(request, key):
    return kept(JsonResponse(badge_by(key).as_json()))


def badge_by(key):
    rows = BadgeKey.objects.select_related("program", "builder")
    badge = rows.filter(digest=actions.token_digest(key), revoked_at=None).first()
    if badge is None:
        raise Http404("There is no such badge.")
    return badge_of(badge.program or badge.builder)


def kept(response):
    """Allow every cache to keep the answer for a minute: pages that show a badge ask often."""
    response.headers["Cache-Control"] = f"public, max-age={SECONDS}"
    return response


def show_badges(request, form, status=200):
    badges = list(
        BadgeKey.objects.select_related("program", "builder").order_by("-created_at")[:LISTED]
    )
    for badge in badges:
        valid = may_decide(request) and badge.revoked_at is None
        badge.offers = (
            [offer(badge, "builders:badge_revoke", "Revoke", forms.Form)] if valid else []
        )
    context = {"badges": badges, "form": form}
    return render(request, "badges/badge_list.html", context, status=status)
