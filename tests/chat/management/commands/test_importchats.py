import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from chat import imports, services
from chat.models import Category, Chat

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(tmp_path, capsys):
    """Write a file, import it, and return what was printed."""

    def run(text, *arguments, encoding="utf-8"):
        file = tmp_path / "pairs.csv"
        file.write_text(text, encoding=encoding)
        call_command("importchats", str(file), *arguments, verbosity=0)
        return capsys.readouterr()

    return run


def test_pairs_are_pending_without_verify(run):
    assert "2 pairs imported as pending" in run("Q,A,label\n안녕,응,0\n잘 가,응,1\n").out
    assert set(Chat.objects.values_list("verify", "origin")) == {("pending", "import")}
    assert set(Category.objects.values_list("name", flat=True)) == {"0", "1"}


def test_pairs_are_approved_with_verify(run):
    run("Q,A\n안녕,응\n", "--verify")
    chat = Chat.objects.get()
    assert (chat.verify, chat.question, chat.answer) == ("approved", "안녕", "응")
    assert chat.reviewed_at and chat.answered_at


def test_second_run_adds_nothing(run):
    text = "Q,A\n안녕,응\n안녕,응\n잘 가,또 봐요\n"
    assert "1 duplicates skipped" in run(text, "--verify").out
    out = run(text, "--verify").out
    assert "0 pairs imported" in out
    assert "3 duplicates skipped" in out
    assert Chat.objects.count() == 2


def test_second_run_with_verify_approves_what_was_pending(run):
    run("Q,A\n안녕,응\n")
    assert "1 pairs that were stored already are approved now" in run("Q,A\n안녕,응\n", "--verify").out
    assert Chat.objects.get().verify == "approved"


def test_bad_lines_are_named_and_the_others_imported(run):
    printed = run("Q,A\n안녕,응\n혼자\n,응\n끝,응\n")
    assert "line 3: 1 columns" in printed.err
    assert "line 4: the question is empty" in printed.err
    assert "2 pairs imported" in printed.out
    assert "2 bad lines left out" in printed.out


def test_very_many_bad_lines_are_counted_not_listed(run):
    printed = run("Q,A\n" + "혼자\n" * 80)
    assert printed.err.count("columns where") == 50
    assert "30 more bad lines" in printed.err


def test_tsv_in_korean_excels_encoding(run):
    run("질문\t답변\n안녕, 자람\t응\n", encoding="cp949")
    assert Chat.objects.get().question == "안녕, 자람"


def test_labels_can_be_named(run):
    run("Q,A,label\n안녕,응,0\n", "--label", "0=일상")
    assert Chat.objects.get().category.name == "일상"


def test_bad_header_imports_nothing(run):
    with pytest.raises(CommandError, match="--question-column"):
        run("x,y\n안녕,응\n")
    assert not Chat.objects.exists()


def test_columns_can_be_named(run):
    run("x,y\n안녕,응\n", "--question-column=x", "--answer-column=y")
    assert Chat.objects.get().answer == "응"


def test_missing_file_is_a_clear_error(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("importchats", str(tmp_path / "none.csv"))


def test_broken_off_import_can_be_run_again(run, monkeypatch):
    add_pairs, batches = services.add_pairs, []

    def full_disk(**batch):
        batches.append(batch)
        if len(batches) == 2:
            raise OperationalError("database or disk is full")
        return add_pairs(**batch)

    monkeypatch.setattr(imports, "BATCH_SIZE", 2)
    monkeypatch.setattr(services, "add_pairs", full_disk)
    text = "Q,A\n" + "".join(f"질문{number},응\n" for number in range(5))
    with pytest.raises(CommandError, match="disk is full; what was stored so far is kept"):
        run(text)
    assert Chat.objects.count() == 2
    assert "3 pairs imported" in run(text).out
    assert Chat.objects.count() == 5


def test_progress_is_shown(tmp_path, capfd):
    file = tmp_path / "pairs.csv"
    file.write_text("Q,A\n" + "".join(f"질문{number},응\n" for number in range(600)))
    call_command("importchats", str(file))
    assert "100%" in capfd.readouterr().err
