"""One question to every version, from the page: answers, reasons, and no wait without end."""

import pytest
from django.urls import reverse

from chat.versions import asking
from core.reply import Reply, ReplyBusy, ReplyError, ReplyTimeout
from tests.chat.versions.conftest import FIRST, SECOND, THIRD

ASK, ANSWER = reverse("versions:ask"), reverse("versions:answer")


class FakeLineup:
    """Answers "<question> <version>", or raises ``errors[version]``."""

    def __init__(self, **errors):
        self.errors = errors
        self.asked = []

    def ask(self, version, text, *, timeout):
        self.asked.append(version)
        if error := self.errors.get(f"v{version[14]}"):
            raise error
        return Reply(f"{text} {version}", "neural", 0.5, version)


@pytest.fixture
def put_lineup():
    """Put a fake lineup in the real one's place."""
    before = asking.set_lineup(None)
    yield asking.set_lineup
    asking.set_lineup(before)


def ask(staff, version, question="안녕"):
    return staff.get(ANSWER, {"version": version, "q": question})


def test_a_version_answers(staff, versions, put_lineup):
    put_lineup(FakeLineup())
    assert ask(staff, FIRST).json() == {"text": f"안녕 {FIRST}", "source": "neural", "score": 0.5}


@pytest.mark.parametrize(
    ("error", "problem", "again"),
    [
        (ReplyTimeout("slow"), "아직 모델을 불러오고 있어요.", True),
        (ReplyBusy("busy"), "지금은 물어보는 사람이 많아요.", True),
        (ReplyError("its SHA-256 sum differs"), "이 버전에는 물어볼 수 없어요.", False),
    ],
)
def test_a_version_that_does_not_answer_says_why(staff, versions, put_lineup, error, problem, again):
    put_lineup(FakeLineup(v1=error))
    assert ask(staff, FIRST).json() == {"problem": problem, "detail": str(error), "again": again}


@pytest.mark.parametrize("question", ["", "   ", "가" * 2000])
def test_a_question_has_to_be_one(staff, versions, put_lineup, question):
    lineup = FakeLineup()
    put_lineup(lineup)
    assert ask(staff, FIRST, question).status_code == 400
    assert lineup.asked == []


def test_a_version_that_is_not_there_cannot_be_asked(staff, versions, put_lineup):
    assert ask(staff, "20200101-000000-abcd").status_code == 404


def test_the_page_asks_nobody_by_itself_and_keeps_the_question_text(staff, versions, put_lineup):
    lineup = FakeLineup()
    put_lineup(lineup)
    page = staff.get(ASK, {"q": '"><script>x</script>'}).content.decode()
    assert lineup.asked == []
    assert "<script>x" not in page
    assert all(f'data-version="{name}"' in page for name in (FIRST, SECOND, THIRD))


def test_without_scripts_the_page_asks_all_versions_that_can_be(staff, versions, put_lineup):
    (versions.models_dir / THIRD / "manifest.json").write_text("{")
    put_lineup(FakeLineup(v1=ReplyError("<b>no</b>")))
    page = staff.get(ASK, {"q": "<i>안녕</i>", "here": "1"}).content.decode()
    assert f"&lt;i&gt;안녕&lt;/i&gt; {SECOND}" in page
    assert "이 버전에는 물어볼 수 없어요." in page and "<b>no" not in page
    assert "파일이 손상되었거나" in page


def test_the_real_lineup_is_made_without_loading_a_model(data_dir, put_lineup):
    lineup = asking.get_lineup()
    assert lineup.kept == []
    assert asking.get_lineup() is lineup
    outcome = asking.ask("20200101-000000-abcd", "안녕", timeout=20)
    assert "no model version" in outcome.detail
    lineup.close()
