from functools import cache

from django.db.models import FETCH_PEERS, Count, Prefetch, Q
from django.shortcuts import get_object_or_404, render
from django.utils.timezone import localtime, now
from django_htmx.http import trigger_client_event

from builders import actions
from builders.forms import AssignForm, PauseForm
from builders.models import Builder, BuilderPause, BuilderToken
from builders.pulse import with_last_words, with_verdict
from foreman_office.kit.decide import decided, filled
from foreman_office.kit.htmx import render_page, wants_part
from foreman_office.kit.roles import decides, reads
from programs.models import Task


def builders_as_they_are():
    """Ask for the builders as their pages show them: verdict, clocks, task, pause, tokens."""
    return (
        with_last_words(with_verdict())
        .annotate(valid_tokens=Count("tokens", filter=Q(tokens__revoked_at=None)))
        .prefetch_related(Prefetch("pauses", BuilderPause.objects.running(), to_attr="running"))
    )


@reads
def builder_list(request):
    request.builders = cache(lambda: list(builders_as_they_are().fetch_mode(FETCH_PEERS)))
    return render_page(
        request,
        "builders/builder_list.html",
        {"builders": request.builders},
        parts=["builders"],
    )


@reads
def builder(request, pk):
    builder = get_object_or_404(builders_as_they_are(), pk=pk)
    tasks = Task.objects.filter(assigned_builder=builder.pk).select_related("wave__program")
    return render_page(
        request,
        "builders/builder.html",
        {
            "builder": builder,
            "tasks": cache(lambda: tasks.order_by("-updated_at", "-pk")[:8]),
            "evidence": cache(lambda: builder.evidence.recent()[:12]),
        },
        parts=["summary", "present", "heard", "record", "tasks", "verdict", "tokens", "evidence"],
    )


@decides
def task_assign(request, pk):
    task = get_object_or_404(Task, pk=pk)
    actions.assign_task(task, by=request.user, **filled(request, AssignForm))
    return decided(request, f"“{task}” is in the hands of {task.assigned_builder}.", task)


@decides
def task_release(request, pk):
    task = get_object_or_404(Task, pk=pk)
    actions.release_task(task, by=request.user)
    return decided(request, f"“{task}” is planned again.", task)


@decides
def builder_pause(request, pk):
    builder = get_object_or_404(Builder, pk=pk)
    given = filled(request, PauseForm)
    pause = actions.pause_builder(
        builder, reason=given["reason"], until=now() + given["minutes"], by=request.user
    )
    return decided(
        request, f"{builder} is paused until {localtime(pause.ends_at):%H:%M %Z}.", builder
    )


@decides
def builder_resume(request, pk):
    builder = get_object_or_404(Builder, pk=pk)
    actions.resume_builder(builder, by=request.user)
    return decided(request, f"{builder} is heard again from now on.", builder)


@decides
def builder_issue_token(request, pk):
    """Show the text of a new token, in this answer and nowhere else: only its digest is kept."""
    builder = get_object_or_404(Builder, pk=pk)
    token, text = actions.issue_token(builder, by=request.user)
    template = "builders/token_issued.html"
    if wants_part(request):
        template += "#issued"
    response = render(request, template, {"builder": builder, "token": token, "text": text})
    response.headers["Cache-Control"] = "no-store"
    return trigger_client_event(response, "tick")


@decides
def token_revoke(request, pk):
    token = get_object_or_404(BuilderToken.objects.select_related("builder"), pk=pk)
    actions.revoke_token(token, by=request.user)
    return decided(request, f"The token {token.prefix}… is revoked.", token.builder)
