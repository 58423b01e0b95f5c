"""Django settings of Jaram: what differs between installations comes from environment variables."""

import os
from pathlib import Path
from typing import Any

import dj_database_url
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from chatbot import environment

BASE_DIR = Path(__file__).resolve().parent.parent

# --- What an installation decides ---------------------------------------------------------------------------

DEBUG = environment.flag("DEBUG")
# True when visitors come by https (Jaram itself then stands behind a proxy that ends TLS).
HTTPS = environment.flag("HTTPS")
DATA_DIR: Path = environment.folder("DATA_DIR", default=BASE_DIR / "data")
# A model/ directory that overrides DATA_DIR/current; None follows what makedata publishes.
OUT_DIR: Path | None = environment.folder("OUT_DIR")
# What splits Korean into morphemes: konlpy, or mecab, which does without KoNLPy and its GPL.
ANALYSER = environment.word("ANALYSER", default="konlpy")
# Who answers: hybrid (memory, then the engine), neural (the engine alone) or memory (alone).
REPLY_MODE = environment.word("REPLY_MODE", default="hybrid")
# Answers that one visitor may suggest in a day; further ones are refused politely.
SUGGESTIONS_PER_DAY = int(environment.number("SUGGESTIONS_PER_DAY", default=20.0, above=-1.0))
# An answer is learned only when a second reviewer has approved it too.
SECOND_APPROVAL = environment.flag("SECOND_APPROVAL")
# Seconds a visitor waits for an answer before an error frame.
REPLY_TIMEOUT: float = environment.number("REPLY_TIMEOUT", default=20.0)
# Threads that save and read for the websockets, each with its own database connection.
DATABASE_THREADS = int(environment.number("DATABASE_THREADS", default=8.0, above=0.99))
# Most threads of a training; 0 lets it use every core.
TRAINING_THREADS = int(environment.number("TRAINING_THREADS", default=0.0, above=-1.0))
# How far a training steps back behind the server: idle, low or normal.
TRAINING_PRIORITY = environment.word("TRAINING_PRIORITY", default="idle")
# When the trainer trains unasked: at a time of day, every so many hours, after so many approvals; by default never.
TRAIN_AT = environment.word("TRAIN_AT", default="")
TRAIN_EVERY_HOURS: float = environment.number("TRAIN_EVERY_HOURS", default=0.0, above=-1.0)
TRAIN_AFTER_APPROVALS = int(environment.number("TRAIN_AFTER_APPROVALS", default=0.0, above=-1.0))
# What a new model must clear to go live: the least share of the corrections learned, the most of the earlier answers
# lost.
GATE_MIN_LEARNED: float = environment.share("GATE_MIN_LEARNED", default=0.95)
GATE_MAX_LOST: float = environment.share("GATE_MAX_LOST", default=0.01)
# The model is loaded when the server starts; without it, with the first question.
WARM_UP = environment.flag("WARM_UP", default=True)

SECRET_KEY = environment.secret_key(DATA_DIR / "secret_key")
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", default="localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS")
REDIS_URL = environment.words("REDIS_URL")

# --- Applications -------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    *(["daphne"] if DEBUG else []),  # gives manage.py runserver websockets; it must come first
    "unfold",  # before the admin: it replaces the admin's templates
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "import_export",
    "chat",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "chatbot.content_security.content_security_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "chatbot.urls"
ASGI_APPLICATION = "chatbot.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Storage ------------------------------------------------------------------------------------------------

# IMMEDIATE takes the write lock when a transaction begins: a deferred one that turns into a writer half-way
# fails at once, however long the busy timeout is. FULL, because WAL alone may lose the last commits when the
# power goes.
SQLITE_OPTIONS: dict[str, Any] = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}

if os.environ.get("DATABASE_URL"):
    DATABASES: dict[str, Any] = {"default": dj_database_url.config()}
else:
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA_DIR / "db.sqlite3"}}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS | DATABASES["default"].get("OPTIONS", {})
# A connection that is kept is tried before it is used again: the database may have been restarted meanwhile.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

if REDIS_URL:
    CHANNEL_LAYERS: dict[str, Any] = {
        "default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": REDIS_URL}}
    }
    CACHES: dict[str, Any] = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "chatbot.static_storage.HashedStaticFiles"
    },
}

# --- Languages and time -------------------------------------------------------------------------------------

