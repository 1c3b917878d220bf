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

from foreman_office.kit import embedded, pool

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
    conninfo_to_dict(DATABASE_LISTEN_URL)
except ProgrammingError as error:
    reason = str(error).strip()
    raise ImproperlyConfigured(f"DATABASE_LISTEN_URL is no address: {reason}") from error

DATABASES = {
    "default": embedded.database_settings(FOREMAN_VAR)
    if EMBEDDED
    else env.dj_db_url("DATABASE_URL")
}
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured("DATABASE_URL must be the address of a PostgreSQL server.")

_options = DATABASES["default"].setdefault("OPTIONS", {})
# A server that went without a word is noticed by us, not by the network's own quarter of an hour.
_options.setdefault("connect_timeout", 5)
_options.setdefault("tcp_user_timeout", 30_000)
if FOREMAN_DB_POOL_SIZE:
    _options["pool"] = pool.options(FOREMAN_DB_POOL_SIZE)
if DATABASE_POOLED:
    # A transaction pooler refuses startup options and gives every transaction another session, so
    # cursors that outlive one are off and the timeouts are set on the role (README).
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
else:
    _options.setdefault("prepare_threshold", 0)  # a statement that can be prepared is: kit/prepared
    _options["options"] = " ".join(
        [
            _options.get("options", ""),
            "-c statement_timeout=60s",
            "-c lock_timeout=10s",
            "-c idle_in_transaction_session_timeout=60s",
        ]
    ).strip()

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- secrets and who may ask ---------------------------------------------------------------------

SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    if EMBEDDED:
        SECRET_KEY = embedded.secret_key(FOREMAN_VAR)
    elif DEBUG:
        SECRET_KEY = "development-only"  # noqa: S105
    else:
        raise ImproperlyConfigured("SECRET_KEY is missing: set it to a long random text.")

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
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
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

# --- the office ----------------------------------------------------------------------------------

FOREMAN_BIND = env.str("FOREMAN_BIND", default="127.0.0.1")
PORT = env.int("PORT", default=None, validate=validate.Range(min=0, max=65535))
WEB_WORKERS = env.int("WEB_WORKERS", default=2, validate=at_least_one)
WEB_THREADS = env.int("WEB_THREADS", default=8, validate=at_least_one)
# Of these threads so many run; the others wait their turn. Measured: docs/performance.md.
FOREMAN_AT_ONCE = env.int("FOREMAN_AT_ONCE", default=WEB_THREADS, validate=at_least_one)
# Each live page holds a thread that sleeps, beside those that answer requests.
FOREMAN_STREAMS = env.int("FOREMAN_STREAMS", default=100, validate=validate.Range(min=0))

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
FOREMAN_HEARTBEAT_RETENTION_DAYS = env.int(
    "FOREMAN_HEARTBEAT_RETENTION_DAYS", default=90, validate=at_least_one
)

# The largest body that the API takes, a test report; each operation has its own limit below this.
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "foreman_office.kit.uploads.TemporaryFileUploadHandler",
]

# --- Django --------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_filters",
    "ninja",
    "foreman_office",
    "programs",
    "builders",
    "governance",
]

MIDDLEWARE = [
    "foreman_office.metrics.RequestTimesMiddleware",
    "foreman_office.kit.request_id.RequestIDMiddleware",
    "foreman_office.kit.api.APIErrorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "foreman_office.kit.gate.GateMiddleware",
    "foreman_office.kit.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "foreman_office.kit.middleware.AuthenticationMiddleware",
    "foreman_office.kit.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "foreman_office.kit.middleware.HtmxMiddleware",
    "foreman_office.kit.middleware.ZoneMiddleware",
    "foreman_office.kit.middleware.RefusedMiddleware",
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
                "foreman_office.kit.templatetags.kit",
                "foreman_office.kit.templatetags.lists",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "foreman_office.views.frame",
            ],
        },
    }
]

FORM_RENDERER = "foreman_office.kit.widgets.Renderer"

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

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "inbox"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

# Whoever sends this as a bearer token reads /metrics; without it there is no such address.
FOREMAN_METRICS_TOKEN = env.str("FOREMAN_METRICS_TOKEN", default="")

# One stream, errors with their traceback in it: whoever runs the office collects its output.
FOREMAN_LOG = env.str("FOREMAN_LOG", default="line", validate=validate.OneOf(["line", "json"]))
FOREMAN_ACCESS_LOG = env.bool("FOREMAN_ACCESS_LOG", default=FOREMAN_LOG == "json")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "foreman_office.kit.logs.LineFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        },
        "json": {"()": "foreman_office.kit.logs.JSONFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
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
