"""What `bin/bench inbox` measures, on a few rows."""

import pytest
from benchmarks import inbox
from django.contrib.auth import get_user_model

from chat.inbox.groups import open_questions
from chat.models import Chat, Decision
from core.corpus import Pair

WORDS = ["오늘", "내일", "점심", "저녁", "뭐", "먹을까", "어디", "갈까", "누구", "만날까", "언제", "올래"]
PAIRS = [Pair(f"{one} {other}", f"{other} {one}") for one in WORDS for other in WORDS if one != other]


@pytest.mark.django_db
def test_every_act_is_timed_at_every_size(monkeypatch, capsys):
    monkeypatch.setattr(inbox, "_TURNS", 2)
    open_questions.cache_clear()
    lines = list(inbox._measure(inbox.Rows(PAIRS), (40, 60)))
    open_questions.cache_clear()
    assert [line[0] for line in lines] == ["40"] * 4 + ["60"] * 4
    assert all(float(slowest) >= float(median) > 0 and int(queries) > 0 for *_, median, slowest, queries in lines)
    assert Chat.objects.conversation().exclude(verify="approved").exists()
    assert set(Decision.objects.values_list("kind", flat=True)) >= {"correct", "reject"}
    assert get_user_model().objects.count() == 1
    assert "rows wait" in capsys.readouterr().out
