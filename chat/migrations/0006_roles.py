from django.apps import apps as installed
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from chat import roles


def make_roles(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the three groups. Reviewers of before could publish: whoever could is an editor from now on.

    Where there were reviewers before there were trainings, the next set-up would have let them.
    """
    using = schema_editor.connection.alias
    # Django makes permissions when all migrations are through, which is too late for giving them to somebody.
    for label in ("auth", "chat"):
        create_permissions(installed.get_app_config(label), verbosity=0, using=using, apps=apps)
    groups, permissions = apps.get_model("auth", "Group").objects, apps.get_model("auth", "Permission").objects
    reviewers = groups.filter(name=roles.REVIEWER)
    if apps.get_model("chat", "SetupStep").objects.filter(name="training permissions").exists():
        reviewers = reviewers.filter(permissions__codename="publish_model")
    publishers = [user for user in reviewers.values_list("user", flat=True) if user is not None]
    _reviewer, editor, _admin = (
        roles.make_role(name, groups=groups.using(using), permissions=permissions.using(using))
        for name in roles.PERMISSIONS
    )
    editor.user_set.add(*publishers)


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0005_review"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_roles, migrations.RunPython.noop)]
