"""What waits for a decision, and in which order."""

import re

import pytest
from django.db import connection
from django.utils import timezone

from chat.inbox import claims, likeness, queue
from chat.inbox.groups import OpenQuestions
from chat.inbox.likeness import Likeness, are_alike
from chat.inbox.queue import Filters, Show
from chat.inbox.services import Kind, decide, review, undo
from chat.models import Chat, Visitor
from core.text import Tokenizer, get_analyser

pytestmark = pytest.mark.django_db


def questions(user, **filters):
    return [chat.question for chat in queue.queue(user=user, filters=Filters(**filters))]


class TestWaiting:
    def test_only_what_visitors_asked_and_was_answered_and_nobody_decided_on(self, kim, make_chat):
        make_chat("열려 있어")
        make_chat("답이 아직", answer="")
        make_chat("끝났어", verify="approved")
        make_chat("직접 쓴 말", origin="hand")
        assert questions(kim) == ["열려 있어"]

    @pytest.mark.parametrize("kind", [Kind.REJECT, Kind.SKIP])
    def test_an_ignored_question_does_not_come_back_however_it_is_spelt(self, kim, lee, make_chat, kind):
        decide(user=kim, kind=kind, row=make_chat("너 몇 살이야?").pk)
        make_chat("너몇살이야ㅋㅋ")
        assert questions(lee) == []
        assert "너몇살이야ㅋㅋ" in questions(lee, show=Show.IGNORED)
        undo(user=kim)
        assert len(questions(lee)) == 2

    def test_a_rejection_that_is_changed_on_the_chats_own_page_ignores_no_more(self, kim, make_chat):
        chat = make_chat("너 몇 살이야?")
        decide(user=kim, kind=Kind.REJECT, row=chat.pk)
        make_chat("너몇살이야ㅋㅋ")
        assert questions(kim) == []
        chat.refresh_from_db()
        chat.verify = "pending"
        review(user=kim, chat=chat, changed=["verify"])
        assert len(questions(kim)) == 2

    def test_it_stays_ignored_when_the_row_is_deleted(self, kim, make_chat):
        chat = make_chat("너 몇 살이야?")
        decide(user=kim, kind=Kind.REJECT, row=chat.pk)
        Chat.objects.all().delete()
        make_chat("너 몇 살이야?")
        assert questions(kim) == []

    @pytest.mark.parametrize("source", ["neural", "fallback"])
    def test_it_stays_ignored_when_it_was_rejected_in_the_list_and_deleted(self, kim, make_chat, source):
        make_chat("너 몇 살이야?", verify="delete", source=source).delete()
        make_chat("너몇살이야ㅋㅋ")
        assert questions(kim) == []

    def test_what_was_approved_and_is_said_again_needs_nobody(self, kim, make_chat, complain):
        make_chat("이름이 뭐야?", "자람이에요", origin="hand", verify="approved")
        again = make_chat("이름이 뭐야", "자람이에요", source="memory", score=1.0)
        assert questions(kim) == []
        complain(again)
        assert questions(kim) == ["이름이 뭐야"]

    def test_a_question_on_the_block_list_waits_for_nobody_unless_somebody_complains(self, kim, make_chat, complain):
        chat = make_chat("이 바보야", "다른 이야기 해요", source="fallback", blocked=True)
        assert questions(kim) == [] == questions(kim, show=Show.UNKNOWN)
        assert questions(kim, show=Show.BLOCKED) == ["이 바보야"]
        complain(chat)
        assert questions(kim) == ["이 바보야"]
        assert questions(kim, show=Show.BLOCKED) == []

    def test_nothing_comes_from_dropped_visitors(self, kim, make_chat):
        make_chat("장난", session="joker")
        Visitor.objects.create(key="joker", dropped_at=timezone.now())
        assert questions(kim) == []

    def test_what_another_has_is_not_offered(self, clock, kim, lee, make_chat):
        first, _second = make_chat("하나"), make_chat("둘")
        claims.take(user=kim, rows=[first.pk])
        assert questions(lee) == ["둘"]
        assert questions(kim) == ["하나", "둘"]
        clock.pass_by(minutes=5)
        assert questions(lee) == ["하나", "둘"]

    def test_a_proposal_waits_for_somebody_else(self, kim, lee, make_chat, settings):
        settings.SECOND_APPROVAL = True
        chat = make_chat("하나")
        make_chat("둘")
        decide(user=kim, kind=Kind.APPROVE, row=chat.pk)
        assert questions(kim) == ["둘"]
        assert questions(lee) == ["하나", "둘"]
        assert questions(lee, show=Show.SECOND) == ["하나"]


