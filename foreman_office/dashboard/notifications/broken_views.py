"""What is broken now, for the browsers that tell of it while a page is open (static/js/tell.js)."""

from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from governance.models import Notice
from kit.core.roles import reads

MOST = 100


@reads
@require_safe
@never_cache
def broken_now(request: HttpRequest) -> JsonResponse:
    """Answer with what is broken and has nobody yet; what comes again soon keeps its id."""
    found = Notice.objects.open().filter(broken=True, acknowledged_at=None).order_by("-opened_at")
    return JsonResponse({"broken": [told(notice) for notice in found[:MOST]]})


def told(notice: Notice) -> dict[str, object]:
    return {
        "id": notice.pk,
        "title": f"Broken now: {notice}",
        "reason": notice.happened,
        "link": reverse("decision", args=[notice.key]),
    }
