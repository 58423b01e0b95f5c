"""Fakes and makers for the tests of the app."""

import asyncio
from dataclasses import dataclass, field
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.db.models.signals import post_migrate

from chat import responder
from chat.models import Chat
from core.registry import Manifest, Registry
from core.reply import Reply


@dataclass
class FakeResponder:
    """Answers ``replies[question]`` or "answer to <question>" after ``delays[question]`` seconds.

    It raises ``errors[question]``.
    """

    delays: dict = field(default_factory=dict)
    errors: dict = field(default_factory=dict)
    replies: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    avoided: list = field(default_factory=list)
    modes: list = field(default_factory=list)

    def reply(self, text, *, mode=None, avoid=""):
        self.asked.append(text)
        self.avoided.append(avoid)
        self.modes.append(mode)
        if text in self.errors:
            raise self.errors[text]
        if text in self.replies:
            return self.replies[text]
        return Reply(text=f"answer to {text}", source="neural", score=0.5, model="run-1")

    async def areply(self, text, *, mode=None, avoid=""):
        await asyncio.sleep(self.delays.get(text, 0))
        return self.reply(text, mode=mode, avoid=avoid)

    def close(self):
        pass


@pytest.fixture(scope="session", autouse=True)
def roles_outlive_a_flush():
    """A test that commits leaves an empty database: the groups that a migration made are made again for the next."""
    chat = apps.get_app_config("chat")
    migration = import_module("chat.migrations.0006_roles")

    def make_roles(**_):
        migration.make_roles(apps, SimpleNamespace(connection=connection))

    post_migrate.connect(make_roles, sender=chat)  # a flush tells of itself as a migration does
    yield
    post_migrate.disconnect(make_roles, sender=chat)


@pytest.fixture
def fake():
    """Put a fake responder in the real one's place."""
    fake = FakeResponder()
    before = responder.set_responder(fake)
    yield fake
    responder.set_responder(before)


@pytest.fixture
def data_dir(tmp_path, settings):
    """Give the test an empty data directory."""
    settings.DATA_DIR = tmp_path / "data"
    settings.STATIC_ROOT = settings.DATA_DIR / "static"
    settings.DATA_DIR.mkdir()
    return settings.DATA_DIR


@pytest.fixture
def publish_run(data_dir):
    """Make a model version that holds no real model, and make it live."""

    def publish():
        registry = Registry(data_dir)
        with registry.lock():
            draft = registry.new_run()
            draft.model_dir.mkdir()
            (draft.model_dir / "hparams.json").write_text("{}")
            run = registry.finish(draft, Manifest(run="", created_at="2026-01-01T00:00:00+00:00"))
        registry.publish(run)
        return run

    return publish


@pytest.fixture
def make_chat(db):
    """Make a row; without further arguments a conversation that was answered and is not reviewed."""
    from django.utils import timezone

    def make(question="안녕", answer="반가워요", **fields):
        if answer:
            fields.setdefault("answered_at", timezone.now())
        return Chat.objects.create(question=question, answer=answer, **fields)

    return make


@pytest.fixture
def boss(django_user_model, db):
    return django_user_model.objects.create_superuser("boss", password="boss")


@pytest.fixture
def staff(client, boss):
    """A browser in which somebody with every right is logged in to the Korean admin."""
    client.force_login(boss)
    client.cookies["django_language"] = "ko"
    return client