class TestOrder:
    def test_complaints_then_what_was_not_known_then_the_least_sure(self, kim, make_chat, complain):
        make_chat("확실해", score=0.9)
        make_chat("글쎄", score=0.2)
        make_chat("몰라", source="fallback", score=0.0)
        complain(make_chat("아쉬워", score=0.95))
        complain(make_chat("제안", score=0.99), "더 나은 답", thumb="")
        assert questions(kim) == ["아쉬워", "제안", "몰라", "글쎄", "확실해"]

    def test_a_question_that_is_asked_often_comes_sooner(self, kim, make_chat):
        make_chat("가끔", score=0.5)
        for _ in range(10):
            make_chat("자주", score=0.5)
        assert questions(kim)[0] == "자주"

    def test_a_question_without_a_reviewed_one_near_comes_sooner(self, kim, make_chat):
        near = {"row": 1, "question": "이름", "answer": "자람", "similarity": 0.9}
        make_chat("가까워", score=0.5, nearest=[near])
        make_chat("멀어", score=0.5, nearest=[near | {"similarity": 0.1}])
        make_chat("없어", score=0.5)
        assert questions(kim) == ["없어", "멀어", "가까워"]

    def test_filters_take_a_part(self, kim, make_chat, complain):
        make_chat("확실해", score=0.9, session="a")
        make_chat("글쎄", score=0.2, session="b")
        make_chat("몰라", source="fallback", score=0.0)
        complain(make_chat("아쉬워", "별로인 답", score=0.95))
        assert questions(kim, show=Show.COMPLAINTS) == ["아쉬워"]
        assert questions(kim, show=Show.UNKNOWN) == ["몰라"]
        assert questions(kim, show=Show.DOUBTFUL) == ["글쎄"]
        visitor = Visitor.objects.create(key="a")
        assert questions(kim, visitor=visitor.pk) == ["확실해"]
        assert questions(kim, words="별로") == ["아쉬워"]


def test_progress_is_of_today(clock, kim, lee, make_chat):
    rows = [make_chat(f"질문 {number}").pk for number in range(6)]
    decide(user=kim, kind=Kind.APPROVE, row=rows[0])
    clock.pass_by(days=1)
    decide(user=kim, kind=Kind.SKIP, row=rows[1])
    decide(user=lee, kind=Kind.APPROVE, row=rows[2], others=[rows[3]])
    decide(user=kim, kind=Kind.APPROVE, row=rows[4])
    undo(user=kim)
    progress = queue.progress(user=kim)
    assert (progress.mine, progress.everybody, progress.waiting, progress.percent) == (1, 3, 2, 60)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the plan is SQLite's own")
def test_no_row_of_the_queue_makes_the_database_look_at_many_others(kim):
    for waiting in (queue.waiting(), queue.queue(user=kim, filters=Filters())):
        plan = waiting.explain()
        assert re.search("USING (COVERING )?INDEX chat_queue", plan)
        for correlated in plan.split("CORRELATED")[1:]:
            (first, *_rest) = [line for line in correlated.splitlines() if "SEARCH" in line or "SCAN" in line]
            assert re.search(r"chat_by_question \(question_key=. AND verify=.\)|\(chat_id=.\)", first), plan


class TestGroups:
    @pytest.fixture
    def open_questions(self):
        return OpenQuestions(Likeness(Tokenizer(get_analyser("mecab"))))

    def near(self, index, question):
        digests = index.near(question)
        return set(Chat.objects.filter(question_key__in=digests).values_list("question", flat=True))

    def test_spellings_and_near_duplicates_are_found_and_others_not(self, open_questions, make_chat):
        alike = {"오늘 날씨 어때?", "오늘날씨어때ㅋㅋ", "오늘 날씨가 어때?"}
        for question in (*alike, "내일 뭐 먹지?", "이름이 뭐야?"):
            make_chat(question)
        assert self.near(open_questions, "오늘 날씨 어때?") == alike

    def test_what_is_asked_later_is_found_too(self, open_questions, make_chat):
        make_chat("오늘 날씨 어때?")
        assert len(self.near(open_questions, "오늘 날씨 어때?")) == 1
        make_chat("오늘 날씨가 어때?")
        assert len(self.near(open_questions, "오늘 날씨 어때?")) == 2

    def test_a_page_takes_in_no_more_than_its_time_allows(self, open_questions):
        now = timezone.now()
        Chat.objects.bulk_create(Chat(question=f"질문 {number}", answer="답", answered_at=now) for number in range(600))
        assert len(open_questions.near("질문 599", seconds=0)) == 1
        assert not open_questions.is_complete
        open_questions.near("질문 599")
        assert open_questions.is_complete

    def test_all_are_gathered_at_once_in_the_background(self, open_questions, make_chat):
        now = timezone.now()
        Chat.objects.bulk_create(Chat(question=f"질문 {number}", answer="답", answered_at=now) for number in range(600))
        make_chat("오늘 날씨가 어때?")
        waits = []
        open_questions.fill(pause=waits.append)
        assert open_questions.is_complete
        assert len(waits) == 1 and waits[0] > 0
        assert self.near(open_questions, "오늘 날씨 어때?") == {"오늘 날씨가 어때?"}

    def test_what_is_decided_makes_room_and_is_found_again_when_it_is_open_again(
        self, open_questions, make_chat, monkeypatch
    ):
        monkeypatch.setattr(likeness, "_NEAR", 2)  # the question itself, and the nearest beside it
        asked, *others = "오늘 날씨 어때?", "오늘 날씨가 어때?", "오늘 날씨는 어때?"
        for question in (asked, *others):
            make_chat(question)
        (first,) = self.near(open_questions, asked) - {asked}
        Chat.objects.filter(question=first).update(verify="approved")
        (second,) = self.near(open_questions, asked) - {asked}
        assert {first, second} == set(others)
        Chat.objects.filter(question=second).update(verify="approved")
        Chat.objects.filter(question=first).update(verify="pending")
        assert self.near(open_questions, asked) == {asked}
        open_questions.near(first)
        assert self.near(open_questions, asked) == {asked, first}

    @pytest.mark.parametrize(
        ("question", "other"),
        [("헤어진 지 6일째", "헤어진 지 10일째"), ("밥 먹었어?", "밥 안 먹었어?"), ("언제 가?", "어디 가?")],
    )
    def test_what_turns_a_question_round_parts_it_from_the_other(self, question, other):
        assert not are_alike(question, other)
        assert are_alike(question, question + " 응?")
