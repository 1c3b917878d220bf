"""The settings under test: the office's own, on a throwaway server unless DATABASE_URL names one.

That address is then an administrator's, who makes the roles of the tests (tests/database.py).

What a developer keeps in .env stays out of it: a variable that is set here, even to nothing, wins.
"""

import os

from tests import throwaway

os.environ.update(DEBUG="false", HTTPS="false", FOREMAN_DB_POOL_SIZE="0")
os.environ[throwaway.VARIABLE] = str(throwaway.directory())  # the first process makes it for all
if not os.environ.setdefault("DATABASE_URL", ""):
    os.environ["FOREMAN_VAR"] = os.environ[throwaway.VARIABLE]
os.environ["SECRET_KEY"] = "a secret that only tests know"

os.environ.update(DATABASE_OWNER_URL="", DATABASE_UPKEEP_URL="", DATABASE_MEMBER_URL="")

from foreman_office.settings import *  # noqa: F403
from foreman_office.settings import DATABASE_ROLES, EMBEDDED

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Static files are served from where they lie: nothing is collected for a test.
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True

if not EMBEDDED:
    DATABASE_ROLES["member"] = DATABASE_ROLES["office"]
    for role in ("owner", "office", "upkeep", "member"):
        theirs = {"USER": f"foreman_tests_{role}", "PASSWORD": "of the tests"}
        DATABASE_ROLES[role] = DATABASE_ROLES[role] | theirs
