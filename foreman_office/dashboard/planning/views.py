"""The pages on which a foreman creates, changes and deletes programs, waves and tasks."""

from contextlib import nullcontext
from functools import wraps

from django.contrib import messages
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from foreman_office.dashboard.planning.forms import ProgramPlan, TaskPlan, WavePlan, may_be_deleted
from kit.core.acts import Refused, together
from kit.core.contents import CHANGED_MEANWHILE, contents
from kit.core.roles import edits
from kit.web.htmx import wants_part
from kit.web.templatetags.numbers import some
from programs import actions
from programs.models import Program, Task, Wave

PAGE = "planning/plan_form.html"


def is_confirmed(request):
    return request.method == "POST" and not wants_part(request)


def saved_together(view):
    """Run a view that compares a row with what its form showed, and saves, in one transaction."""

    @wraps(view)
    def wrapped(request, *args, **kwargs):
        with together() if is_confirmed(request) else nullcontext():
            return view(request, *args, **kwargs)

    return wrapped


@edits
def program_new(request):
    def create(form):
        return actions.create_program(by=request.user, **form.cleaned_data)

    return written(
        *(request, ProgramPlan(sent(request)), create),
        title="New program",
        back=reverse("programs:program_list"),
    )


@edits
@saved_together
def program_edit(request, pk):
    program = get_object_or_404(held(request, Program.objects.all()), pk=pk)
    return edited(request, ProgramPlan(sent(request), instance=program), program)


@edits
def program_add_wave(request, pk):
    program = get_object_or_404(Program, pk=pk)

    def create(form):
        return actions.create_wave(program, by=request.user, **form.cleaned_data)

    return written(
        *(request, WavePlan(sent(request), instance=Wave(program=program)), create),
        title=f"New wave of “{program}”",
        back=program.get_absolute_url(),
    )


@edits
@saved_together
def wave_edit(request, pk):
    wave = get_object_or_404(held(request, Wave.objects.select_related("program")), pk=pk)
    return edited(request, WavePlan(sent(request), instance=wave), wave)


@edits
def wave_add_task(request, pk):
    wave = get_object_or_404(Wave.objects.select_related("program"), pk=pk)

    def create(form):
        return actions.create_task(wave, by=request.user, **form.cleaned_data)

    return written(
        *(request, TaskPlan(sent(request), instance=Task(wave=wave)), create),
        title=f"New task of “{wave}”",
        back=wave.get_absolute_url(),
    )


@edits
@saved_together
def task_edit(request, pk):
    task = get_object_or_404(held(request, Task.objects.select_related("wave__program")), pk=pk)
    return edited(request, TaskPlan(sent(request), instance=task), task)


def sent(request):
    """Return what a form was filled in with, if it was."""
    return request.POST if request.method == "POST" else None


def held(request, rows):
    """Return rows, locked if the form is confirmed: a second save waits and finds the first one."""
    return rows.select_for_update(of=("self",)) if is_confirmed(request) else rows


def edited(request, form, entity):
    """Show the form of a row, or save what was changed in it."""
    name, page = str(entity), entity.get_absolute_url()

    def edit(form):
        if form.changes:
            actions.edit(entity, by=request.user, reason=form.reason, **form.changes)
        return entity

    return written(request, form, edit, title=f"Edit “{name}”", back=page, entity=entity)


def written(request, form, act, *, title, back, entity=None):
    """Show a form, validate one field of it as it is left, or act on the whole of it."""
    if request.method == "POST" and wants_part(request):
        return checked(request, form)
    context = {
        "form": form,
        "title": title,
        "back": back,
        "entity": entity,
        "may_be_deleted": entity and may_be_deleted(entity),
    }
    if request.method == "POST" and form.is_valid():
        try:
            row = act(form)
        except Refused as refused:
            form.refuse(refused)
        else:
            messages.success(request, f"“{row}” is saved.")
            return redirect(row)
    return render(request, PAGE, context, status=422 if form.errors else 200)


def checked(request, form):
    """Return what is wrong with the one field that was left. Nothing is written."""
    name = request.POST.get("check")
    if name not in form.fields:
        raise Http404("Unknown field.")
    return render(request, f"{PAGE}#errors", {"field": form[name]})


@edits
def program_delete(request, pk):
    return deleted(request, get_object_or_404(Program, pk=pk), reverse("programs:program_list"))


@edits
def wave_delete(request, pk):
    wave = get_object_or_404(Wave.objects.select_related("program"), pk=pk)
    return deleted(request, wave, wave.program.get_absolute_url())


@edits
def task_delete(request, pk):
    task = get_object_or_404(Task.objects.select_related("wave"), pk=pk)
    return deleted(request, task, task.wave.get_absolute_url())


def deleted(request, entity, back):
    """Confirm and delete what has not begun or is empty."""
    if not may_be_deleted(entity):
        raise Http404("Only planned work and empty waves can be deleted.")
    if request.method != "POST":
        return ask_to_delete(request, entity)
    name = str(entity)
    try:
        actions.delete(entity, by=request.user, shown=request.POST.get("shown", ""))
    except (ProtectedError, RestrictedError) as error:
        raise Refused("history", f"“{name}” has history and cannot be deleted.") from error
    except Refused as refused:
        if refused.rule != CHANGED_MEANWHILE:
            raise
        return ask_to_delete(request, entity, refused)
    messages.success(request, f"“{name}” is deleted. The evidence keeps its last state.")
    return redirect(back)


def ask_to_delete(request, entity, refused=None):
    """Render the question whether to delete an entity with what is inside it now."""
    itself = type(entity).objects.filter(pk=entity.pk)
    context = {
        "entity": entity,
        "kind": entity._meta.verbose_name,
        "inside": deleted_with(entity),
        "shown": contents(itself),
        "refused": refused,
    }
    return render(request, "planning/delete.html", context, status=409 if refused else 200)


def deleted_with(entity):
    """Return what would be deleted with it."""
    match entity:
        case Program():
            waves, tasks = entity.waves.count(), Task.objects.filter(wave__program=entity).count()
            return [some(waves, "wave"), some(tasks, "task")]
        case Wave():
            return [some(entity.tasks.count(), "task")]
    return []
