from chat import checks


def ids(messages):
    return [message.id for message in messages]


def test_a_sound_installation_has_no_findings(settings, data_dir):
    settings.REDIS_URL, settings.OUT_DIR = [], None
    for check in (
        checks.check_data_dir,
        checks.check_out_dir,
        checks.check_analyser,
        checks.check_redis,
        checks.check_hosts,
        checks.check_secret_key,
    ):
        assert check() == []


def test_data_dir_that_is_a_file_is_found(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "file"
    settings.DATA_DIR.touch()
    assert ids(checks.check_data_dir()) == ["chat.E001"]


def test_out_dir_without_a_model_is_found(settings, tmp_path):
    settings.OUT_DIR = tmp_path
    assert ids(checks.check_out_dir()) == ["chat.E002"]
    (tmp_path / "hparams.json").touch()
    assert checks.check_out_dir() == []
    settings.OUT_DIR = tmp_path / "original"
    settings.OUT_DIR.mkdir()
    (settings.OUT_DIR / "hparams").touch()
    assert checks.check_out_dir() == []


def test_an_unknown_analyser_is_found(settings):
    settings.ANALYSER = "okt"
    (message,) = checks.check_analyser()
    assert message.id == "chat.E004"
    assert "konlpy, mecab" in message.hint


def test_redis_without_its_packages_is_found(settings, monkeypatch):
    settings.REDIS_URL = ["redis://localhost"]
    monkeypatch.setattr(checks.importlib.util, "find_spec", lambda name: None)
    (message,) = checks.check_redis()
    assert message.id == "chat.E003"
    assert "channels_redis and redis" in message.msg


def test_any_host_name_is_warned_of(settings):
    settings.ALLOWED_HOSTS = ["*"]
    assert ids(checks.check_hosts()) == ["chat.W001"]


def test_missing_secret_key_is_warned_of(settings):
    settings.SECRET_KEY = ""
    (message,) = checks.check_secret_key()
    assert message.id == "chat.W002"
    assert "manage.py setup" in message.hint


def test_a_schedule_or_a_priority_that_cannot_be_is_found(settings):
    assert checks.check_training() == []
    settings.TRAIN_AT, settings.TRAINING_PRIORITY = "25:00", "high"
    assert ids(checks.check_training()) == ["chat.E005", "chat.E006"]


def test_an_unknown_way_to_answer_is_found(settings):
    assert checks.check_reply_mode() == []
    settings.REPLY_MODE = "oracle"
    (message,) = checks.check_reply_mode()
    assert message.id == "chat.E007"
    assert "hybrid, neural, memory" in message.hint
