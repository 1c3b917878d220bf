from django.urls import path

from governance import evidence_views, plan_views, quality_views, trouble_views, views

app_name = "governance"

urlpatterns = [
    path("why/<str:kind>/<str:pk>/", views.why, name="why"),
    path("plans/import/", plan_views.plan_import, name="plan_import"),
    path("programs/<uuid:pk>/plan.yaml", plan_views.plan_export, name="plan_export"),
    path("evidence/", evidence_views.evidence_list, name="evidence_list"),
    path("evidence/<int:sequence>/", evidence_views.evidence, name="evidence"),
    path("quality/", quality_views.quality, name="quality"),
    path("quality/validations/", quality_views.quality_validations, name="quality_validations"),
    path("quality/runs/", quality_views.quality_runs, name="quality_runs"),
    path("quality/runs/<uuid:pk>/", quality_views.quality_run, name="quality_run"),
    path("blockers/", trouble_views.blocker_list, name="blocker_list"),
    path("blockers/new/", trouble_views.blocker_new, name="blocker_new"),
    path("blockers/new/<str:kind>/<uuid:pk>/", trouble_views.blocker_raise, name="blocker_raise"),
    path("blockers/<uuid:pk>/resolve/", trouble_views.blocker_resolve, name="blocker_resolve"),
    path("violations/", trouble_views.violation_list, name="violation_list"),
    path("violations/new/", trouble_views.violation_new, name="violation_new"),
    path(
        "violations/new/<str:kind>/<str:pk>/",
        trouble_views.violation_record,
        name="violation_record",
    ),
    path(
        "violations/<uuid:pk>/resolve/", trouble_views.violation_resolve, name="violation_resolve"
    ),
]
