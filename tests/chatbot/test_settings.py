"""Settings are read when the process starts, so each case starts one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatbot import environment

pytestmark = pytest.mark.slow  # settings are read once a process, so every test here starts one

ROOT = Path(__file__).resolve().parents[2]


def start(code, data_dir, **variables):
    clean = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=clean | {"DJANGO_SETTINGS_MODULE": "chatbot.settings", "DATA_DIR": str(data_dir)} | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def value_of(expression, data_dir, **variables):
    done = start(f"from django.conf import settings; print(({expression}))", data_dir, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_defaults_are_safe(tmp_path):
    assert value_of("settings.DEBUG, settings.ALLOWED_HOSTS, settings.LANGUAGE_CODE", tmp_path) == (
        "(False, ['localhost', '127.0.0.1', '[::1]'], 'ko')"
    )


def test_the_analyser_is_a_setting(tmp_path):
    assert value_of("settings.ANALYSER", tmp_path) == "konlpy"
    assert value_of("settings.ANALYSER", tmp_path, ANALYSER=" mecab ") == "mecab"


def test_sqlite_is_opened_so_that_no_write_is_lost(tmp_path):
    code = (
        "import django; django.setup()\n"
        "from django.db import connection\n"
        "cursor = connection.cursor()\n"
        "for pragma in ('journal_mode', 'synchronous', 'busy_timeout', 'foreign_keys'):\n"
        "    print(*cursor.execute(f'PRAGMA {pragma}').fetchone())\n"
        "print(connection.transaction_mode)"
    )
    for variables in ({}, {"DATABASE_URL": f"sqlite:///{tmp_path}/other.sqlite3"}):
        assert start(code, tmp_path, **variables).stdout.split() == ["wal", "2", "20000", "1", "IMMEDIATE"]
    assert (tmp_path / "db.sqlite3").exists()
    assert (tmp_path / "other.sqlite3").exists()


def test_https_makes_cookies_secure(tmp_path):
    names = "settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE, settings.SECURE_HSTS_SECONDS > 0"
    assert value_of(names, tmp_path, HTTPS="1") == "(True, True, True)"
    assert value_of(names, tmp_path) == "(False, False, False)"


def test_redis_takes_channels_and_cache(tmp_path):
    names = "settings.CHANNEL_LAYERS['default']['BACKEND'], settings.CACHES['default']['BACKEND']"
    assert value_of(names, tmp_path, REDIS_URL="redis://localhost/0") == (
        "('channels_redis.core.RedisChannelLayer', 'django.core.cache.backends.redis.RedisCache')"
    )
    assert "InMemory" in value_of(names, tmp_path)


def test_deployment_check_finds_nothing_behind_https(tmp_path):
    done = start(
        "from django.core.management import execute_from_command_line as run\n"
        "run(['manage.py', 'check', '--deploy', '--fail-level', 'WARNING'])",
        tmp_path,
        HTTPS="1",
        SECRET_KEY="k" * 40 + "0123456789abcdefghij",
    )
    known = ("security.W005", "security.W021")  # whether subdomains and browsers' preload lists join in is the site's
    findings = [line for line in done.stderr.splitlines() if line.startswith("?:")]
    assert [line for line in findings if not any(code in line for code in known)] == []


def test_commands_and_pages_never_import_tensorflow(tmp_path):
    done = start(
        "import sys\n"
        "from django.core.management import execute_from_command_line as run\n"
        "run(['manage.py', 'check'])\n"
        "run(['manage.py', 'migrate', '--verbosity=0'])\n"
        "run(['manage.py', 'setup'])\n"
        "from chatbot.routing import build_application\n"
        "build_application()\n"
        "from django.test import Client\n"
        "assert Client().get('/admin/login/').status_code == 200\n"
        "assert Client().get('/healthz').status_code == 200\n"
        "assert not {'tensorflow', 'keras', 'konlpy'} & set(sys.modules), 'imported'",
        tmp_path,
        SECRET_KEY="x",
        ALLOWED_HOSTS="testserver",
    )
    assert done.returncode == 0, done.stderr


def test_server_without_a_secret_key_does_not_start(tmp_path):
    done = start("import chatbot.asgi", tmp_path)
    assert done.returncode != 0
    assert "SECRET_KEY" in done.stderr


class TestEnvironment:
    @pytest.mark.parametrize(("text", "value"), [("1", True), ("Yes", True), ("0", False), ("off", False), ("", False)])
    def test_flag(self, monkeypatch, text, value):
        monkeypatch.setenv("SOME", text)
        assert environment.flag("SOME", default=not value) is value

    def test_flag_that_is_none_is_refused(self, monkeypatch):
        monkeypatch.setenv("SOME", "maybe")
        with pytest.raises(ImproperlyConfigured, match="SOME='maybe'"):
            environment.flag("SOME")

    @pytest.mark.parametrize("text", ["x", "0", "-1", "nan", "inf"])
    def test_number_that_is_none_is_refused(self, monkeypatch, text):
        monkeypatch.setenv("SOME", text)
        with pytest.raises(ImproperlyConfigured):
            environment.number("SOME", default=1.0)

    @pytest.mark.parametrize(("text", "value"), [("0", 0.0), ("1", 1.0), ("0.005", 0.005), (" ", 0.95)])
    def test_share(self, monkeypatch, text, value):
        monkeypatch.setenv("SOME", text)
        assert environment.share("SOME", default=0.95) == value

    @pytest.mark.parametrize("text", ["95", "-0.1", "nan", "95%"])
    def test_share_that_is_none_is_refused(self, monkeypatch, text):
        monkeypatch.setenv("SOME", text)
        with pytest.raises(ImproperlyConfigured, match="SOME="):
            environment.share("SOME", default=0.95)

    def test_words(self, monkeypatch):
        monkeypatch.setenv("SOME", " a, ,b,")
        assert environment.words("SOME") == ["a", "b"]

    def test_secret_key_comes_from_the_environment_first(self, monkeypatch, tmp_path):
        path = tmp_path / "secret_key"
        path.write_text("file\n")
        path.chmod(0o600)
        monkeypatch.delenv("SECRET_KEY", raising=False)
        assert environment.secret_key(path) == "file"
        monkeypatch.setenv("SECRET_KEY", "variable")
        assert environment.secret_key(path) == "variable"

    def test_secret_key_others_may_read_is_refused(self, monkeypatch, tmp_path):
        monkeypatch.delenv("SECRET_KEY", raising=False)
        path = tmp_path / "secret_key"
        path.write_text("file\n")
        path.chmod(0o644)
        with pytest.raises(ImproperlyConfigured, match="chmod 600"):
            environment.secret_key(path)
