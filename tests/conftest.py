"""What every Django test needs: a database of its own in a file, and no secret key or data of an installation."""

import gc
import os
from pathlib import Path

# As bin/serve has it, and before anything imports NumPy or TensorFlow.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # as core.nmt has it, which tests load after TensorFlow

import pytest
from django.conf import settings as django_settings


def pytest_configure():
    # No test cuts the power: what a process has written another one sees, wherever it lies. The disk takes its time.
    os.fsync = lambda descriptor: None
    if not django_settings.configured:
        return
    django_settings.SECRET_KEY = "for-the-tests-alone"
    django_settings.WARM_UP = False
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick is enough here
    django_settings.WHITENOISE_AUTOREFRESH = True  # no walk through STATIC_ROOT for every client made
    django_settings.STORAGES = django_settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    # A test that does not say otherwise must not find the data of the checkout it runs in.
    django_settings.DATA_DIR = Path("/nonexistent/jaram-tests")


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    # What is imported stays to the end: the collector need not walk through all of TensorFlow again and again.
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory):
    # A file, as in an installation: threads of a server share no SQLite database that lives in memory.
    from django.db import connection

    if connection.vendor == "sqlite":
        path = tmp_path_factory.mktemp("database") / "test.sqlite3"
        connection.settings_dict["TEST"]["NAME"] = str(path)
        options = connection.settings_dict["OPTIONS"]
        options["init_command"] = options["init_command"].replace("synchronous=FULL", "synchronous=OFF")
