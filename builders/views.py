from django.contrib.auth.decorators import login_required
from django.db.models import FETCH_PEERS, Count, Prefetch, Q
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from builders import actions
from builders.forms import PauseForm
from builders.models import Builder, BuilderPause
from builders.pulse import with_last_words, with_verdict
from foreman_office.kit.htmx import render_page


@login_required
def builder_list(request):
    return show_builders(request, PauseForm())


@login_required
@require_POST
def builder_pause(request):
    form = PauseForm(request.POST)
    if not form.is_valid():
        response = show_builders(request, form)
        response.status_code = 422
        return response
    actions.pause_builder(
        Builder.objects.get(pk=form.cleaned_data["builder"]),
        reason=form.cleaned_data["reason"],
        until=form.until,
        by=request.user,
    )
    return redirect("builders:builder_list")


@login_required
@require_POST
def builder_resume(request, pk):
    actions.resume_builder(get_object_or_404(Builder, pk=pk), by=request.user)
    return redirect("builders:builder_list")


def show_builders(request, form):
    builders = (
        with_last_words(with_verdict())
        .annotate(valid_tokens=Count("tokens", filter=Q(tokens__revoked_at=None)))
        .prefetch_related(Prefetch("pauses", BuilderPause.objects.running(), to_attr="running"))
    )
    return render_page(
        request,
        "builders/builder_list.html",
        {"builders": builders.fetch_mode(FETCH_PEERS), "form": form},
        parts=["builders"],
    )
