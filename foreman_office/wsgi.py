import gc
import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "foreman_office.settings")

django_application = get_wsgi_application()

_short_cut = import_module("foreman_office.api.heartbeat_short_cut")
application = _short_cut.HeartbeatShortCut(django_application)
# What every page needs is loaded before the workers fork: they share it.
import_module(settings.ROOT_URLCONF)
# What is loaded stays: the garbage collector need not look through it while requests wait.
gc.collect()
gc.freeze()
