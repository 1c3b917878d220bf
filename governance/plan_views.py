"""Plan files on pages: looked at before they are imported, and written again."""

import io
from typing import Any

from django import forms
from django.contrib import messages
from django.core import signing
from django.http import FileResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify

from foreman_office.kit.acts import Refused
from foreman_office.kit.roles import edits, reads
from governance import plans
from governance.plans.difference import Difference, plural
from governance.plans.plan import KINDS
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

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_MEGABYTES * 2**20:
            raise forms.ValidationError(
                f"The file is larger than {MAX_MEGABYTES} MB. manage.py import_plan takes it.",
                code="too_large",
            )
        try:
            return file.name, file.read().decode()
        except UnicodeDecodeError as error:
            raise forms.ValidationError("The file is not UTF-8 text.", code="not_text") from error


@edits
def plan_import(request):
    """Show what a plan file would change, then change exactly that."""
    if "plan" in request.POST:
        return imported(request)
    if request.method != "POST":
        return shown(request, form=PlanFileForm(), status=200)
    form = PlanFileForm(request.POST, request.FILES)
    if not form.is_valid():
        return shown(request, form=form, status=422)
    return previewed(request, *form.cleaned_data["file"])


def previewed(request, name, text, *, moved=False):
    """Show the difference. The file goes along in the form, signed, so that it stays the same."""
    try:
        plan = plans.read(io.BytesIO(text.encode()), name)
        with plans.looking():
            found = plans.difference(plan)
    except plans.PlanErrors as errors:
        return shown(request, form=PlanFileForm(), errors=errors, status=422)
    agreed = {"name": name, "text": text, "digest": found.digest}
    return shown(
        request,
        plan=plan,
        found=found,
        counts=counted(found),
        lines=[(line[0], line[2:]) for line in found.lines(LINES)],
        agreed=signing.dumps(agreed, salt=SALT, compress=True),
        moved=moved,
        status=409 if moved else 200,
    )


def imported(request):
    """Import what was previewed; where the office has moved since then, show it once more."""
    try:
        agreed = signing.loads(request.POST["plan"], salt=SALT, max_age=AGREED_WITHIN)
    except signing.BadSignature:
        return shown(request, form=PlanFileForm(), stale=True, status=422)
    try:
        plan = plans.read(io.BytesIO(agreed["text"].encode()), agreed["name"])
        plans.apply(plan, by=request.user, seen=agreed["digest"])
    except plans.OfficeMoved:
        return previewed(request, agreed["name"], agreed["text"], moved=True)
    except plans.PlanErrors as errors:
        return shown(request, form=PlanFileForm(), errors=errors, status=422)
    messages.success(request, f"{agreed['name']} is imported.")
    return redirect("programs:program", pk=plan.id)


def counted(found: Difference) -> list[dict[str, Any]]:
    """Say of each kind how many rows would be created, changed, and left as they are."""
    counts = []
    for kind in KINDS:
        rows, added = found.plan.count(kind), found.added[kind]
        changed, missing = found.changed[kind], found.missing.get(kind, 0)
        if rows or missing:
            counts.append(
                {
                    "kind": plural(kind, 2).capitalize().replace("Qa", "QA"),
                    "added": added,
                    "changed": changed,
                    "same": rows - added - changed,
                    "missing": missing,
                }
            )
    return counts


def shown(request, *, status, **context):
    return render(request, "governance/plan_import.html", context, status=status)


@reads
def plan_export(request, pk):
    """Answer with the program as the plan file that would make it again."""
    program = get_object_or_404(Program, pk=pk)
    try:
        file = plans.export(program)
    except plans.Unwritable as error:
        raise Refused("plan_export", f"“{program}” cannot be written: {error}") from error
    name = slugify(program.name)[:60] or "program"
    return FileResponse(
        file,
        as_attachment=True,
        filename=f"{name}.yaml",
        content_type="application/yaml; charset=utf-8",
        headers={"Cache-Control": "no-store"},
    )
