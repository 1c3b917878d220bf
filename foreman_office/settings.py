"""Settings of the office: one file, read from the environment, safe by default.

Every variable is listed in the README. A missing or wrong value stops the start with its name.
"""

from datetime import timedelta
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP
from environs import Env, validate
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from kit.runtime import database_addresses, embedded_postgres, pool
from kit.runtime.logs import LINE
from kit.runtime.mail_server import mail_server
from kit.web.provider_settings import check_provider

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
env.read_env(BASE_DIR / ".env", recurse=False)

at_least_one = validate.Range(min=1)

DEBUG = env.bool("DEBUG", default=False)

# What the office keeps on disk: its own PostgreSQL, its secret, the collected static files.
FOREMAN_VAR = env.path("FOREMAN_VAR", default=BASE_DIR / "var").resolve()

# --- database ------------------------------------------------------------------------------------

# Without an address the office brings its own PostgreSQL. Its address is computed, not asked for:
# manage.py starts the server, settings never do.
EMBEDDED = not env.str("DATABASE_URL", default="")
DATABASE_POOLED = env.bool("DATABASE_POOLED", default=False)
FOREMAN_DB_POOL_SIZE = env.int("FOREMAN_DB_POOL_SIZE", default=4, validate=validate.Range(min=0))

# LISTEN needs a session, which a transaction pooler does not give: another address for it alone.
DATABASE_LISTEN_URL = env.str("DATABASE_LISTEN_URL", default="")
try:
    DATABASE_LISTEN_URL = database_addresses.of_the_writer(DATABASE_LISTEN_URL)
    conninfo_to_dict(DATABASE_LISTEN_URL)
except (ProgrammingError, ValueError) as error:
    reason = str(error).strip()
    raise ImproperlyConfigured(f"DATABASE_LISTEN_URL is not a valid address: {reason}") from error

# An office that only reads may be on a standby: it migrates, watches and changes nothing.
FOREMAN_READ_ONLY = env.bool("FOREMAN_READ_ONLY", default=False)
# Where people log in and decide instead.
FOREMAN_WRITER = env.str("FOREMAN_WRITER", default="")
if FOREMAN_READ_ONLY and EMBEDDED:
    raise ImproperlyConfigured("FOREMAN_READ_ONLY needs DATABASE_URL, the address of a standby.")

# The owner of the tables migrates, the office serves, upkeep watches and backs up. Where an address
# of its own is missing, the office's is taken.
_others = {
    "owner": env.str("DATABASE_OWNER_URL", default=""),
    "upkeep": env.str("DATABASE_UPKEEP_URL", default=""),
    # Serves the members of organisations; without it there are none.
    "member": env.str("DATABASE_MEMBER_URL", default=""),
}
DATABASE_ROLES = {}
_members = ["member"] if EMBEDDED or _others["member"] else []
for _role in ("office", "owner", "upkeep", *_members):
    _is_given = bool(_others.get(_role))
    _variable = f"DATABASE_{_role.upper()}_URL" if _is_given else "DATABASE_URL"
    _database = (
        embedded_postgres.database_settings(FOREMAN_VAR, embedded_postgres.USERS[_role])
        if EMBEDDED
        else database_addresses.read(_variable, env.str(_variable), FOREMAN_READ_ONLY)
    )
    if _database["ENGINE"] != "django.db.backends.postgresql":
        raise ImproperlyConfigured(f"{_variable} must be the address of a PostgreSQL server.")
    _pooled = DATABASE_POOLED and not _is_given
    DATABASE_ROLES[_role] = database_addresses.limited(_database, _pooled)
database_addresses.expect_own_user(DATABASE_ROLES)
DATABASE_ROLES["administrator"] = DATABASE_ROLES["owner"] | (
    {"USER": embedded_postgres.SUPERUSER} if EMBEDDED else {}
)

_office = DATABASE_ROLES["office"]
_pool = {"pool": pool.options(FOREMAN_DB_POOL_SIZE)} if FOREMAN_DB_POOL_SIZE else {}
DATABASES = {"default": {**_office, "OPTIONS": {**_office["OPTIONS"], **_pool}}}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- secrets and who may ask ---------------------------------------------------------------------

SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    if EMBEDDED:
        SECRET_KEY = embedded_postgres.secret_key(FOREMAN_VAR)
    elif DEBUG:
        SECRET_KEY = "development-only"  # noqa: S105
    else:
        raise ImproperlyConfigured("SECRET_KEY is missing: set it to a long random text.")

# Whoever is staff or a superuser sets up a second factor before anything else.
FOREMAN_STAFF_SECOND_FACTOR = env.bool("FOREMAN_STAFF_SECOND_FACTOR", default=False)

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# HTTPS=true says that a proxy ends TLS in front of the office and names it in X-Forwarded-Proto.
# The local office speaks plain http, where a secure cookie would never come back.
HTTPS = env.bool("HTTPS", default=False)
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$"]  # asked by what runs the office, in plain
    SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds())
    # What other hosts of the domain do is not ours to promise.
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
# Proxies that each add the address of whom they serve to X-Forwarded-For; without one the header
# is anybody's to write.
FOREMAN_PROXIES = env.int(
    "FOREMAN_PROXIES", default=1 if HTTPS else 0, validate=validate.Range(min=0)
)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
# Shared by offices under one domain, so that one that only reads knows who logged in at the other.
SESSION_COOKIE_DOMAIN = FOREMAN_COOKIE_DOMAIN = env.str("FOREMAN_COOKIE_DOMAIN", default="") or None
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_ENGINE = "foreman_office.access.sessions"  # which stores no key that could be sent back
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}

# --- another provider's login --------------------------------------------------------------------

FOREMAN_OPENID_ISSUER = env.str("FOREMAN_OPENID_ISSUER", default="")
FOREMAN_OPENID_CLIENT_ID = env.str("FOREMAN_OPENID_CLIENT_ID", default="")
FOREMAN_OPENID_CLIENT_SECRET = env.str("FOREMAN_OPENID_CLIENT_SECRET", default="")
FOREMAN_OPENID_NAME = env.str("FOREMAN_OPENID_NAME", default="OpenID Connect")
FOREMAN_OPENID_SCOPE = env.str("FOREMAN_OPENID_SCOPE", default="openid profile")
FOREMAN_OPENID_CLAIM = env.str("FOREMAN_OPENID_CLAIM", default="groups")
# The groups of the office for values of the claim, as a JSON object.
FOREMAN_OPENID_GROUPS = env.json("FOREMAN_OPENID_GROUPS", default={})
if FOREMAN_OPENID_ISSUER:
    check_provider(
        FOREMAN_OPENID_ISSUER,
        FOREMAN_OPENID_CLIENT_ID,
        FOREMAN_OPENID_SCOPE,
        FOREMAN_OPENID_GROUPS,
    )

# --- the office ----------------------------------------------------------------------------------

FOREMAN_BIND = env.str("FOREMAN_BIND", default="127.0.0.1")
PORT = env.int("PORT", default=None, validate=validate.Range(min=0, max=65535))
WEB_WORKERS = env.int("WEB_WORKERS", default=2, validate=at_least_one)
WEB_THREADS = env.int("WEB_THREADS", default=8, validate=at_least_one)
# Connections that a process keeps of one address. Behind a proxy all have the proxy's.
FOREMAN_CONNECTIONS_PER_ADDRESS = env.int(
    "FOREMAN_CONNECTIONS_PER_ADDRESS", default=250, validate=validate.Range(min=0)
)
# Each live page holds a thread that sleeps, beside those that answer requests.
FOREMAN_STREAMS = env.int("FOREMAN_STREAMS", default=100, validate=validate.Range(min=0))

# How often an agent that stops before its task is done is told to go on, before that is escalated.
FOREMAN_AGENT_STOPS = env.int("FOREMAN_AGENT_STOPS", default=3, validate=validate.Range(min=0))

# Set by `manage.py office` for its own processes: whether it has a watcher beside them.
OFFICE_HAS_A_WATCHER = env.bool("FOREMAN_OFFICE_HAS_A_WATCHER", default=False)

