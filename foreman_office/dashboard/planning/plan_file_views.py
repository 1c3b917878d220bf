"""Plan files on pages: previewed before they are imported, and exported."""

import io
from typing import Any

from django import forms
from django.contrib import messages
from django.core import signing
from django.http import FileResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify

from foreman_office import plan_files
from foreman_office.plan_files.difference import PlanDifference, plural
from foreman_office.plan_files.plan import KINDS
from kit.core.acts import Refused
from kit.core.roles import edits, reads
from kit.core.snapshot import snapshot
from programs.models import Program

MAX_MEGABYTES = 4  # of a file on the page; import_plan takes larger ones
SALT = "plan file"
AGREED_WITHIN = 24 * 3600  # seconds after which a preview is no longer taken for agreed
LINES = 200  # of the difference that are shown of each kind; beyond, their number


class PlanFileForm(forms.Form):
    file = forms.FileField(
        label="Plan file",
        widget=forms.ClearableFileInput({"accept": ".yaml,.yml"}),
        help_text=f"YAML, at most {MAX_MEGABYTES} MB. Nothing is written before you have seen what"
        " it would change.",
    )

    history = forms.CharField(
        label="Reason to set live values too",
        required=False,
        max_length=1_000,
        help_text="Optional. Without it, state, progress, times and evidence locations of records"
        " that exist stay as they are, and what tasks under way are judged by: their acceptance"
        " criteria, QA suite and architecture reference. With it, the import is an override: the"
        " reason stays on the page and in the evidence for ever.",
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_MEGABYTES * 2**20:
            raise forms.ValidationError(
                f"The file is larger than {MAX_MEGABYTES} MB. Use manage.py import_plan for it.",
                code="too_large",
            )
        try:
            content = file.read()
            content.decode()
        except UnicodeDecodeError as error:
            raise forms.ValidationError("The file is not UTF-8 text.", code="not_text") from error
        return file.name, content


@edits
def plan_import(request):
    """Preview what a plan file would change, then change exactly that."""
    if "plan" in request.POST:
        return imported(request)
    if request.method != "POST":
        return shown(request, form=PlanFileForm(), status=200)
    form = PlanFileForm(request.POST, request.FILES)
    if not form.is_valid():
        return shown(request, form=form, status=422)
    try:
        name, content = form.cleaned_data["file"]
        plan = plan_files.read_plan(io.BytesIO(content), name, by=request.user)
    except plan_files.PlanErrors as errors:
        return shown(request, form=PlanFileForm(), errors=errors, status=422)
    return previewed(request, plan, history=form.cleaned_data["history"].strip())


def previewed(request, plan, *, history, moved=False):
    """Show the difference of a staged plan; the form holds its signed id and what was shown."""
    try:
        with snapshot(read_only=False):
            found = plan_files.difference(plan, history=bool(history))
    except plan_files.PlanErrors as errors:
        plan.give_up()
        return shown(request, form=PlanFileForm(), errors=errors, status=422)
    agreed = {"import": str(plan.staged.pk), "digest": found.digest, "history": history}
    return shown(
        request,
        plan=plan,
        found=found,
        counts=counted(found),
        lines=[(line[0], line[2:]) for line in found.lines(LINES)],
        history=history,
        agreed=signing.dumps(agreed, salt=SALT),
        moved=moved,
        status=409 if moved else 200,
    )


def imported(request):
    """Import what was previewed; where the office has changed since then, preview it again."""
    try:
        agreed = signing.loads(request.POST["plan"], salt=SALT, max_age=AGREED_WITHIN)
    except signing.BadSignature:
        return shown(request, form=PlanFileForm(), stale=True, status=422)
    plan = plan_files.staged_plan(agreed["import"], request.user)
    if plan is None:
        return shown(request, form=PlanFileForm(), stale=True, status=422)
    try:
        plan_files.apply(plan, by=request.user, seen=agreed["digest"], history=agreed["history"])
    except plan_files.OfficeMoved:
        return previewed(request, plan, history=agreed["history"], moved=True)
    except plan_files.PlanErrors as errors:
        plan.give_up()
        return shown(request, form=PlanFileForm(), errors=errors, status=422)
    program = plan.id
    plan.give_up()
    messages.success(request, f"{plan.name} is imported.")
    return redirect("programs:program", pk=program)


def counted(found: PlanDifference) -> list[dict[str, Any]]:
    """Return for each kind how many rows would be created, changed, and left as they are."""
    counts = []
    for kind in KINDS:
        of_kind, missing = found.of(kind), found.missing.get(kind, 0)
        changed = found.changed(kind)
        if of_kind.rows or missing:
            counts.append(
                {
                    "kind": plural(kind, 2).capitalize().replace("Qa", "QA"),
                    "added": of_kind.new,
                    "changed": changed,
                    "same": of_kind.rows - of_kind.new - changed,
                    "missing": missing,
                }
            )
    return counts


def shown(request, *, status, **context):
    return render(request, "planning/plan_import.html", context, status=status)


@reads
def plan_export(request, pk):
    """Answer with the program as a plan file that would recreate it."""
    program = get_object_or_404(Program, pk=pk)
    try:
        file = plan_files.export(program)
    except plan_files.Unwritable as error:
        raise Refused("plan_export", f"“{program}” cannot be written: {error}") from error
    name = slugify(program.name)[:60] or "program"
    return FileResponse(
        file,
        as_attachment=True,
        filename=f"{name}.yaml",
        content_type="application/yaml; charset=utf-8",
        headers={"Cache-Control": "no-store"},
    )
