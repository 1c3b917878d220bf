from django.contrib.auth.decorators import login_required
from django.db.models import FETCH_PEERS, Count, Q

from builders.pulse import with_last_words, with_verdict
from foreman_office.kit.htmx import render_page


@login_required
def builder_list(request):
    builders = with_last_words(with_verdict()).annotate(
        valid_tokens=Count("tokens", filter=Q(tokens__revoked_at=None))
    )
    return render_page(
        request,
        "builders/builder_list.html",
        {"builders": builders.fetch_mode(FETCH_PEERS)},
        parts=["builders"],
    )
