"""The page of the inbox, with scripts and without."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from chat.inbox import claims, groups
from chat.inbox.services import Kind
from chat.inbox.services import decide as decide_on
from chat.models import Chat, Claim, Decision, Visitor

pytestmark = pytest.mark.django_db

INDEX, UNDO, HISTORY = (reverse(f"inbox:{name}") for name in ("index", "undo", "history"))


@pytest.fixture(autouse=True)
def fresh_index(settings):
    settings.ANALYSER = "mecab"
    groups.open_questions.cache_clear()
    yield
    groups.open_questions.cache_clear()


@pytest.fixture
def staff(client, kim):
    client.force_login(kim)
    client.cookies["django_language"] = "ko"
    return client


@pytest.fixture
def script(staff):
    """The same browser as its script asks: for the part of the page that changes, which is much sooner made."""
    staff.defaults["HTTP_ACCEPT"] = "application/json"
    return staff


@pytest.fixture
def other(lee):
    """A second reviewer's browser."""
    from django.test import Client

    client = Client(headers={"Accept": "application/json"})
    client.force_login(lee)
    return client


def shown(response):
    return response.context["card"]


def decide(client, chat, **form):
    return client.post(reverse("inbox:decide", args=[chat.pk]), form)


def ask(client, address, **form):
    """As the script asks."""
    return client.post(address, form, headers={"Accept": "application/json"}).json()


class TestCard:
    def test_shows_the_question_in_its_conversation_with_what_helps(self, script, make_chat, complain):
        for number in range(5):
            make_chat(f"앞의 말 {number}", session="v")
        reviewed = make_chat("좋아하는 색은?", "초록이요", verify="approved", origin="hand")
        near = {"row": reviewed.pk, "question": "좋아하는 색은?", "answer": "초록이요", "similarity": 0.71}
        candidate = {"text": "빨강이요", "source": "neural", "score": 0.4}
        chat = make_chat(
            "무슨 색 좋아해?",
            "몰라요",
            session="v",
            source="neural",
            score=0.37,
            model_version="20260101-000000-abcd",
            nearest=[near],
            candidates=[candidate],
        )
        complain(chat, "하늘색이요")
        make_chat("뒤의 말", session="v")
        make_chat("남의 말", session="w")
        html = script.get(INDEX).json()["html"]
        for text in ("무슨 색 좋아해?", "앞의 말 4", "뒤의 말", "37", "20260101-000000-abcd", "좋아하는 색은?", "71%"):
            assert text in html
        for text in ("앞의 말 1", "남의 말"):
            assert text not in html
        assert re.findall(r'name="choice" value="([^"]+)" data-key="(\d)"', html) == [
            ("하늘색이요", "1"),
            ("빨강이요", "2"),
        ]
        assert reverse("admin:chat_chat_change", args=[reviewed.pk]) in html

    def test_suggestions_that_many_made_come_first_and_those_of_trusted_visitors_before_all(
        self, script, make_chat, complain
    ):
        said = [("a", "하나"), ("b", "둘"), ("c", "둘 "), ("d", "셋")]
        for visitor, suggestion in said:
            complain(make_chat("뭐 해?", session=visitor), suggestion)
        Visitor.objects.filter(key="d").update(trusted=True)
        assert [choice.text for choice in shown(script.get(INDEX)).choices] == ["셋", "둘", "하나"]

    def test_what_was_served_is_no_choice_and_there_are_five_at_most(self, script, make_chat):
        texts = ["나간 답", *(f"후보 {number}" for number in range(7))]
        candidates = [{"text": text, "source": "neural", "score": 0.1} for text in texts]
        make_chat("뭐 해?", "나간 답", candidates=candidates)
        choices = shown(script.get(INDEX)).choices
        assert [choice.text for choice in choices] == [f"후보 {number}" for number in range(5)]

    def test_of_what_is_hardly_ever_right_two_are_shown(self, script, make_chat):
        scores = [0.4, 0.05, 0.12, 0.04, 0.03]
        candidates = [{"text": f"후보 {score}", "source": "memory", "score": score} for score in scores]
        make_chat("뭐 해?", "나간 답", candidates=candidates)
        choices = [choice.text for choice in shown(script.get(INDEX)).choices]
        assert choices == ["후보 0.4", "후보 0.05", "후보 0.12", "후보 0.04"]

    def test_says_while_neighbours_may_be_missing(self, script, make_chat, monkeypatch):
        make_chat()
        assert 'id="gathering"' not in script.get(INDEX).json()["html"]
        monkeypatch.setattr(groups.OpenQuestions, "is_complete", False)
        assert "아직 모으고 있어요" in script.get(INDEX).json()["html"]

    def test_texts_are_shown_as_texts(self, script, make_chat, complain):
        complain(make_chat("<script>alert(1)</script>", "<b>응</b>", session="<i>"), "<u>아니</u>")
        html = script.get(INDEX).json()["html"]
        assert not any(text in html for text in ("<script>alert(1)", "<b>응</b>", "<u>아니</u>"))

    def test_says_when_nothing_is_left(self, script):
        assert "기다리는 질문이 없어요" in script.get(INDEX).json()["html"]
        assert "여기에는 남은 질문이 없어요" in script.get(INDEX, {"show": "unknown"}).json()["html"]

    def test_english_page_holds_no_korean(self, staff, make_chat, complain):
        staff.cookies["django_language"] = "en"
        complain(make_chat("what?", "no", score=0.1, session="v"), "yes")
        make_chat("what? ", "no")
        for response in (staff.get(INDEX), decide_on_first(staff), staff.get(HISTORY), staff.get(INDEX)):
            text = response.content.decode().replace("한국어", "")
            assert [line.strip() for line in text.splitlines() if any("가" <= c <= "힣" for c in line)] == []