# The demo: a sample program, a simulated foreman and builders, and every page says so. Its clock
# runs faster, so that a visitor need not wait two minutes to see a builder fall silent.
FOREMAN_SIMULATION = env.bool("FOREMAN_SIMULATION", default=False)
FOREMAN_SIMULATION_SEED = env.int("FOREMAN_SIMULATION_SEED", default=44)

FOREMAN_HEARTBEAT_INTERVAL_SECONDS = env.int(
    "FOREMAN_HEARTBEAT_INTERVAL_SECONDS",
    default=2 if FOREMAN_SIMULATION else 60,
    validate=at_least_one,
)
FOREMAN_SILENCE_THRESHOLD_SECONDS = env.int(
    "FOREMAN_SILENCE_THRESHOLD_SECONDS",
    default=10 if FOREMAN_SIMULATION else 120,
    validate=at_least_one,
)
if FOREMAN_SILENCE_THRESHOLD_SECONDS < 2 * FOREMAN_HEARTBEAT_INTERVAL_SECONDS:
    raise ImproperlyConfigured(
        "FOREMAN_SILENCE_THRESHOLD_SECONDS must be at least twice"
        " FOREMAN_HEARTBEAT_INTERVAL_SECONDS: one late heartbeat is not silence."
    )

FOREMAN_SWEEP_SECONDS = env.int("FOREMAN_SWEEP_SECONDS", default=5, validate=at_least_one)
# The demo keeps the heartbeats of its sample, whose history is old.
FOREMAN_HEARTBEAT_RETENTION_DAYS = env.int(
    "FOREMAN_HEARTBEAT_RETENTION_DAYS",
    default=36500 if FOREMAN_SIMULATION else 90,
    validate=at_least_one,
)
# How long the tests of a run that passed or were skipped are kept one by one (docs/upkeep.md).
FOREMAN_TEST_RETENTION_DAYS = env.int(
    "FOREMAN_TEST_RETENTION_DAYS",
    default=36500 if FOREMAN_SIMULATION else 90,
    validate=at_least_one,
)

# The sealed record: the private key that signs its checkpoints, what its name is (by default one
# that no other office has), and who is told of checkpoints besides a file under var/.
FOREMAN_EVIDENCE_KEY = env.str("FOREMAN_EVIDENCE_KEY", default="")
FOREMAN_RECORD_NAME = env.str(
    "FOREMAN_RECORD_NAME",
    default="",
    validate=validate.Regexp(r"[^\s+]*\Z", error="A name has neither spaces nor plus signs."),
)
FOREMAN_WITNESS_FILE = env.str("FOREMAN_WITNESS_FILE", default="")
FOREMAN_WITNESS_URL = env.str("FOREMAN_WITNESS_URL", default="")
if FOREMAN_WITNESS_URL and not FOREMAN_WITNESS_URL.startswith(("https://", "http://")):
    raise ImproperlyConfigured("FOREMAN_WITNESS_URL must begin with https:// or http://.")
FOREMAN_WITNESS_MAIL: list[str] = env.list("FOREMAN_WITNESS_MAIL", default=[])
FOREMAN_MAIL_FROM = env.str("FOREMAN_MAIL_FROM", default="foreman-office@localhost")
FOREMAN_MAIL_IS_SET_UP = bool(env.str("FOREMAN_MAIL_URL", default=""))
try:
    MAILERS = {"default": mail_server(env.str("FOREMAN_MAIL_URL", default="smtp://localhost"))}
except ValueError as error:
    raise ImproperlyConfigured(f"FOREMAN_MAIL_URL is not valid: {error}") from error

# Notifications: the office's own address in links, whether channels may reach private addresses,
# and the keys that encrypt what channels know (without, made from SECRET_KEY).
FOREMAN_URL = env.str("FOREMAN_URL", default="")
if FOREMAN_URL and not FOREMAN_URL.startswith(("https://", "http://")):
    raise ImproperlyConfigured("FOREMAN_URL must begin with https:// or http://.")
