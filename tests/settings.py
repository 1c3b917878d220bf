"""The settings under test: the office's own, on a throwaway server unless DATABASE_URL names one.

What a developer keeps in .env stays out of it: a variable that is set here, even to nothing, wins.
"""

import os

from tests import throwaway

os.environ.update(DEBUG="false", HTTPS="false", FOREMAN_DB_POOL_SIZE="0")
if not os.environ.setdefault("DATABASE_URL", ""):
    os.environ["FOREMAN_VAR"] = str(throwaway.directory())
os.environ["SECRET_KEY"] = "a secret that only tests know"

from foreman_office.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Static files are served from where they lie: nothing is collected for a test.
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
