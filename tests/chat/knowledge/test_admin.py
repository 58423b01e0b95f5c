import pytest
from django.urls import reverse

from chat.models import BlockRule, MemoryRevision

ADD = reverse("admin:chat_blockrule_add")


def add(staff, pattern, kind="word"):
    return staff.post(ADD, {"kind": kind, "pattern": pattern, "active": "on", "note": ""}, follow=True)


@pytest.mark.parametrize(("kind", "pattern"), [("word", "바보"), ("word", "!?"), ("pattern", r"\d{6}-\d{7}")])
def test_a_rule_is_saved_and_every_process_hears_of_it(staff, kind, pattern):
    before = MemoryRevision.current()
    add(staff, pattern, kind)
    assert BlockRule.objects.get().pattern == pattern
    assert MemoryRevision.current() > before


@pytest.mark.parametrize(
    ("kind", "pattern", "problem"),
    [
        ("pattern", "(", "정규식을 읽지 못했어요"),
        ("pattern", "a*", "모든 말을 막아요"),
        ("word", "\u200b", "비어 있어요"),
    ],
)
def test_a_rule_that_would_not_work_is_refused(staff, kind, pattern, problem):
    assert problem in add(staff, pattern, kind).content.decode()
    assert not BlockRule.objects.exists()


def test_deleting_in_bulk_is_heard_of(staff):
    rule = BlockRule.objects.create(pattern="바보")
    before = MemoryRevision.current()
    address = reverse("admin:chat_blockrule_changelist")
    staff.post(address, {"action": "delete_selected", "_selected_action": [rule.pk], "post": "yes"})
    assert not BlockRule.objects.exists()
    assert MemoryRevision.current() > before


@pytest.mark.parametrize("language", ["ko", "en"])
def test_pages_are_in_one_language(staff, language):
    BlockRule.objects.create(pattern="silly")
    staff.cookies["django_language"] = language
    for address in (ADD, reverse("admin:chat_blockrule_changelist")):
        text = staff.get(address).content.decode().replace("한국어", "")
        assert any("가" <= character <= "힣" for character in text) is (language == "ko")
