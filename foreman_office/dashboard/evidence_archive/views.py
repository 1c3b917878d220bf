"""The page on which a foreman exports the evidence of a program for others to check."""

from django.http import FileResponse
from django.shortcuts import render
from django.utils.text import slugify

from foreman_office.dashboard.evidence_archive.archive import CannotExportError, write_archive
from foreman_office.dashboard.evidence_archive.forms import ArchiveForm
from governance.attestations.signer import office_signer
from governance.sealing.keys import CannotSealError, public_keys
from governance.sealing.stored_tree import last_checkpoint
from kit.core.acts import Refused
from kit.core.roles import edits


@edits
def evidence_archive(request):
    return form_page(request, ArchiveForm(initial={"program": request.GET.get("program")}))


@edits
def evidence_archive_zip(request):
    """Answer with the archive of the program that the form names."""
    form = ArchiveForm(request.GET)
    if not form.is_valid():
        return form_page(request, form, status=422)
    program, witnessed = form.cleaned_data["program"], form.cleaned_data["witnessed"]
    try:
        person = request.user.get_username()
        file = write_archive(program, office_signer(), person=person, witnessed=witnessed)
    except (CannotExportError, CannotSealError) as error:
        raise Refused("evidence_archive", str(error)) from error
    return FileResponse(
        file,
        as_attachment=True,
        filename=f"evidence-{slugify(program.name)[:60] or 'program'}.zip",
        content_type="application/zip",
        headers={"Cache-Control": "no-store"},
    )


def form_page(request, form, *, status=200):
    context = {"form": form, "checkpoint": last_checkpoint(), "keys": public_keys()}
    return render(request, "evidence_archive/evidence_archive.html", context, status=status)
