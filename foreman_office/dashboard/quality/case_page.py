"""The page of one test: what became of it over the runs of its suite."""

from django.http import Http404
from django.shortcuts import get_object_or_404

from governance.case_history import case_history, parts_of_name
from governance.models import QATestResult
from kit.core.roles import reads
from kit.web.htmx import render_page

IN_STRIP = 60  # outcomes that are drawn
IN_TABLE = 200  # outcomes that its table tells


@reads
def quality_test(request):
    suite, name = asked_for(request.GET)
    history = case_history(suite, name)
    if not history.outcomes:
        return unknown_test(request, suite, name)
    place, own_name = parts_of_name(name)
    return render_page(
        request,
        "quality/quality_test.html",
        {
            "history": history,
            "place": place,
            "own_name": own_name,
            "strip": history.outcomes[:IN_STRIP][::-1],
            "table": history.outcomes[:IN_TABLE],
        },
        parts=["case"],
    )


def unknown_test(request, suite, name):
    """Show a form to name a test; it is not found where one was named."""
    response = render_page(
        request, "quality/quality_test_unknown.html", {"suite": suite, "name": name}
    )
    response.status_code = 404 if name else 200
    return response


def asked_for(asked):
    """Return the suite and the name in an address, or those of the result that it has."""
    if number := asked.get("result"):
        if not number.isascii() or not number.isdigit() or len(number) > 18:
            raise Http404("Unknown result.")
        result = get_object_or_404(QATestResult.objects.select_related("execution"), pk=number)
        return result.execution.qa_suite_location, result.name
    # PostgreSQL stores no NUL.
    return (asked.get(word, "").replace("\0", "") for word in ("suite", "name"))