def decide_on_first(staff):
    return decide(staff, shown(staff.get(INDEX)).chat, kind="approve")


def test_the_browser_finds_the_admins_icon(staff):
    assert re.search(r'<link rel="icon" href="/static/chat/favicon[^"]*\.svg"', staff.get(INDEX).content.decode())


class TestDeciding:
    @pytest.mark.parametrize(
        ("form", "verify", "correction"),
        [
            ({"kind": "approve", "answer": "반가워요"}, "approved", ""),
            ({"kind": "correct", "answer": "안녕하세요"}, "approved", "안녕하세요"),
            ({"answer": "안녕하세요"}, "approved", "안녕하세요"),
            ({"choice": "어서 와요", "answer": "반가워요"}, "approved", "어서 와요"),
            ({"kind": "reject", "answer": "반가워요"}, "delete", ""),
            ({"kind": "skip", "answer": "반가워요"}, "pending", ""),
        ],
    )
    def test_by_plain_forms(self, staff, make_chat, form, verify, correction):
        chat = make_chat()
        make_chat("다음 말")
        response = staff.post(reverse("inbox:decide", args=[chat.pk]) + "?show=", form)
        assert response.url == INDEX
        chat.refresh_from_db()
        assert (chat.verify, chat.correction) == (verify, correction)
        assert shown(staff.get(INDEX)).chat.question == "다음 말"

    def test_a_script_gets_the_next_row_and_words_to_read_aloud(self, staff, make_chat):
        chat = make_chat()
        make_chat("다음 말")
        answer = ask(staff, reverse("inbox:decide", args=[chat.pk]) + "?show=doubtful", kind="skip")
        assert (answer["level"], answer["address"]) == ("success", f"{INDEX}?show=doubtful")
        assert "건너뛰었어요" in answer["text"]
        assert "<html" not in answer["html"]
        assert "다음 말" in staff.get(INDEX, headers={"Accept": "application/json"}).json()["html"]

    def test_what_was_written_is_not_lost_by_approving(self, script, make_chat):
        chat = make_chat()
        response = decide(script, chat, kind="approve", answer="애써 쓴 답")
        assert "적어 둔 답이 있어요" in response.json()["text"]
        assert response.context["draft"] == "애써 쓴 답"
        chat.refresh_from_db()
        assert chat.verify == "pending"

    def test_one_decision_is_for_the_chosen_ones_alike(self, script, make_chat):
        chats = [make_chat(question, "응") for question in ("오늘 뭐 해?", "오늘뭐해ㅋㅋ", "오늘 뭐 해!!")]
        card = shown(script.get(INDEX))
        assert [other.pk for other in card.group] == [chat.pk for chat in chats[1:]]
        answer = decide(script, chats[0], kind="correct", answer="책을 읽어요", rows=[chats[2].pk]).json()
        assert "대화 2개를 한꺼번에 정했어요." in answer["text"]
        assert list(Chat.objects.order_by("pk").values_list("correction", flat=True)) == [
            "책을 읽어요",
            "",
            "책을 읽어요",
        ]

    def test_later_is_later_and_not_never(self, script, make_chat):
        for question in ("하나", "둘"):
            make_chat(question)
        seen = []
        for _ in range(3):
            chat = shown(script.get(INDEX)).chat
            seen.append(chat.question)
            script.post(reverse("inbox:pass", args=[chat.pk]))
        assert seen == ["하나", "둘", "하나"]

    def test_undo_shows_the_row_again(self, script, make_chat):
        chat = make_chat()
        make_chat("다음 말", source="fallback")
        decide(script, chat, kind="approve")
        answer = ask(script, UNDO)
        assert answer["text"] == "되돌렸어요: 승인"
        assert f'action="{reverse("inbox:decide", args=[chat.pk])}"' in answer["html"]
        assert "되돌릴 결정이 없어요" in ask(script, UNDO)["text"]

    def test_a_row_by_its_address(self, staff, other, make_chat):
        chat, decided = make_chat(), make_chat("끝", verify="approved")
        assert staff.get(reverse("inbox:show", args=[decided.pk])).url == reverse(
            "admin:chat_chat_change", args=[decided.pk]
        )
        assert shown(staff.get(reverse("inbox:show", args=[chat.pk]))).chat == chat
        assert "다른 검토자가 보고 있거나" in other.get(reverse("inbox:show", args=[chat.pk])).json()["text"]


