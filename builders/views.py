from django.db.models import FETCH_PEERS, Count, Prefetch, Q
from django.shortcuts import get_object_or_404
from django.utils.timezone import localtime, now

from builders import actions
from builders.forms import AssignForm, PauseForm
from builders.models import Builder, BuilderPause
from builders.pulse import with_last_words, with_verdict
from foreman_office.kit.decide import decided, filled
from foreman_office.kit.htmx import render_page
from foreman_office.kit.roles import decides, reads
from programs.models import Task


@reads
def builder_list(request):
    builders = (
        with_last_words(with_verdict())
        .annotate(valid_tokens=Count("tokens", filter=Q(tokens__revoked_at=None)))
        .prefetch_related(Prefetch("pauses", BuilderPause.objects.running(), to_attr="running"))
    )
    return render_page(
        request,
        "builders/builder_list.html",
        {"builders": builders.fetch_mode(FETCH_PEERS)},
        parts=["builders"],
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
