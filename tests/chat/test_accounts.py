"""Accounts and groups in the admin: given by ticking, said in words, and no way up for who is no superuser."""

import re

import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse

from chat.accounts import known_permissions
from chat.roles import ADMIN, PERMISSIONS, REVIEWER

pytestmark = pytest.mark.django_db

PASSWORD = "오래 걸어도 좋은 길"


def change(user):
    return reverse("admin:auth_user_change", args=[user.pk])


@pytest.fixture
def administrator(client, django_user_model):
    """Logged in, with the group that may change accounts."""
    user = django_user_model.objects.create_user("sora", is_staff=True)
    user.groups.add(Group.objects.get(name=ADMIN))
    client.force_login(user)
    return client


@pytest.fixture
def boss(django_user_model):
    return django_user_model.objects.create_superuser("boss")


def fields(user, **changes):
    return {"username": user.username, "last_name": "", "first_name": "", "email": "", "is_active": "on"} | changes


def test_a_new_account_gets_its_group_at_once(administrator, client):
    group = Group.objects.get(name=REVIEWER)
    form = {"username": "minji", "password1": PASSWORD, "password2": PASSWORD, "is_staff": "on", "groups": [group.pk]}
    administrator.post(reverse("admin:auth_user_add"), form)
    assert list(User.objects.get(username="minji").groups.all()) == [group]
    assert client.login(username="minji", password=PASSWORD)
    assert client.get(reverse("admin:chat_chat_changelist")).status_code == 200


def test_the_list_says_who_has_which_group(administrator, boss, django_assert_max_num_queries):
    for number in range(20):
        User.objects.create_user(f"kim{number}").groups.add(Group.objects.get(name=REVIEWER))
    with django_assert_max_num_queries(20):
        page = administrator.get(reverse("admin:auth_user_changelist")).content.decode()
    assert page.count(REVIEWER) >= 20 and "모든 권한" in page


def test_who_is_no_superuser_makes_none(administrator):
    user = User.objects.create_user("kim", is_staff=True)
    assert "is_superuser" not in administrator.get(change(user)).content.decode()
    administrator.post(change(user), fields(user, is_staff="on", is_superuser="on", first_name="민지"))
    user.refresh_from_db()
    assert (user.first_name, user.is_superuser) == ("민지", False)


def test_who_is_no_superuser_takes_over_none(administrator, boss):
    administrator.post(change(boss), fields(boss, email="mine@example.com"))
    password = reverse("admin:auth_user_password_change", args=[boss.pk])
    refused = administrator.post(password, {"password1": PASSWORD, "password2": PASSWORD})
    assert refused.status_code == 403
    deleted = administrator.post(reverse("admin:auth_user_delete", args=[boss.pk]), {"post": "yes"})
    assert deleted.status_code == 403
    boss.refresh_from_db()
    assert boss.email == "" and not boss.has_usable_password()


def test_several_superusers_are_not_deleted_by_who_is_none(administrator, boss):
    chosen = {"action": "delete_selected", "_selected_action": [boss.pk], "post": "yes"}
    administrator.post(reverse("admin:auth_user_changelist"), chosen)
    assert User.objects.filter(pk=boss.pk).exists()


def test_a_superuser_may_make_another(client, boss):
    client.force_login(boss)
    user = User.objects.create_user("kim", is_staff=True)
    client.post(change(user), fields(user, is_staff="on", is_superuser="on"))
    user.refresh_from_db()
    assert user.is_superuser


def test_what_a_group_may_do_is_said_in_korean_and_kept(administrator):
    group = Group.objects.get(name=REVIEWER)
    before = set(group.permissions.values_list("pk", flat=True))
    address = reverse("admin:auth_group_change", args=[group.pk])
    page = administrator.get(address).content.decode()
    assert "대화: 고치기" in page and "학습: 시작하고 취소하기" in page
    assert not re.search(r"Can (view|add|change|delete)", page)
    administrator.post(address, {"name": group.name, "permissions": sorted(before)})
    assert set(group.permissions.values_list("pk", flat=True)) == before


def test_every_permission_of_a_role_can_be_ticked():
    offered = {(one.content_type.app_label, one.codename) for one in known_permissions()}
    for by_app in PERMISSIONS.values():
        assert {(label, codename) for label, codenames in by_app.items() for codename in codenames} <= offered
