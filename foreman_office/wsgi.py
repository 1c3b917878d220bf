import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "foreman_office.settings")

application = get_wsgi_application()

# What is loaded stays: the garbage collector need not look through it while requests wait.
gc.collect()
gc.freeze()