FOREMAN_PRIVATE_CHANNELS = env.bool("FOREMAN_PRIVATE_CHANNELS", default=False)
FOREMAN_CHANNEL_KEYS: list[str] = env.list("FOREMAN_CHANNEL_KEYS", default=[])
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = ""
PROCRASTINATE_IMPORT_PATHS = ["foreman_office.management.message_jobs"]

# The price list (builders/prices.py) for estimates; empty: prices.yaml in FOREMAN_VAR.
FOREMAN_PRICES = env.str("FOREMAN_PRICES", default="")

# The largest body that the API takes, a test report; each operation has its own limit below this.
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "kit.web.uploads.TemporaryFileUploadHandler",
]

# --- Django --------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "kit.web.admin_config.OfficeAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_filters",
    "ninja",
    "procrastinate.contrib.django",
    "foreman_office",
    "foreman_office.dashboard",
    "programs",
    "builders",
    "governance",
]

MIDDLEWARE = [
    "foreman_office.metrics.RequestTimesMiddleware",
    "kit.web.middleware.NotStoredMiddleware",
    "kit.core.request_id.RequestIDMiddleware",
    "kit.web.api.APIErrorsMiddleware",
    "foreman_office.access.read_only.ReadOnlyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "kit.web.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "kit.web.middleware.AuthenticationMiddleware",
    "foreman_office.access.security_log.KnownRequestMiddleware",
    "foreman_office.access.required.SecondFactorMiddleware",
    "foreman_office.access.organisations.OrganisationMiddleware",
    "foreman_office.api.callers.CallersMiddleware",
    "kit.web.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "kit.web.middleware.HtmxMiddleware",
    "kit.web.middleware.ZoneMiddleware",
    "kit.web.middleware.RefusedMiddleware",
    "foreman_office.dashboard.sent_once.SentOnceMiddleware",
]

ROOT_URLCONF = "foreman_office.urls"
WSGI_APPLICATION = "foreman_office.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": [
                "kit.web.templatetags.display",
                "kit.web.templatetags.states",
                "kit.web.templatetags.times",
                "kit.web.templatetags.lists",
                "kit.web.templatetags.markdown",
                "kit.web.templatetags.numbers",
                "kit.web.templatetags.sending",
            ],
            "libraries": {"contents": "kit.web.templatetags.contents"},
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "foreman_office.dashboard.frame.frame",
            ],
        },
    }
]

FORM_RENDERER = "kit.web.widgets.PlainRenderer"

STATIC_URL = "static/"
STATIC_ROOT = FOREMAN_VAR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

AUTHENTICATION_BACKENDS = ["foreman_office.access.backend.LimitedBackend"]
CSRF_FAILURE_VIEW = "kit.web.expired.form_expired"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "inbox"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en-gb"
FORMAT_MODULE_PATH = "foreman_office.formats"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
DATETIME_FORMAT = "j M Y, H:i:s T"  # in the admin: the same local hour comes twice a year

# The bearer token that reads /metrics; without it there is no such address.
FOREMAN_METRICS_TOKEN = env.str("FOREMAN_METRICS_TOKEN", default="")

# One stream, errors with their traceback in it, for what collects the office's output.
FOREMAN_LOG = env.str("FOREMAN_LOG", default="line", validate=validate.OneOf(["line", "json"]))
FOREMAN_ACCESS_LOG = env.bool("FOREMAN_ACCESS_LOG", default=FOREMAN_LOG == "json")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "kit.runtime.logs.LineFormatter",
            "format": LINE,
        },
        "json": {"()": "kit.runtime.logs.JSONFormatter"},
    },
    "filters": {"refusals": {"()": "kit.runtime.logs.PlainRefusals"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["refusals"],
            "formatter": FOREMAN_LOG,
            "stream": f"ext://sys.{'stdout' if FOREMAN_LOG == 'json' else 'stderr'}",
        }
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": [], "level": "WARNING"},
        "django.request": {"level": "ERROR"},  # an answer in the 400s is for the one who asked
        "foreman": {"level": "INFO"},
    },
}
