"""The pages on which a foreman writes programs, waves and tasks down, changes and removes them."""

from django.contrib import messages
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from foreman_office.kit.acts import Refused
from foreman_office.kit.htmx import wants_part
from foreman_office.kit.roles import edits
from programs import actions
from programs.models import Program, Task, Wave
from programs.plan_forms import ProgramPlan, TaskPlan, WavePlan, may_be_deleted

PAGE = "programs/plan_form.html"


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
def program_edit(request, pk):
    program = get_object_or_404(Program, pk=pk)
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
def wave_edit(request, pk):
    wave = get_object_or_404(Wave.objects.select_related("program"), pk=pk)
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
def task_edit(request, pk):
    task = get_object_or_404(Task.objects.select_related("wave__program"), pk=pk)
    return edited(request, TaskPlan(sent(request), instance=task), task)


def sent(request):
    """Return what a form was filled in with, if it was."""
    return request.POST if request.method == "POST" else None


def edited(request, form, entity):
    """Show the form of a row, or write what was changed in it."""
    name, page = str(entity), entity.get_absolute_url()

    def edit(form):
        if form.has_changed():
            actions.edit(entity, by=request.user, **form.changes)
        return entity

    return written(request, form, edit, title=f"Edit “{name}”", back=page, entity=entity)


def written(request, form, act, *, title, back, entity=None):
    """Show a form, check one field of it as it is left, or act on the whole of it."""
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
    """Say what is wrong with the one field that was left. Nothing is written."""
    name = request.POST.get("check")
    if name not in form.fields:
        raise Http404("There is no such field.")
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
    """Ask whether to delete what has not begun or stands empty, and do so."""
    if not may_be_deleted(entity):
        raise Http404("What has begun is not deleted.")
    if request.method == "POST":
        name = str(entity)
        try:
            actions.delete(entity, by=request.user)
        except (ProtectedError, RestrictedError) as error:
            raise Refused("history", f"“{name}” has history, which stays.") from error
        messages.success(request, f"“{name}” is deleted. The evidence keeps what it was.")
        return redirect(back)
    context = {"entity": entity, "kind": entity._meta.verbose_name, "inside": inside(entity)}
    return render(request, "programs/delete.html", context)


def inside(entity):
    """Say what would be deleted with it."""
    match entity:
        case Program():
            waves, tasks = entity.waves.count(), Task.objects.filter(wave__program=entity).count()
            return [some(waves, "wave"), some(tasks, "task")]
        case Wave():
            return [some(entity.tasks.count(), "task")]
    return []


def some(number, noun):
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
