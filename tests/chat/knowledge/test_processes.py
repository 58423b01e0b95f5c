"""An approval in this process, and two others that answer."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection
from django.urls import reverse

from chat.models import Visitor

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).parents[3]


@pytest.fixture
def processes():
    """Start two processes on the tests' database, each of which has read what there is."""
    if connection.vendor != "sqlite":
        pytest.skip("the processes are started on a file")
    database = str(connection.settings_dict["NAME"])
    started = [
        subprocess.Popen(
            [sys.executable, Path(__file__).with_name("knowing_process.py"), database],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT), "SECRET_KEY": "for-a-test", "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        for _ in range(2)
    ]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    yield started
    for process in started:
        process.communicate(timeout=20)  # its input ends, and so does it


def ask(process, question):
    process.stdin.write(f"{question}\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def test_what_is_decided_in_the_admin_is_known_to_other_processes_within_a_second(client, boss, make_chat, processes):
    chat = make_chat("이름이 뭐야?", "몰라요", session="v")
    visitor = Visitor.objects.create(key="v")
    client.force_login(boss)
    assert [ask(process, "이름이 뭐야?") for process in processes] == ["", ""]

    def save(**changed):
        form = {"correction": "", "verify": "pending", "category": ""} | changed
        assert client.post(reverse("admin:chat_chat_change", args=[chat.pk]), form).status_code == 302

    save(verify="approved", correction="자람이에요")
    begun = time.monotonic()
    assert [ask(process, "이름이뭐야ㅋㅋ") for process in processes] == ["자람이에요"] * 2
    assert time.monotonic() - begun < 1.0
    chosen = {"_selected_action": [visitor.pk]}
    for action, known in (("drop_all", ""), ("restore_all", "자람이에요")):
        client.post(reverse("admin:chat_visitor_changelist"), {"action": action} | chosen)
        assert [ask(process, "이름이 뭐야?") for process in processes] == [known] * 2
    save(verify="delete", correction="자람이에요")
    assert [ask(process, "이름이 뭐야?") for process in processes] == ["", ""]
