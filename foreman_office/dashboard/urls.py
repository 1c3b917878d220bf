"""The addresses of the pages. One namespace may have pages of several folders."""

from django.urls import include, path

from foreman_office.dashboard.account import urls as account
from foreman_office.dashboard.badges import urls as badges
from foreman_office.dashboard.builders import urls as builders
from foreman_office.dashboard.bulk import urls as bulk
from foreman_office.dashboard.ci_tokens import urls as ci_tokens
from foreman_office.dashboard.evidence import urls as evidence
from foreman_office.dashboard.evidence_archive import urls as evidence_archive
from foreman_office.dashboard.explain import urls as explain
from foreman_office.dashboard.fulfilment import urls as fulfilment
from foreman_office.dashboard.handover import urls as handover
from foreman_office.dashboard.inbox import urls as inbox
from foreman_office.dashboard.issues import urls as issues
from foreman_office.dashboard.login import urls as login
from foreman_office.dashboard.notes import urls as notes
from foreman_office.dashboard.notifications import urls as notifications
from foreman_office.dashboard.planning import urls as planning
from foreman_office.dashboard.preferences import urls as preferences
from foreman_office.dashboard.programs import urls as programs
from foreman_office.dashboard.quality import urls as quality
from foreman_office.dashboard.replay import urls as replay
from foreman_office.dashboard.saved_views import urls as saved_views
from foreman_office.dashboard.search import urls as search
from foreman_office.dashboard.spend import urls as spend
from foreman_office.dashboard.tasks import urls as tasks

PROGRAMS = [
    *bulk.program_urlpatterns,
    *programs.urlpatterns,
    *tasks.urlpatterns,
    *fulfilment.urlpatterns,
    *planning.program_urlpatterns,
]
BUILDERS = [
    *ci_tokens.urlpatterns,  # before the names of builders
    *badges.urlpatterns,
    *builders.urlpatterns,
]
GOVERNANCE = [
    *explain.urlpatterns,
    *planning.plan_file_urlpatterns,
    *evidence.urlpatterns,
    *evidence_archive.urlpatterns,
    *replay.urlpatterns,
    *quality.urlpatterns,
    *spend.urlpatterns,
    *issues.urlpatterns,
    *bulk.blocker_urlpatterns,
]

urlpatterns = [
    *inbox.urlpatterns,
    *handover.urlpatterns,
    *login.urlpatterns,
    *account.urlpatterns,
    *notes.urlpatterns,
    *notifications.urlpatterns,
    *search.urlpatterns,
    *preferences.urlpatterns,
    *saved_views.urlpatterns,
    *badges.public_urlpatterns,
    path("", include((PROGRAMS, "programs"))),
    path("builders/", include((BUILDERS, "builders"))),
    path("", include((GOVERNANCE, "governance"))),
]