class TestConflicts:
    @pytest.fixture
    def before(self, make_chat):
        return make_chat("이름이 뭐야?", "자람이에요", verify="approved", origin="hand")

    @pytest.fixture
    def chat(self, before, make_chat):
        return make_chat("이름이 뭐야", "새싹이에요")

    def test_another_answer_to_the_same_question_is_asked_about(self, script, chat, before):
        response = decide(script, chat, kind="approve")
        html = response.json()["html"]
        assert "비슷한 질문에 다른 답이 있어요" in html
        assert f'value="adopt:{before.pk}"' in html
        chat.refresh_from_db()
        assert chat.verify == "pending"

    def test_the_same_answer_is_none(self, script, chat):
        decide(script, chat, kind="correct", answer=" 자람이에요 ")
        chat.refresh_from_db()
        assert chat.verify == "approved"

    @pytest.mark.parametrize(
        ("resolve", "new", "old"),
        [
            ("keep", "새 이름이에요", "자람이에요"),
            ("replace", "새 이름이에요", "새 이름이에요"),
            ("adopt", "자람이에요", "자람이에요"),
        ],
    )
    def test_each_way_out(self, script, chat, before, resolve, new, old):
        resolve = f"adopt:{before.pk}" if resolve == "adopt" else resolve
        decide(script, chat, kind="correct", answer="새 이름이에요", resolve=resolve)
        answers = Chat.objects.with_best_answer().order_by("-pk").values_list("verify", "best_answer")
        assert list(answers) == [("approved", new), ("approved", old)]

    def test_rejecting_another_answer_contradicts_nothing(self, script, chat, before):
        decide(script, chat, kind="reject")
        verdicts = Chat.objects.order_by("pk").values_list("verify", flat=True)
        assert list(verdicts) == ["approved", "delete"]

    def test_what_was_approved_for_a_question_of_the_group_is_asked_about_too(self, script, make_chat):
        make_chat("점심에 뭐 먹지?", "국수요", verify="approved", origin="hand")
        head, like_it = make_chat("저녁에 뭐 먹지?", "밥이요"), make_chat("점심에 뭐 먹지", "밥이요")
        assert "국수요" not in decide(script, make_chat("저녁에 뭐 먹지", "밥이요"), kind="approve").json()["html"]
        response = decide(script, head, kind="approve", rows=[like_it.pk])
        assert [conflict.answer for conflict in response.context["shown"].conflicts] == ["국수요"]

    def test_rejecting_what_was_approved_before_is_asked_about_and_takes_it_along(self, script, before, make_chat):
        again = make_chat("이름이뭐야", "자람이에요", source="memory")
        twin = make_chat("이름이 뭐야", "몰라요", correction="자람이에요", verify="approved")
        response = decide(script, again, kind="reject")
        assert "전에 승인한 답이에요" in response.json()["html"]
        assert not Chat.objects.filter(verify="delete").exists()
        decide(script, again, kind="reject", resolve="reject")
        assert set(Chat.objects.values_list("verify", flat=True)) == {"delete"}
        ask(script, UNDO)
        rows = {chat.pk: chat.verify for chat in Chat.objects.all()}
        assert rows == {before.pk: "approved", again.pk: "pending", twin.pk: "approved"}


