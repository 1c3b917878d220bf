"""The forecast of the end of a program or wave: a part that its page asks for when it is shown."""

from django.shortcuts import get_object_or_404

from foreman_office.dashboard.programs.forecast import outlook
from kit.core.roles import reads
from kit.web.htmx import render_page
from kit.web.snapshot import one_snapshot
from programs.models import Program, Wave


@reads
@one_snapshot
def program_forecast(request, pk):
    return forecast_page(request, get_object_or_404(Program, pk=pk))


@reads
@one_snapshot
def wave_forecast(request, pk):
    return forecast_page(request, get_object_or_404(Wave.objects.select_related("program"), pk=pk))


def forecast_page(request, entity):
    context = {"entity": entity, "outlook": outlook(entity)}
    return render_page(request, "programs/forecast.html", context, parts=["forecast"])
