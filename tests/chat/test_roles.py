"""Who may do what: the groups that a migration makes."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db import connection

from chat.models import SetupStep
from chat.roles import ADMIN, EDITOR, PERMISSIONS, REVIEWER

pytestmark = pytest.mark.django_db

migration = import_module("chat.migrations.0006_roles")


class SchemaEditor:
    connection = connection


@pytest.fixture
def staff(django_user_model):
    return django_user_model.objects.create_user("kim", is_staff=True)


def migrate():
    migration.make_roles(apps, SchemaEditor)


def test_every_permission_of_a_role_is_one():
    for by_app in PERMISSIONS.values():
        for label, codenames in by_app.items():
            known = Permission.objects.filter(content_type__app_label=label).values_list("codename", flat=True)
            assert codenames <= set(known)


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        (REVIEWER, ["chat.change_chat", "chat.view_decision"], ["chat.publish_model", "chat.drop_visitor"]),
        (EDITOR, ["chat.change_chat", "chat.publish_model", "chat.start_training"], ["auth.view_user"]),
        (ADMIN, ["chat.publish_model", "chat.drop_visitor", "auth.change_user"], []),
    ],
)
def test_a_role_may_do_its_part_and_no_more(staff, role, may, may_not):
    migrate()
    staff.groups.add(Group.objects.get(name=role))
    assert staff.has_perms(may)
    assert not any(staff.has_perm(permission) for permission in may_not)


def test_reviewers_of_before_who_could_publish_are_editors(staff):
    Group.objects.all().delete()
    staff.groups.add(Group.objects.create(name=REVIEWER))
    migrate()
    assert staff.has_perm("chat.publish_model")
    assert set(staff.groups.values_list("name", flat=True)) == {REVIEWER, EDITOR}


def test_what_was_taken_from_reviewers_stays_so(staff):
    Group.objects.all().delete()
    staff.groups.add(Group.objects.create(name=REVIEWER))
    SetupStep.objects.create(name="training permissions")
    migrate()
    assert staff.has_perm("chat.change_chat")
    assert not staff.has_perm("chat.publish_model")
