"""Acts on the rows that were chosen in a list: each is done or refused by itself.

The form is shown for a GET, so that it can be opened again; it is sent by POST, once.
"""

from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse

from foreman_office.dashboard.bulk.acts import ACTS
from foreman_office.dashboard.bulk.chosen import CHOSEN, export_chosen, keys_in, read_chosen
from foreman_office.dashboard.bulk_bar import EXPORT, LABELS
from kit.core.acts import Refused
from kit.core.roles import may_decide, reads
from kit.web.exports import format_labels
from kit.web.templatetags.numbers import some

PAGE = "bulk/bulk.html"


class BulkResult(NamedTuple):
    """What became of one row: nothing is said against what was done."""

    row: Any
    said: str
    rule: str = ""


@reads
def task_bulk(request):
    return bulk(request, "task")


@reads
def blocker_bulk(request):
    return bulk(request, "blocker")


@reads
def program_bulk(request):
    return bulk(request, "program")


def bulk(request, noun):
    """Execute an act on the chosen rows after asking about it, or answer with them as a file."""
    sent = request.POST if request.method == "POST" else request.GET
    keys = keys_in(sent)
    rows = read_chosen(noun, keys)
    page = {
        "noun": noun,
        "rows": rows,
        "number": some(len(rows), noun),
        "gone": len(keys) - len(rows),
        "back": back_to(noun, sent.get("next", "")),
        "next": sent.get("next", ""),
    }
    name = sent.get("act", "")
    if request.method != "POST" and name == EXPORT and rows:
        return exported(request, noun, page)
    if request.method == "POST" or name not in ("", EXPORT):
        return asked_or_done(request, noun, name, page)
    return render(request, PAGE, page | {"title": f"No {noun} is chosen"})


def exported(request, noun, page):
    if format := request.GET.get("format"):
        return export_chosen(noun, page["rows"], format)
    chosen = [("chosen", str(row.pk)) for row in page["rows"]]
    files = {
        label: f"{request.path}?{urlencode([('act', EXPORT), ('format', format), *chosen])}"
        for format, label in format_labels().items()
    }
    return render(request, PAGE, page | {"title": f"Export {page['number']}", "files": files})


def asked_or_done(request, noun, name, page):
    """Show the form of an act on the rows, or do it and say what became of each."""
    if not may_decide(request):
        raise PermissionDenied
    if (act := ACTS[noun].get(name)) is None:
        raise Http404("Unknown act.")
    label = LABELS[noun][name]
    page |= {"act_name": name, "label": label, "title": f"{label}: {page['number']}"}
    form = act.form(page["rows"], request.POST if request.method == "POST" else None)
    if request.method == "POST" and page["rows"] and form.is_valid():
        return render(request, PAGE, page | results(act, form, page["rows"], by=request.user))
    asked = [(row, act.objection(row)) for row in page["rows"]]
    context = {"form": form, "asked": asked, "kept": sum(bool(said) for _, said in asked)}
    return render(request, PAGE, page | context, status=422 if form.errors else 200)


def results(act, form, rows, *, by):
    """Do the act on each row by itself; return what was done and what was refused, and why."""
    done, refused = [], []
    for row in rows:
        try:
            act.do(row, by=by, **form.given)
        except Refused as refusal:
            refused.append(BulkResult(row, refusal.message, refusal.rule))
        else:
            done.append(BulkResult(row, act.done))
    title = f"{len(done):,} done, {len(refused):,} refused"
    return {"is_done": True, "done": done, "refused": refused, "title": title}


def back_to(noun, query):
    """Return the address of the list, as it was when rows were chosen in it."""
    address = reverse(CHOSEN[noun].back)
    return f"{address}?{query}" if query else address
