"""What people see where there is nothing to see: in Korean and English, under a strict policy."""

import pytest
from django.template.loader import render_to_string


def test_an_address_that_is_none_is_told_in_both_languages(client, db):
    response = client.get("/nowhere/")
    text = response.content.decode()
    assert response.status_code == 404
    assert "찾는 화면이 없어요" in text and "There is no such page." in text and 'href="/"' in text


def test_who_may_not_see_a_page_is_told_whom_to_ask(client, django_user_model, db):
    client.force_login(django_user_model.objects.create_user("kim", is_staff=True))
    response = client.get("/admin/models/")
    assert response.status_code == 403
    assert "관리자에게 말해 주세요." in response.content.decode()


@pytest.mark.parametrize("name", ["403", "404", "500"])
def test_no_page_needs_a_context_or_runs_what_the_policy_refuses(name):
    text = render_to_string(f"{name}.html")
    assert 'rel="stylesheet"' in text
    assert "<style" not in text and "<script" not in text
