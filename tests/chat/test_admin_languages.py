"""The admin speaks Korean and English, each whole."""

import pytest
from django.urls import reverse

from chat.roles import PERMISSIONS

PAGES = (
    "admin:index",
    "admin:chat_chat_changelist",
    "admin:chat_chat_add",
    "admin:chat_chat_import",
    "admin:chat_chat_export",
    "admin:chat_category_changelist",
    "admin:chat_category_add",
    "admin:auth_user_changelist",
    "admin:auth_group_changelist",
)


@pytest.mark.parametrize("address", PAGES)
def test_english_page_holds_no_korean(staff, address):
    staff.cookies["django_language"] = "en"
    text = staff.get(reverse(address)).content.decode()
    for name in ("한국어", *PERMISSIONS):
        text = text.replace(name, "")
    assert [line.strip() for line in text.splitlines() if any("가" <= c <= "힣" for c in line)] == []
    assert "Jaram admin" in text


@pytest.mark.parametrize("address", PAGES)
def test_korean_page_is_korean(staff, address):
    text = staff.get(reverse(address)).content.decode()
    assert "자람 관리" in text
    for english in ("Filters", "Search apps", "Type to search", "Select action", "Run the selected", "Apply"):
        assert english not in text


def test_login_is_in_both_languages(client, db):
    client.cookies["django_language"] = "en"
    assert "Jaram admin" in client.get(reverse("admin:login")).content.decode()
    client.cookies["django_language"] = "ko"
    assert "자람 관리" in client.get(reverse("admin:login")).content.decode()


def test_change_form_in_both_languages(staff, make_chat):
    chat = make_chat("hello", "hi", source="neural")
    assert "고친 답" in staff.get(reverse("admin:chat_chat_change", args=[chat.pk])).content.decode()
    staff.cookies["django_language"] = "en"
    text = staff.get(reverse("admin:chat_chat_change", args=[chat.pk])).content.decode().replace("한국어", "")
    assert "Correction" in text
    assert not any("가" <= c <= "힣" for c in text)
