"""The office's settings, with the bare view beside its pages and a database of our choosing."""

import os

from foreman_office.settings import *  # noqa: F403
from foreman_office.settings import DATABASES

ROOT_URLCONF = "bench.urls"
DATABASE_MIGRATED = DATABASES["default"]["NAME"]
DATABASES["default"]["NAME"] = os.environ.get("BENCH_DATABASE", DATABASE_MIGRATED)
