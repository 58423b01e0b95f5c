import stat

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import CommandError, call_command

from chat import installation
from chat.models import Chat
from chat.pairfiles import PairFileError

CORPUS = "question,answer,category\n안녕,반가워요,인사\n누구야?,자람이에요,소개\n"


@pytest.fixture(autouse=True)
def without_environment(monkeypatch):
    monkeypatch.delenv("SECRET_KEY", raising=False)


@pytest.fixture
def bundled(tmp_path, settings):
    """A checkout that bundles a starter corpus and no model."""
    settings.BASE_DIR = tmp_path / "checkout"
    folder = settings.BASE_DIR / "data" / "initial"
    folder.mkdir(parents=True)
    (folder / "corpus.csv").write_text(CORPUS, encoding="utf-8")
    return folder


@pytest.fixture
def quick_static(settings, tmp_path):
    folder = tmp_path / "assets"
    folder.mkdir()
    (folder / "page.css").write_text("body {}")
    settings.STATICFILES_DIRS = [folder]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    return folder


def set_up():
    said = []
    installation.set_up(said.append)
    return said


class TestSecretKey:
    def test_is_long_random_and_the_owners_alone(self, data_dir):
        path = installation.ensure_secret_key()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert len(path.read_text().strip()) >= 50
        assert [file.name for file in data_dir.iterdir()] == ["secret_key"]

    def test_is_made_once(self, data_dir):
        key = installation.ensure_secret_key().read_text()
        assert installation.ensure_secret_key() is None
        assert (data_dir / "secret_key").read_text() == key

    def test_two_starts_at_once_agree(self, data_dir, monkeypatch):
        path = data_dir / "secret_key"
        link = installation.os.link

        def other_is_first(source, target):
            path.write_text("the other's")
            link(source, target)

        monkeypatch.setattr(installation.os, "link", other_is_first)
        assert installation.ensure_secret_key() is None
        assert path.read_text() == "the other's"
        assert [file.name for file in data_dir.iterdir()] == ["secret_key"]

    def test_is_not_made_where_the_environment_has_one(self, data_dir, monkeypatch):
        monkeypatch.setenv("SECRET_KEY", "given")
        assert installation.ensure_secret_key() is None
        assert not (data_dir / "secret_key").exists()


@pytest.mark.django_db
class TestReviewer:
    def test_can_log_in_with_the_password_told(self):
        password = installation.ensure_reviewer()
        user = authenticate(username="reviewer", password=password)
        assert user.is_staff and not user.is_superuser
        assert len(password) >= 16
        assert user.has_perms(["chat.change_chat", "chat.add_chat", "chat.view_category"])
        assert not user.has_perm("auth.view_user")

    def test_is_made_once_even_when_deleted_later(self):
        installation.ensure_reviewer()
        get_user_model().objects.all().delete()
        assert installation.ensure_reviewer() is None
        assert not get_user_model().objects.exists()

    def test_may_train_and_publish(self):
        password = installation.ensure_reviewer()
        user = authenticate(username="reviewer", password=password)
        assert user.has_perms(["chat.view_trainingrun", "chat.start_training", "chat.publish_model"])

    def test_account_of_that_name_is_left_alone(self, django_user_model):
        user = django_user_model.objects.create_user("reviewer", password="mine")
        assert installation.ensure_reviewer() is None
        user.refresh_from_db()
        assert user.check_password("mine")
        assert not user.is_staff


@pytest.mark.django_db
class TestStarterCorpus:
    def test_comes_in_as_reviewed_rows(self, data_dir, bundled):
        installation.ensure_initial_files()
        assert installation.ensure_starter_corpus().new == 2
        chat = Chat.objects.get(question="안녕")
        assert (chat.answer, chat.verify, chat.origin, chat.category.name) == (
            "반가워요",
            "approved",
            "starter",
            "인사",
        )

    def test_what_reviewers_deleted_does_not_come_back(self, data_dir, bundled):
        installation.ensure_initial_files()
        installation.ensure_starter_corpus()
        Chat.objects.all().delete()
        assert installation.ensure_starter_corpus() is None
        assert not Chat.objects.exists()

    def test_damaged_file_is_no_done_step(self, data_dir, bundled):
        (bundled / "corpus.csv").write_text("x\n")
        installation.ensure_initial_files()
        with pytest.raises(PairFileError):
            installation.ensure_starter_corpus()
        (data_dir / "initial" / "corpus.csv").write_text(CORPUS, encoding="utf-8")
        assert installation.ensure_starter_corpus().new == 2


@pytest.mark.django_db
class TestModel:
    def test_live_model_is_left_alone(self, publish_run):
        publish_run()
        assert installation.ensure_model() is None

    def test_bundled_model_becomes_live(self, data_dir, bundled, publish_run):
        from core.registry import Registry

        run = publish_run()
        registry = Registry(data_dir)
        registry.bundle(run)
        registry.current_link.unlink()
        assert installation.ensure_model() == "initial"
        assert registry.current().name == "initial"

    def test_bundled_files_are_copied_into_a_data_directory_elsewhere(self, data_dir, bundled):
        installation.ensure_initial_files()
        assert (data_dir / "initial" / "corpus.csv").read_text(encoding="utf-8") == CORPUS
        assert [file.name for file in data_dir.iterdir()] == ["initial"]


class TestStaticFiles:
    def test_are_collected_when_something_changed_only(self, data_dir, quick_static):
        assert installation.ensure_static_files()
        assert (data_dir / "static" / "page.css").read_text() == "body {}"
        assert not installation.ensure_static_files()
        (quick_static / "page.css").write_text("body { margin: 0 }")
        assert installation.ensure_static_files()
        assert "margin" in (data_dir / "static" / "page.css").read_text()

    def test_collecting_that_was_broken_off_is_done_again(self, data_dir, quick_static, monkeypatch):
        def killed(*arguments, **options):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(installation, "call_command", killed)
            with pytest.raises(KeyboardInterrupt):
                installation.ensure_static_files()
        assert installation.ensure_static_files()


@pytest.mark.django_db
class TestSetUp:
    def test_second_time_there_is_nothing_to_do(self, data_dir, bundled, quick_static, publish_run):
        publish_run()
        first = "\n".join(set_up())
        for done in ("secret key", "2 pairs of the starter corpus", "reviewer account", "static files"):
            assert done in first
        assert set_up() == []

    def test_goes_on_without_a_model_and_says_so(self, data_dir, bundled, quick_static):
        said = "\n".join(set_up())
        assert "no model is live yet" in said
        assert "manage.py makedata" in said
        assert Chat.objects.count() == 2

    def test_what_cannot_be_done_is_a_clear_error(self, settings, tmp_path):
        (tmp_path / "file").touch()
        settings.DATA_DIR = tmp_path / "file"
        with pytest.raises(CommandError, match="setup could not finish"):
            call_command("setup")


def test_database_is_brought_up_to_date_when_it_is_not(db, monkeypatch):
    called = []
    monkeypatch.setattr(installation, "call_command", lambda *names, **options: called.append(names[0]))
    assert not installation.ensure_database()
    monkeypatch.setattr(installation.MigrationExecutor, "migration_plan", lambda *arguments: ["something"])
    assert installation.ensure_database()
    assert called == ["migrate"]
