from functools import cache
from operator import attrgetter

from django.db.models import FETCH_PEERS, Count, Prefetch, Q
from django.shortcuts import get_object_or_404, render
from django.utils.timezone import localtime, now
from django_htmx.http import trigger_client_event

from builders import actions
from builders.models import Builder, BuilderPause, BuilderToken, Question
from foreman_office.access.organisations import of_the_office
from foreman_office.dashboard.as_of.views import or_as_it_was
from foreman_office.dashboard.builders.queries import busy_elsewhere, with_last_words, with_verdict
from foreman_office.dashboard.forms import (
    AnswerForm,
    AssignForm,
    BudgetForm,
    PauseForm,
    ThresholdForm,
    TokenForm,
)
from governance.actions import set_budget
from governance.models import Evidence
from kit.core.roles import decides, reads
from kit.web.decision_forms import cleaned_or_422, decide, respond_done, shown_once
from kit.web.exports import export_as, format_labels
from kit.web.htmx import render_page, wants_part
from kit.web.snapshot import one_snapshot
from programs.models import Task


def builders_as_they_are():
    """Return the builders with what their pages show: verdict, clocks, task, pause, tokens."""
    return (
        with_last_words(with_verdict())
        .annotate(valid_tokens=Count("tokens", filter=Q(tokens__revoked_at=None)))
        .prefetch_related(Prefetch("pauses", BuilderPause.objects.running(), to_attr="running"))
    )


BUILDER_COLUMNS = {
    "builder_id": attrgetter("pk"),
    "backend": attrgetter("backend_type"),
    "state": attrgetter("state"),
    "verdict": attrgetter("verdict"),
    "verdict_since": attrgetter("verdict_since"),
    "task_id": attrgetter("current_task_id"),
    "task": lambda builder: builder.current_task and builder.current_task.name,
    "task_state": lambda builder: builder.current_task and builder.current_task.state,
    "progress_percentage": lambda builder: (
        builder.current_task and builder.current_task.progress_percentage
    ),
    "last_heard": attrgetter("pulse"),
    "last_message": attrgetter("last_message"),
    "paused_until": lambda builder: max((each.ends_at for each in builder.running), default=None),
    "valid_tokens": attrgetter("valid_tokens"),
}


@reads
def builder_list(request):
    if "export" in request.GET:
        rows = builders_as_they_are().fetch_mode(FETCH_PEERS)
        return export_as([rows], BUILDER_COLUMNS, request.GET["export"], name="builders")
    request.builders = cache(lambda: list(builders_as_they_are().fetch_mode(FETCH_PEERS)))
    return render_page(
        request,
        "builders/builder_list.html",
        {"builders": request.builders, "formats": format_labels()},
        parts=["builders"],
    )


@reads
@or_as_it_was("builder")
@one_snapshot
def builder(request, pk):
    if pk in busy_elsewhere():
        return render_page(request, "builders/busy.html", {"name": pk}, parts=["summary"])
    return show_builder(request, get_object_or_404(builders_as_they_are(), pk=pk))


def show_builder(request, builder):
    """Show a builder, or the requested parts of its page."""
    tasks = Task.objects.filter(assigned_builder=builder.pk).select_related("wave__program")
    return render_page(
        request,
        "builders/builder.html",
        {
            "builder": builder,
            "tasks": cache(lambda: tasks.order_by("-updated_at", "-pk")[:8]),
            "evidence": cache(lambda: Evidence.objects.of(builder).recent()[:12]),
        },
        parts=[
            "summary",
            "present",
            "heard",
            "written",
            "record",
            "spend",
            "tasks",
            "verdict",
            "tokens",
            "evidence",
        ],
    )


@decides
def task_assign(request, pk):
    words = "“{0}” is assigned to {0.assigned_builder}."
    return decide(request, Task, pk, actions.assign_task, words, AssignForm)


@decides
def task_release(request, pk):
    return decide(request, Task, pk, actions.release_task, "“{}” is planned again.")


@decides
def question_answer(request, pk):
    words = "The question of {0.builder_id} is answered."
    return decide(request, Question, pk, actions.answer_question, words, AnswerForm)


@decides
@of_the_office
def builder_pause(request, pk):
    builder = get_object_or_404(Builder, pk=pk)
    given = cleaned_or_422(request, PauseForm)
    pause = actions.pause_builder(
        builder, reason=given["reason"], until=now() + given["minutes"], by=request.user
    )
    until = f"{localtime(pause.ends_at):%-d %b %Y %H:%M %Z}"
    return respond_done(request, f"{builder} is paused until {until}.", builder)


@decides
@of_the_office
def builder_resume(request, pk):
    return decide(request, Builder, pk, actions.resume_builder, "The pause of {} has ended.")


@decides
@of_the_office
def builder_threshold(request, pk):
    words = "{0} may be unheard for {0.threshold_seconds} s now."
    return decide(request, Builder, pk, actions.set_silence_threshold, words, ThresholdForm)


@decides
@of_the_office
def builder_budget(request, pk):
    return decide(request, Builder, pk, set_budget, "The budget of {} is set.", BudgetForm)


@decides
def builder_issue_token(request, pk):
    """Show the text of a new token, in this answer and nowhere else: only its digest is kept."""
    builder = get_object_or_404(Builder, pk=pk)
    given = cleaned_or_422(request, TokenForm)
    token, text = actions.issue_token(builder, **given, by=request.user)
    template = "builders/token_issued.html"
    if wants_part(request):
        template += "#issued"
    response = render(request, template, {"builder": builder, "token": token, "text": text})
    response.headers["Cache-Control"] = "no-store"
    return trigger_client_event(shown_once(response), "tick")


@decides
def token_revoke(request, pk):
    token = get_object_or_404(BuilderToken.objects.select_related("builder"), pk=pk)
    actions.revoke_token(token, by=request.user)
    return respond_done(request, f"The token {token.prefix}… is revoked.", token.builder)
