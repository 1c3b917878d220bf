from django.urls import path

from bench.floor import bare_heartbeat
from foreman_office.urls import urlpatterns as office

urlpatterns = [path("api/bench/heartbeat", bare_heartbeat), *office]
