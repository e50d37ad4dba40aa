"""Every setting, from the environment. `config/checks.py` reports what is wrong there, all at once."""

import logging
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.templatetags.static import static
from django.utils.csp import CSP
from environs import validate

from config.environment import (
    BROKERS,
    NEW_KEY,
    database,
    derived_key,
    env,
    fernet_key,
    host_and_port,
    is_installed,
    is_weak,
    mailer,
    plain,
    read,
    report,
)
from config.pool import check

BASE_DIR = Path(__file__).resolve().parent.parent
EXAMPLE_KEY = "an-example-key-that-signs-nothing-of-worth-and-is-refused-when-debug-is-off"

DEBUG = read(env.bool, "DEBUG", True, mend="Write true or false.")
SECRET_KEY = env.str("SECRET_KEY", EXAMPLE_KEY)
if plain(SECRET_KEY) == plain(EXAMPLE_KEY) and not DEBUG:
    report("SECRET_KEY", "DEBUG is off and the key is the example's.", "Set SECRET_KEY to 50 random characters.")
elif is_weak(SECRET_KEY) and not DEBUG:
    report("SECRET_KEY", "DEBUG is off and the key is weak.", "Set SECRET_KEY to 50 random characters.")
# The first encrypts workspaces' secrets and all of them decrypt, so that keys can be rotated. The last is always one
# that is made of SECRET_KEY.
SECRETS_KEYS = read(
    env.list, "SECRETS_KEYS", list[str](), mend=f"Write keys with commas between them; {NEW_KEY}", subcast=fernet_key
)
SECRETS_KEYS = [*SECRETS_KEYS, derived_key(SECRET_KEY)]
ALLOWED_HOSTS = [host.strip() for host in env.list("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])]
# Origins with their scheme, such as https://example.org.
CSRF_TRUSTED_ORIGINS = [origin.strip() for origin in env.list("CSRF_TRUSTED_ORIGINS", list[str]())]
# Behind a proxy, uvicorn takes the scheme from X-Forwarded-Proto of the addresses in FORWARDED_ALLOW_IPS.
HTTPS_ONLY = read(env.bool, "HTTPS_ONLY", not DEBUG, mend="Write true or false.")
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS_ONLY
CSRF_COOKIE_HTTPONLY = True
if HTTPS_ONLY:  # a browser takes such a name from this host alone, so that none of its subdomains can plant one
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if HTTPS_ONLY else 0
# Whether the subdomains are HTTPS only too, and wish to be in the browsers' list, is their owner's to say.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

EXECUTOR_THREADS = read(
    env.int, "EXECUTOR_THREADS", 4, mend="Write a whole number from 0 to 64.", validate=validate.Range(0, 64)
)
ISOLATED_ACTIONS = frozenset(name.strip() for name in env.list("ISOLATED_ACTIONS", list[str]())) - {""}
STOP_GRACE_SECONDS = read(
    env.float, "STOP_GRACE_SECONDS", 10.0, mend="Write seconds from 0 to 3600.", validate=validate.Range(0, 3600)
)
DISPATCHER = read(
    env.str,
    "DISPATCHER",
    "local",
    mend="Write local, for the server's own threads, or celery.",
    validate=validate.OneOf(["local", "celery"]),
)
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", None) or ""
if DISPATCHER == "celery" and urlsplit(CELERY_BROKER_URL).scheme not in BROKERS:
    report("CELERY_BROKER_URL", "Not the URL of a broker.", "Write redis://host:6379/0 or amqp://user:password@host//.")
    CELERY_BROKER_URL = ""
# A message is an execution's id; what is true is in the database, so that the broker may lose it, or give it twice.
CELERY_TASK_IGNORE_RESULT = CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = "trilith"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Threads mostly wait for the database and for others' servers, and no connection is inherited by a fork.
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = EXECUTOR_THREADS or 4
CELERY_BROKER_CONNECTION_TIMEOUT = 2
# Who sends gives up soon, and tries again later; a worker waits for its broker for ever.
CELERY_BROKER_TRANSPORT_OPTIONS = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}
if CELERY_BROKER_URL.startswith("redis"):
    CELERY_BROKER_TRANSPORT_OPTIONS |= {"socket_connect_timeout": 2, "socket_timeout": 5}
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
LEASE_SECONDS = read(
    env.int, "LEASE_SECONDS", 30, mend="Write whole seconds from 1 to 3600.", validate=validate.Range(1, 3600)
)
WEB_THREADS = read(env.int, "WEB_THREADS", 8, mend="Write a whole number from 1 to 64.", validate=validate.Range(1, 64))
STREAMS_AT_ONCE = read(
    env.int, "STREAMS_AT_ONCE", 5_000, mend="Write a whole number from 0.", validate=validate.Range(min=0)
)
MAX_BODY_BYTES = DATA_UPLOAD_MAX_MEMORY_SIZE = read(
    env.int,
    "MAX_BODY_BYTES",
    1_048_576,
    mend="Write a number of bytes from 1024 to 104857600.",
    validate=validate.Range(1_024, 104_857_600),
)
REQUESTS_PER_MINUTE_OF_USER, REQUESTS_PER_MINUTE_IN_WORKSPACE = (
    read(env.int, name, default, mend="Write a whole number; 0 sets no limit.", validate=validate.Range(min=0))
    for name, default in (("REQUESTS_PER_MINUTE_OF_USER", 1_200), ("REQUESTS_PER_MINUTE_IN_WORKSPACE", 6_000))
)
RETENTION_DAYS, RETENTION_COUNT = (
    read(env.int, name, default, mend="Write a whole number; 0 keeps all.", validate=validate.Range(min=0))
    for name, default in (("RETENTION_DAYS", 0), ("RETENTION_COUNT", 0))
)
AUDIT_DAYS = read(
    env.int,
    "AUDIT_DAYS",
    0,
    mend="Write a whole number of days up to 36500; 0 keeps all.",
    validate=validate.Range(0, 36_500),
)
PRUNE_AT = read(
    env.str,
    "PRUNE_AT",
    "03:00",
    mend="Write a time of the day in UTC, such as 03:00.",
    validate=validate.Regexp(r"([01]?[0-9]|2[0-3])(:[0-5][0-9])?\Z", error="Not a time of the day."),
)
OUTBOUND_GUARD = read(env.bool, "OUTBOUND_GUARD", True, mend="Write true or false.")
OUTBOUND_ALLOWED_HOSTS = read(
    env.list,
    "OUTBOUND_ALLOWED_HOSTS",
    ["127.0.0.1:8765"] if DEBUG else list[str](),  # where the demo's own service answers
    mend="Write host:port, with commas between them.",
    subcast=host_and_port,
)
OUTBOUND_MAX_RESPONSE_BYTES = read(
    env.int,
    "OUTBOUND_MAX_RESPONSE_BYTES",
    1_048_576,
    mend="Write a number of bytes from 1 to 1048576.",
    validate=validate.Range(1, 1_048_576),
)

SQLITE_SYNCHRONOUS = read(
    env.str,
    "SQLITE_SYNCHRONOUS",
    "FULL",
    mend="Write FULL, or NORMAL, which is faster and may lose the last commits in a power cut.",
    validate=validate.OneOf(["FULL", "NORMAL"]),
)
_SQLITE_OPTIONS: dict[str, Any] = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    # Each thread's connection keeps 1 MB of pages; what else is read often the system keeps.
    "init_command": f"PRAGMA journal_mode=WAL; PRAGMA synchronous={SQLITE_SYNCHRONOUS}; PRAGMA cache_size=-1000;",
}
# A runner holds its connection while it works; a web thread only for a moment. The rest is for the supervisor and
# for handlers that outlive their time.
# Who waits for one outlasts a restart; and to connect again is tried about every second, never less often.
_POSTGRES_POOL = {
    "min_size": 2,
    "max_size": EXECUTOR_THREADS + WEB_THREADS // 2 + 4,
    "timeout": 5,
    "reconnect_timeout": 2,
    "check": check,
}
_DATABASE = database(
    "DATABASE_URL",
    base=BASE_DIR,
    default="sqlite:///db.sqlite3",
    mend="Write sqlite:///file.sqlite3 or postgresql://user:password@host:5432/name.",
)
match _DATABASE.get("ENGINE"):
    case "django.db.backends.sqlite3":
        # Threads and child processes of a test share its database, so it is a file. Opening it anew with each request
        # cost a quarter of the executions that a server could start.
        _DATABASE |= {
            "OPTIONS": _SQLITE_OPTIONS,
            "CONN_MAX_AGE": 600,
            "TEST": {"NAME": BASE_DIR / "test.sqlite3"},
        }
    case "django.db.backends.postgresql":
        _DATABASE["OPTIONS"] = {"pool": _POSTGRES_POOL, "prepare_threshold": 2} | _DATABASE.get("OPTIONS", {})
        _DATABASE["CONN_HEALTH_CHECKS"] = True
