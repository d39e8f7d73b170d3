"""Every setting, read from the environment once and refused when it makes no sense.

A secret may also come from a file: `NAME_FILE` holds the path. Two modes, one code path:
`PLAYGROUND_MODE=embedded` (SQLite, no Redis, the default) and `production` (PostgreSQL, Redis).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from playground import secrets
from playground.environment import (
    choice,
    database,
    flag,
    is_plain_address,
    kept_files,
    number,
    rates,
    text,
    words,
)

BASE_DIR = Path(__file__).resolve().parent.parent


def gateway_urls() -> list[str]:
    """The addresses a key may name, the first being the default (contract section 1)."""
    default = "https://gateway.api.anyint.ai,https://api.anyint.ai"
    urls = [url.rstrip("/") for url in words("GATEWAY_URLS", default)]
    if ("DEMO_URL" in os.environ or EMBEDDED) and "GATEWAY_URLS" not in os.environ:
        urls.append(DEMO_URL)
    for url in urls:
        if not is_plain_address(url):
            raise ImproperlyConfigured(f"GATEWAY_URLS holds {url!r}, which is no plain http(s) address")
    if not urls:
        raise ImproperlyConfigured("GATEWAY_URLS is empty: list at least one address, or leave it out")
    return list(dict.fromkeys(urls))


EMBEDDED = choice("PLAYGROUND_MODE", "embedded", "embedded", "production") == "embedded"
DATA_DIR = Path(text("PLAYGROUND_DATA", str(BASE_DIR / "var"))).absolute()
PORT = int(number("PORT", 8000, minimum=1, maximum=65535))
DEMO_PORT = int(number("DEMO_PORT", 8001, minimum=1, maximum=65535))
DEMO_URL = text("DEMO_URL", f"http://127.0.0.1:{DEMO_PORT}").rstrip("/")
DEMO_KEY = "demo-key"
GATEWAY_URLS = gateway_urls()
ENV_KEY_NAME = "ANYINT_API_KEY"

DEBUG = flag("DEBUG", False)
try:
    SECRET_KEY = text("SECRET_KEY") or (secrets.secret_key(DATA_DIR) if EMBEDDED else "")
    VAULT_KEYS = text("VAULT_KEYS") or (secrets.vault_keys(DATA_DIR) if EMBEDDED else "")
except secrets.SecretsError as error:
    raise ImproperlyConfigured(str(error)) from error
SECRET_KEY_FALLBACKS = words("SECRET_KEY_FALLBACKS")
if len(SECRET_KEY) < 40 or len(set(SECRET_KEY)) < 5:
    raise ImproperlyConfigured("SECRET_KEY is missing or weak: give at least 40 random characters")
if not VAULT_KEYS:
    raise ImproperlyConfigured("VAULT_KEYS is missing: run `manage.py new_vault_key` and keep it apart")
if not all(re.fullmatch(r"[\w-]{1,16}:[\w-]{43}=?", entry) for entry in re.split(r"[\s,]+", VAULT_KEYS)):
    raise ImproperlyConfigured("VAULT_KEYS must list id:key, each key 32 bytes in base64url")

SITE_URL = text("SITE_URL", f"http://localhost:{PORT}").rstrip("/")
_site = urlsplit(SITE_URL)
if _site.scheme not in {"http", "https"} or not _site.hostname:
    raise ImproperlyConfigured(f"SITE_URL must be a full address, not {SITE_URL!r}")
HTTPS = _site.scheme == "https"
# Loopback too: health checks ask the process itself.
ALLOWED_HOSTS = words("ALLOWED_HOSTS", "" if EMBEDDED else str(_site.hostname)) + [
    "localhost",
    "127.0.0.1",
    "[::1]",
]
CSRF_TRUSTED_ORIGINS = [SITE_URL]
SIGN_UP = choice("SIGN_UP", "closed" if EMBEDDED else "invitation", "open", "invitation", "closed")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "django_htmx",
    "allauth",
    "allauth.account",
    "accounts",
    "playground",
    "playground.live",
    "playground.ops",
    "playground.library",
    "playground.usage",
    "playground.chat",
    "playground.media",
    "playground.verify",
    "playground.catalogue",
    "playground.compare",
    "playground.history",
]

MIDDLEWARE = [
    "playground.middleware.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "accounts.middleware.TeamMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

# Also on a developer's debug page.
DEFAULT_EXCEPTION_REPORTER_FILTER = "playground.reports.AlwaysHiding"
DEFAULT_EXCEPTION_REPORTER = "playground.reports.Reporter"

# X-Frame-Options is sent by RequestMiddleware, on error pages too.
SILENCED_SYSTEM_CHECKS = ["security.W002"]

ROOT_URLCONF = "playground.urls"
ASGI_APPLICATION = "playground.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "playground.pages.frame",
            ],
        },
    }
]

SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; "
        "PRAGMA cache_size=-16000;"
    ),
}
_database_url = text("DATABASE_URL", f"sqlite:///{DATA_DIR / 'playground.sqlite3'}")
DATABASES: dict[str, Any] = {"default": database(_database_url)}
POSTGRESQL = "postgresql" in DATABASES["default"]["ENGINE"]
if POSTGRESQL:
    DATABASES["default"] |= {
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        # A pool that goes on trying for long waits longer and longer between two tries, and then finds
        # a database that is back too late: each request makes a new try instead.
        "OPTIONS": {
            "pool": {
                "min_size": 0,
                "max_size": int(number("DB_POOL", 12, minimum=2)),
                "timeout": 4,
                "reconnect_timeout": 1,
            }
        },
    }
else:
    # Requests run on a fixed set of threads (see `asgi`), so a kept connection is one a thread.
    DATABASES["default"] |= {"OPTIONS": SQLITE_OPTIONS, "CONN_MAX_AGE": None}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = text("REDIS_URL")
if REDIS_URL and REDIS_URL.partition("://")[0] not in {"redis", "rediss", "unix"}:
    raise ImproperlyConfigured("REDIS_URL must begin with redis:// or rediss://")
WEB_WORKERS = int(number("WEB_WORKERS", 1, minimum=1))
WEB_THREADS = int(number("WEB_THREADS", 6, minimum=1))
if not EMBEDDED and not (POSTGRESQL and REDIS_URL):
    raise ImproperlyConfigured("production mode needs DATABASE_URL (PostgreSQL) and REDIS_URL")
if WEB_WORKERS > 1 and not REDIS_URL:
    raise ImproperlyConfigured("several web processes share their streams over Redis: set REDIS_URL")
CACHES: dict[str, Any] = {
    "default": {
        "BACKEND": "playground.cache.ForgivingCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "playground"}
}

# Runs in flight: seconds a lease lasts without renewal, between saves, and left to runs at a SIGTERM.
RUN_LEASE_S = number("RUN_LEASE_S", 10, minimum=2)
RUN_SAVE_S = number("RUN_SAVE_S", 1, minimum=0.2)
DRAIN_S = number("DRAIN_S", 20)
# Between two signs of life of an open stream; then it is also asked whether its viewer may still watch.
HEARTBEAT_S = number("HEARTBEAT_S", 15, minimum=0.2, maximum=60)
GATEWAY_READ_TIMEOUT_S = number("GATEWAY_READ_TIMEOUT_S", 120, minimum=1)
RUN_DEADLINE_S = number("RUN_DEADLINE_S", 3600, minimum=1)
MAX_RUNS = int(number("MAX_RUNS", 2000, minimum=1))
MAX_RUNS_PER_USER = int(number("MAX_RUNS_PER_USER", 20, minimum=1))

# Media tasks: where the gateway and providers reach this site, and what one worker does at once.
PUBLIC_URL = text("PUBLIC_URL").rstrip("/")
if PUBLIC_URL and not is_plain_address(PUBLIC_URL):
    raise ImproperlyConfigured(f"PUBLIC_URL must be a full address, not {PUBLIC_URL!r}")
CALLBACK_PLACEHOLDER = text("CALLBACK_PLACEHOLDER", "https://example.com/callback")
CALLBACK_FAMILIES = words("CALLBACK_FAMILIES", "suno")
TASK_LEASE_S = number("TASK_LEASE_S", 20, minimum=2)
TASK_QUERIES = int(number("TASK_QUERIES", 500, minimum=1))
TASK_CREATES = int(number("TASK_CREATES", 50, minimum=1))
TASK_CAPTURES = int(number("TASK_CAPTURES", 4, minimum=1))
QUERY_RATES = rates(words("QUERY_RATES", "dashscope:15,suno:1.8"))
CREATE_TIMEOUT_S = number("CREATE_TIMEOUT_S", 300, minimum=1)
QUERY_TIMEOUT_S = number("QUERY_TIMEOUT_S", 30, minimum=1)
MAX_TASKS_PER_USER = int(number("MAX_TASKS_PER_USER", 100, minimum=1))
MAX_ASSET_BYTES = int(number("MAX_ASSET_MB", 2048, minimum=1)) * 1024 * 1024
MAX_ZIP_BYTES = int(number("MAX_ZIP_MB", 4096, minimum=1)) * 1024 * 1024

CELERY_BROKER_URL = REDIS_URL or "filesystem://localhost//"
CELERY_BROKER_FOLDER = DATA_DIR / "broker"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "accounts.passwords.Argon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = choice("EMAIL_VERIFICATION", "none", "none", "optional", "mandatory")
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[AnyInt Playground] "
SIGN_IN_LINK_HOURS = number("SIGN_IN_LINK_HOURS", 24, minimum=0.1)
INVITATION_DAYS = number("INVITATION_DAYS", 7, minimum=0.1)
# Requests one API token may make in a minute.
API_RATE = int(number("API_RATE", 120, minimum=1))
ALLAUTH_TRUSTED_PROXY_COUNT = int(number("TRUSTED_PROXIES", 0))
EMAIL_HOST = text("EMAIL_HOST")
# Never the console unasked: its links would stand in the log, for everybody who may read that.
_backend = "smtp" if EMAIL_HOST else "dummy"
EMAIL_BACKEND = text("EMAIL_BACKEND") or f"django.core.mail.backends.{_backend}.EmailBackend"
SENDS_MAIL = EMAIL_BACKEND != "django.core.mail.backends.dummy.EmailBackend"
if EMAIL_BACKEND == "django.core.mail.backends.smtp.EmailBackend" and not EMAIL_HOST:
    raise ImproperlyConfigured("EMAIL_BACKEND sends over SMTP: set EMAIL_HOST")
if ACCOUNT_EMAIL_VERIFICATION == "mandatory" and not SENDS_MAIL:
    raise ImproperlyConfigured("EMAIL_VERIFICATION=mandatory needs a mail server: set EMAIL_HOST")
EMAIL_PORT = int(number("EMAIL_PORT", 25, minimum=1))
EMAIL_HOST_USER = text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = flag("EMAIL_USE_TLS", False)
DEFAULT_FROM_EMAIL = text("DEFAULT_FROM_EMAIL", "playground@localhost")

SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else f"playground-session-{PORT}"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else f"playground-csrf-{PORT}"
CSRF_FAILURE_VIEW = "playground.pages.csrf_failure"
SECURE_SSL_REDIRECT = HTTPS and flag("SSL_REDIRECT", True)
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ALLAUTH_TRUSTED_PROXY_COUNT else None
SECURE_HSTS_SECONDS = 63072000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# The names are those of Django 6, which sends this header itself.
SECURE_CSP: dict[str, list[str]] = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:", "blob:"],
    "media-src": ["'self'", "blob:"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "manifest-src": ["'self'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
    "base-uri": ["'none'"],
}

STATIC_URL = "/static/"
STATIC_ROOT = Path(text("STATIC_ROOT", str(DATA_DIR / "static")))
SERVESTATIC_MANIFEST_STRICT = False
STATICFILES_DIRS = [BASE_DIR / "static"]
# Only our own files: what the libraries bring is vendored there, or not used.
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
MEDIA_ROOT = Path(text("MEDIA_ROOT", str(DATA_DIR / "media")))
_bucket = {
    "bucket_name": text("S3_BUCKET"),
    "endpoint_url": text("S3_ENDPOINT_URL").rstrip("/"),
    "region_name": text("S3_REGION"),
    "location": text("S3_PREFIX").strip("/"),
    "addressing_style": choice("S3_ADDRESSING_STYLE", "auto", "auto", "path", "virtual"),
    # Without them they come from where Amazon's library finds them: a role of the machine, a profile.
    "access_key": text("AWS_ACCESS_KEY_ID"),
    "secret_key": text("AWS_SECRET_ACCESS_KEY"),
    "security_token": text("AWS_SESSION_TOKEN"),
}
STORAGES = {
    "default": kept_files(_bucket),
    "staticfiles": {"BACKEND": "playground.assets.HashedStorage"},
}
FILE_UPLOAD_PERMISSIONS = 0o600
MAX_REQUEST_BYTES = int(number("MAX_REQUEST_MB", 32, minimum=24)) * 1024 * 1024
MAX_IMAGE_BYTES = 10 * 1024 * 1024
MAX_PROMPT_CHARS = 2_000_000
# The longest prompt takes nine bytes a character on its way: the form says what is too long, not Django.
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * MAX_PROMPT_CHARS
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

if text("LOG_LEVEL", "INFO").upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
    raise ImproperlyConfigured("LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"redact": {"()": "playground.logs.Redact"}},
    "formatters": {
        "line": {"()": "playground.logs.Lines", "format": "%(levelname)s %(name)s %(message)s"},
        "json": {"()": "playground.logs.Json"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "filters": ["redact"],
            "formatter": "line" if EMBEDDED else "json",
        }
    },
    "root": {"handlers": ["stderr"], "level": text("LOG_LEVEL", "WARNING").upper()},
    "loggers": {
        "playground": {"level": text("LOG_LEVEL", "INFO").upper()},
        # httpx and httpcore write whole addresses at INFO, celery writes arguments, the database its values.
        **{name: {"level": "WARNING"} for name in ("httpx", "httpcore", "celery", "kombu", "asyncio")},
        # At DEBUG they write signatures.
        **{name: {"level": "WARNING"} for name in ("boto3", "botocore", "s3transfer", "urllib3")},
        "django.db.backends": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        "uvicorn.error": {"level": "WARNING"},
    },
}