# The source strings are Korean; locale/en holds the English ones, locale/ko what the admin theme leaves in
# English.
LANGUAGE_CODE = "ko"
LANGUAGES = [("ko", "한국어"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
FORMAT_MODULE_PATH = "chatbot.formats"
TIME_ZONE = "Asia/Seoul"
USE_TZ = True

# --- Safety -------------------------------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600

if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    LANGUAGE_COOKIE_SECURE = True

# Confirming a bulk deletion in the admin posts one field for each row; Django's default allows 1,000.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

# --- Logging ------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        "chat": {"level": "INFO"},
        "core": {"level": "INFO"},
    },
}

# --- Admin --------------------------------------------------------------------------------------------------

IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "add"
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "view"
IMPORT_EXPORT_ESCAPE_ILLEGAL_CHARS_ON_EXPORT = True

UNFOLD = {
    "SITE_TITLE": _("자람 관리"),
    "SITE_HEADER": _("자람 관리"),
    "SITE_SUBHEADER": _("다듬은 만큼 자라요"),
    "SITE_SYMBOL": "psychiatry",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("chat/favicon.svg")},
    ],
    "SHOW_LANGUAGES": True,
    "SHOW_VIEW_ON_SITE": True,
    "COLORS": {
        "primary": {
            "50": "oklch(98.2% .018 155.8)",
            "100": "oklch(96.2% .044 156.7)",
            "200": "oklch(92.5% .084 156)",
            "300": "oklch(87.1% .15 154.4)",
            "400": "oklch(79.2% .209 151.7)",
            "500": "oklch(62.7% .17 149.2)",
            "600": "oklch(52.2% .154 150.1)",
            "700": "oklch(44.8% .119 151.3)",
            "800": "oklch(39.3% .095 152.5)",
            "900": "oklch(33.3% .075 152.6)",
            "950": "oklch(26.6% .065 152.9)",
        }
    },
    "SIDEBAR": {
        "show_search": False,
        "navigation": [
            {
                "title": _("배움"),
                "items": [
                    {
                        "title": _("검토함"),
                        "icon": "inbox",
                        "link": reverse_lazy("inbox:index"),
                        "permission": "chat.inbox.views.may_review",
                    },
                    {
                        "title": pgettext_lazy("plural", "대화"),
                        "icon": "forum",
                        "link": reverse_lazy("admin:chat_chat_changelist"),
                        "permission": "chat.admin.may_view_chats",
                    },
                    {
                        "title": pgettext_lazy("plural", "분류"),
                        "icon": "sell",
                        "link": reverse_lazy("admin:chat_category_changelist"),
                        "permission": "chat.admin.may_view_categories",
                    },
                    {
                        "title": pgettext_lazy("plural", "의견"),
                        "icon": "thumbs_up_down",
                        "link": reverse_lazy("admin:chat_feedback_changelist"),
                        "permission": "chat.feedback.admin.may_view_feedback",
                    },
                    {
                        "title": pgettext_lazy("plural", "방문자"),
                        "icon": "group",
                        "link": reverse_lazy("admin:chat_visitor_changelist"),
                        "permission": "chat.feedback.admin.may_view_visitors",
                    },
                    {
                        "title": pgettext_lazy("plural", "막는 말"),
                        "icon": "block",
                        "link": reverse_lazy("admin:chat_blockrule_changelist"),
                        "permission": "chat.knowledge.admin.may_view_rules",
                    },
                    {
                        "title": pgettext_lazy("plural", "모델"),
                        "icon": "model_training",
                        "link": reverse_lazy("versions:index"),
                        "permission": "chat.versions.views.may_view_versions",
                    },
                    {
                        "title": pgettext_lazy("plural", "학습"),
                        "icon": "school",
                        "link": reverse_lazy("training:index"),
                        "permission": "chat.training.views.may_view_trainings",
                    },
                ],
            },
            {
                "title": _("계정"),
                "separator": True,
                "items": [
                    {
                        "title": _("사용자"),
                        "icon": "person",
                        "link": reverse_lazy("admin:auth_user_changelist"),
                        "permission": "chat.admin.may_view_users",
                    },
                    {
                        "title": _("그룹"),
                        "icon": "groups",
                        "link": reverse_lazy("admin:auth_group_changelist"),
                        "permission": "chat.admin.may_view_groups",
                    },
                ],
            },
        ],
    },
}