DATABASES = {"default": _DATABASE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MAILERS = {
    "default": mailer(
        "EMAIL_URL",
        default="console://" if DEBUG else "smtp://localhost:25",
        mend="Write console:// or submission://user:password@host:587.",
    )
}
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "trilith@localhost")

# In it are the counts of requests, a minute each: enough entries for many users and workspaces at once.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 100_000}}}

INSTALLED_APPS = [
    "config",
    "workspaces",
    "workflows",
    "executions",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "unfold.apps.BasicAppConfig",
    "config.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "config.policy.PolicyMiddleware",
    "config.metrics.MetricsMiddleware",
    "config.logs.LogMiddleware",
    "config.problems.ProblemMiddleware",
    "config.unavailable.UnavailableMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.unavailable.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "workspaces.speakers.SpeakerMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
# What a page may load and run: nothing, but for the few paths that have pages; and no script written into one.
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "style-src": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
_PAGE = {
    "script-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
}
# The theme has styles in its pages, and its Alpine makes functions of the attributes in its own templates.
_ADMIN = {
    "script-src": [CSP.SELF, CSP.UNSAFE_EVAL],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
    "form-action": [CSP.SELF],
}
# The longest beginning of a path that is here counts.
CSP_OF_PAGES = {"/admin/": SECURE_CSP | _PAGE | _ADMIN, "/api/docs": SECURE_CSP | _PAGE}
AUTHENTICATION_BACKENDS = ["workspaces.signin.Backend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
API_PATH = "/api"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "workspaces.api.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PARSER_CLASSES": ["config.rest.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["config.rest.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "workspaces.api.pages.PagePagination",
    "DEFAULT_FILTER_BACKENDS": ["workspaces.api.filtering.KnownFilters"],
    "DEFAULT_SCHEMA_CLASS": "workspaces.api.operations.OperationSchema",
    "EXCEPTION_HANDLER": "config.problems.handler",
    "NON_FIELD_ERRORS_KEY": "body",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Trilith",
    "VERSION": "1",
    "DESCRIPTION": "Workflows: what should run, what runs, and what happened.",
    "TAGS": [
        {"name": "workspaces", "description": "Where everything is."},
        {"name": "workflows", "description": "What should run."},
        {"name": "executions", "description": "What runs, and what happened."},
        {"name": "definitions", "description": "What a workflow may be made of."},
        {"name": "tasks", "description": "What there is to do for people."},
        {"name": "notifications", "description": "What people are told."},
        {"name": "members", "description": "Who may do what."},
        {"name": "tokens", "description": "How programs prove who they are."},
        {"name": "secrets", "description": "What workflows show to other services."},
        {"name": "audit", "description": "Who did what."},
    ],
    "OAS_VERSION": "3.1.0",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": False,
    "POSTPROCESSING_HOOKS": ["config.openapi.with_definition"],
}
_PRIMARY = {
    "50": "oklch(97.1% .014 195)",
    "100": "oklch(94.2% .032 195)",
    "200": "oklch(89.5% .06 195)",
    "300": "oklch(82.5% .09 195)",
    "400": "oklch(73% .105 196)",
    "500": "oklch(61.5% .1 198)",
    "600": "oklch(52% .086 200)",
    "700": "oklch(45.5% .074 202)",
    "800": "oklch(39.5% .061 204)",
    "900": "oklch(34.5% .05 206)",
    "950": "oklch(25.5% .04 208)",
}
UNFOLD = {
    "SITE_TITLE": "Trilith",
    "SITE_HEADER": "Trilith",
    "SITE_SUBHEADER": "Workflows and their runs",
    "SITE_URL": None,
    "SITE_ICON": lambda _: static("trilith/mark.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _: static("trilith/mark.svg")}],
    "SHOW_BACK_BUTTON": False,
    "BORDER_RADIUS": "6px",
    "COLORS": {"primary": _PRIMARY},
    "SIDEBAR": {"navigation": "config.admin.sidebar"},
}
ROOT_URLCONF = "config.urls"
LOGIN_REDIRECT_URL = "admin:index"
WSGI_APPLICATION = "config.wsgi.application"

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
FORMAT_MODULE_PATH = "config.formats"

STATIC_URL = "static/"
# The files are served from where the apps keep them, so that nothing has to be collected first.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_ALLOW_ALL_ORIGINS = False

LOG_LEVEL = read(
    env.str,
    "LOG_LEVEL",
    "INFO",
    mend="Write DEBUG, INFO, WARNING or ERROR.",
    validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"]),
)
LOG_FORMAT = read(
    env.str,
    "LOG_FORMAT",
    "plain" if DEBUG else "json",
    mend="Write plain, or json for a JSON object a line.",
    validate=validate.OneOf(["plain", "json"]),
)
LOGGING_CONFIG = "config.logs.configure"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"console": {"()": "config.logs.formatter", "kind": LOG_FORMAT}},
    "handlers": {"console": {"class": "config.logs.Handler", "formatter": "console"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        # Without the handlers that Django gives them, beside which ours would say everything a second time.
        "django": {"level": "INFO"},
        "django.server": {"level": "INFO"},
        # What a client did wrong, the client is told.
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        # Whoever asked for a connection says that there was none.
        "psycopg.pool": {"level": "ERROR"},
        # A line for each request; in plain the server's own access log has one.
        "django_structlog": {"level": LOG_LEVEL if LOG_FORMAT == "json" else "ERROR"},
        **{name: {"level": LOG_LEVEL} for name in ("workspaces", "workflows", "executions", "config")},
    },
}
# No query before a view asks for the user; what a client did wrong, the client is told.
DJANGO_STRUCTLOG_USER_ID_FIELD = ""
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO

METRICS_TOKEN = env.str("METRICS_TOKEN", None) or ""
METRICS_HOST = env.str("METRICS_HOST", "127.0.0.1")
METRICS_PORT: int | None = read(
    env.int, "METRICS_PORT", None, mend="Write a port from 0 to 65535.", validate=validate.Range(0, 65_535)
)

# Whatever else OpenTelemetry reads from the environment (headers, samplers, timeouts) it reads itself.
OTEL_EXPORTER_OTLP_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", None) or ""
OTEL_SERVICE_NAME = env.str("OTEL_SERVICE_NAME", "trilith")
OTEL_TRACES_EXPORTER = read(
    env.str,
    "OTEL_TRACES_EXPORTER",
    "otlp" if OTEL_EXPORTER_OTLP_ENDPOINT else "none",
    mend="Write otlp or none.",
    validate=validate.OneOf(["otlp", "none"]),
)
if OTEL_TRACES_EXPORTER != "none" and not is_installed("opentelemetry.exporter.otlp.proto.http"):
    report(
        "OTEL_TRACES_EXPORTER" if not OTEL_EXPORTER_OTLP_ENDPOINT else "OTEL_EXPORTER_OTLP_ENDPOINT",
        "Traces are asked for, and OpenTelemetry isn't installed.",
        "Install it with pip install -r requirements/tracing.txt, or unset the variable.",
    )