class TestTwoReviewers:
    def test_get_different_rows_and_groups(self, script, other, make_chat):
        for question in ("오늘 뭐 해?", "오늘뭐해ㅋㅋ", "이름이 뭐야?"):
            make_chat(question)
        assert {chat.question for chat in [shown(script.get(INDEX)).chat, *shown(script.get(INDEX)).group]} == {
            "오늘 뭐 해?",
            "오늘뭐해ㅋㅋ",
        }
        assert shown(other.get(INDEX)).chat.question == "이름이 뭐야?"
        make_chat("오늘 뭐 해~")
        assert shown(other.get(INDEX)).chat.question == "이름이 뭐야?"

    def test_who_came_too_late_is_told_and_goes_on(self, clock, script, other, make_chat):
        chat = make_chat()
        for question in ("둘째", "셋째"):
            make_chat(question)
        script.get(INDEX)
        clock.pass_by(minutes=6)
        decide(other, chat, kind="approve")
        answer = ask(script, reverse("inbox:decide", args=[chat.pk]), kind="reject", answer="애써 쓴 답")
        assert "먼저 결정했어요" in answer["text"]
        assert "셋째" in answer["html"], "the other reviewer has the second"
        chat.refresh_from_db()
        assert chat.verify == "approved"

    def test_going_on_and_leaving_give_rows_back(self, script, make_chat):
        make_chat("하나"), make_chat("둘")
        script.get(INDEX)
        script.post(reverse("inbox:pass", args=[shown(script.get(INDEX)).chat.pk]))
        assert [claim.chat.question for claim in Claim.objects.all()] == ["둘"]
        until = ask(script, reverse("inbox:renew"))["until"]
        script.post(reverse("inbox:release"), {"until": until})
        assert not Claim.objects.exists()

    def test_leaving_takes_nothing_from_the_page_that_comes_after(self, clock, script, kim, make_chat):
        make_chat()
        script.get(INDEX)
        until = claims.end_of(user=kim).isoformat()
        clock.pass_by(seconds=3)
        script.get(INDEX)
        script.post(reverse("inbox:release"), {"until": until})
        assert Claim.objects.count() == 1


class TestHistory:
    def test_tells_who_decided_what_and_takes_back_ones_own(self, staff, kim, lee, make_chat):
        first, second = make_chat("하나", "나간 답"), make_chat("둘")
        decide_on(user=kim, kind=Kind.CORRECT, row=first.pk, answer="고친 답")
        decide_on(user=lee, kind=Kind.REJECT, row=second.pk)
        html = staff.get(HISTORY).content.decode()
        for text in ("하나", "둘", "고친 답", "나간 답", "lee", "삭제필요"):
            assert text in html
        batch = Decision.objects.get(user=kim).batch
        assert re.findall(r'name="batch" value="([^"]+)"', html) == [str(batch)]
        assert staff.post(UNDO, {"batch": batch}).url == HISTORY
        assert "되돌림" in staff.get(HISTORY, {"by": "me"}).content.decode()
        assert "삭제필요" not in staff.get(HISTORY, {"kind": "correct", "by": "me"}).content.decode().split("<table")[1]

    def test_a_batch_that_is_none_is_refused(self, staff):
        assert "그런 결정은 없어요" in ask(staff, UNDO, batch="nonsense")["text"]


@pytest.mark.parametrize(
    ("codenames", "inbox", "history"),
    [((), 403, 403), (("view_chat",), 403, 403), (("change_chat",), 200, 403), (("view_decision",), 403, 200)],
)
def test_permissions_decide_who_comes_in(client, django_user_model, codenames, inbox, history):
    user = django_user_model.objects.create_user("park", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    assert [client.get(url).status_code for url in (INDEX, HISTORY)] == [inbox, history]
    assert client.post(UNDO).status_code == (403 if inbox == 403 else 302)


def test_visitors_are_sent_to_the_login(client):
    assert client.get(INDEX).url.startswith(reverse("admin:login"))
