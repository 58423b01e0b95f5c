"""Deciding on a row and on those like it, and taking it back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from chat.inbox import claims
from chat.inbox.errors import InboxError
from chat.inbox.services import UNDOABLE, Kind, decide, undo, undoable
from chat.models import Claim, Decision, MemoryRevision, TrainingRun

pytestmark = pytest.mark.django_db


def state(chat):
    chat.refresh_from_db()
    return chat.verify, chat.correction, chat.reviewer, chat.reviewed_at


class TestDeciding:
    def test_approving_lets_the_answer_be_learned(self, kim, make_chat):
        chat = make_chat()
        assert decide(user=kim, kind=Kind.APPROVE, row=chat.pk).rows == 1
        assert state(chat)[:3] == ("approved", "", kim)

    def test_a_correction_stands_beside_the_answer(self, kim, make_chat):
        chat = make_chat(answer="몰라요")
        decide(user=kim, kind=Kind.CORRECT, row=chat.pk, answer="  자람이에요 ")
        assert state(chat)[:2] == ("approved", "자람이에요")
        assert chat.answer == "몰라요"

    def test_rejecting_is_for_the_answer_and_skipping_changes_nothing(self, kim, make_chat):
        rejected, skipped = make_chat("하나"), make_chat("둘")
        decide(user=kim, kind=Kind.REJECT, row=rejected.pk)
        decide(user=kim, kind=Kind.SKIP, row=skipped.pk)
        assert state(rejected)[0] == "delete"
        assert state(skipped) == ("pending", "", None, None)

    def test_each_decision_that_teaches_takes_the_next_revision(self, kim, make_chat):
        chat, other = make_chat(), make_chat()
        before = MemoryRevision.current()
        decide(user=kim, kind=Kind.CORRECT, row=chat.pk, answer="응")
        decide(user=kim, kind=Kind.SKIP, row=other.pk)
        chat.refresh_from_db()
        assert chat.revision == MemoryRevision.current() == before + 1

    def test_one_answer_does_for_a_group(self, kim, make_chat):
        head, same, other = make_chat(answer="응"), make_chat(answer="응"), make_chat(answer="아니")
        assert decide(user=kim, kind=Kind.APPROVE, row=head.pk, others=[same.pk, other.pk]).rows == 3
        assert [state(chat)[:2] for chat in (head, same, other)] == [
            ("approved", ""),
            ("approved", ""),
            ("approved", "응"),
        ]
        assert list(Decision.objects.order_by("pk").values_list("kind", flat=True)) == ["approve", "approve", "correct"]

    def test_what_another_decided_meanwhile_is_left_out_of_the_group(self, kim, lee, make_chat):
        head, gone, held = make_chat(), make_chat(), make_chat()
        decide(user=lee, kind=Kind.REJECT, row=gone.pk)
        claims.take(user=lee, rows=[held.pk])
        decided = decide(user=kim, kind=Kind.CORRECT, row=head.pk, others=[gone.pk, held.pk], answer="응")
        assert (decided.rows, decided.missed) == (1, 2)
        assert [state(chat)[0] for chat in (gone, held)] == ["delete", "pending"]

    def test_whoever_is_second_is_told(self, kim, lee, make_chat):
        chat = make_chat()
        decide(user=lee, kind=Kind.APPROVE, row=chat.pk)
        with pytest.raises(InboxError, match="먼저 결정"):
            decide(user=kim, kind=Kind.REJECT, row=chat.pk)
        assert state(chat)[0] == "approved"

    def test_what_another_has_before_them_is_not_decided_on(self, kim, lee, make_chat):
        chat = make_chat()
        claims.take(user=lee, rows=[chat.pk])
        with pytest.raises(InboxError, match="맡았어요"):
            decide(user=kim, kind=Kind.APPROVE, row=chat.pk)

    def test_a_decision_gives_the_claim_back(self, kim, make_chat):
        chat = make_chat()
        claims.take(user=kim, rows=[chat.pk])
        decide(user=kim, kind=Kind.SKIP, row=chat.pk)
        assert not Claim.objects.exists()

    @pytest.mark.parametrize("answer", ["", "  ", "\u200b"])
    def test_an_empty_correction_is_none(self, kim, make_chat, answer):
        chat = make_chat()
        with pytest.raises(InboxError, match="비어"):
            decide(user=kim, kind=Kind.CORRECT, row=chat.pk, answer=answer)
        assert not Decision.objects.exists()

    def test_i_do_not_know_is_not_learned(self, kim, make_chat):
        chat = make_chat(answer="아직 배우지 못했어요.", source="fallback")
        with pytest.raises(InboxError, match="승인할 수 없어요"):
            decide(user=kim, kind=Kind.APPROVE, row=chat.pk)
        decide(user=kim, kind=Kind.CORRECT, row=chat.pk, answer="알아요")
        assert state(chat)[:2] == ("approved", "알아요")

    def test_rows_of_before_can_be_brought_into_line(self, kim, make_chat):
        chat, before = make_chat(answer="둘"), make_chat(answer="하나", verify="approved", origin="hand")
        decide(user=kim, kind=Kind.APPROVE, row=chat.pk, replaced=[before.pk])
        assert state(before)[:2] == ("approved", "둘")


class TestSecondApproval:
    @pytest.fixture(autouse=True)
    def required(self, settings):
        settings.SECOND_APPROVAL = True

    def test_an_answer_is_learned_when_a_second_reviewer_says_the_same(self, kim, lee, make_chat):
        chat = make_chat()
        assert decide(user=kim, kind=Kind.CORRECT, row=chat.pk, answer="응").proposed == 1
        assert state(chat)[:2] == ("pending", "응")
        assert decide(user=lee, kind=Kind.APPROVE, row=chat.pk).proposed == 0
        assert state(chat)[:3] == ("approved", "응", lee)

    def test_nobody_approves_twice_alone(self, kim, make_chat):
        chat = make_chat()
        for _ in range(2):
            decide(user=kim, kind=Kind.APPROVE, row=chat.pk)
        assert state(chat)[0] == "pending"

    def test_another_answer_is_a_new_proposal(self, kim, lee, make_chat):
        chat = make_chat()
        decide(user=kim, kind=Kind.APPROVE, row=chat.pk)
        decide(user=lee, kind=Kind.CORRECT, row=chat.pk, answer="응")
        assert state(chat)[:2] == ("pending", "응")
        decide(user=kim, kind=Kind.APPROVE, row=chat.pk)
        assert state(chat)[:2] == ("approved", "응")

    def test_what_two_agreed_on_is_the_answer_to_the_same_question_in_other_rows_too(self, kim, lee, make_chat):
        chat, same, like_it = (make_chat(question) for question in ("이름이 뭐야?", "이름이뭐야ㅋㅋ", "이름이 뭔데?"))
        decide(user=kim, kind=Kind.CORRECT, row=chat.pk, answer="자람이에요")
        decided = decide(user=lee, kind=Kind.APPROVE, row=chat.pk, others=[same.pk, like_it.pk])
        assert (decided.rows, decided.proposed) == (3, 1)
        assert [state(one)[:2] for one in (chat, same)] == [("approved", "자람이에요")] * 2
        assert state(like_it)[:2] == ("pending", "자람이에요")

    def test_a_proposal_replaces_no_answer_of_before(self, kim, make_chat):
        chat, before = make_chat(answer="둘"), make_chat(answer="하나", verify="approved")
        decide(user=kim, kind=Kind.APPROVE, row=chat.pk, replaced=[before.pk])
        assert state(before)[:2] == ("approved", "")


class TestUndoing:
    def test_gives_the_row_back_what_it_held(self, kim, lee, make_chat):
        chat = make_chat(reviewer=lee, reviewed_at=timezone.now() - timedelta(days=3))
        before = state(chat)
        decide(user=kim, kind=Kind.CORRECT, row=chat.pk, answer="응")
        undone = undo(user=kim)
        assert (undone.kind, undone.rows, undone.changed) == (Kind.CORRECT, [chat.pk], 0)
        assert state(chat) == before

    def test_every_process_hears_of_it(self, kim, make_chat):
        chat = make_chat()
        decide(user=kim, kind=Kind.APPROVE, row=chat.pk)
        approved = MemoryRevision.current()
        undo(user=kim)
        chat.refresh_from_db()
        assert chat.revision == MemoryRevision.current() > approved

    def test_the_next_training_hears_of_it_where_one_has_learned_the_answer(self, kim, make_chat):
        chat = make_chat()
        decide(user=kim, kind=Kind.APPROVE, row=chat.pk)
        now = timezone.now()
        TrainingRun.objects.create(status="done", reason="command", started_at=now, finished_at=now)
        undo(user=kim)
        assert state(chat)[0] == "pending"
        assert chat.reviewed_at > now

    def test_takes_back_a_whole_group_and_what_it_replaced(self, kim, make_chat):
        rows = [make_chat(answer=answer) for answer in ("응", "아니")]
        before = make_chat(answer="하나", verify="approved", origin="hand")
        decide(user=kim, kind=Kind.APPROVE, row=rows[0].pk, others=[rows[1].pk], replaced=[before.pk])
        assert len(undo(user=kim).rows) == 3
        assert [state(chat)[:2] for chat in (*rows, before)] == [("pending", ""), ("pending", ""), ("approved", "")]

    def test_goes_back_one_by_one_as_far_as_promised_and_no_further(self, kim, make_chat):
        chats = [make_chat(f"질문 {number}") for number in range(UNDOABLE + 2)]
        for chat in chats:
            decide(user=kim, kind=Kind.APPROVE, row=chat.pk)
        for chat in reversed(chats[2:]):
            assert undo(user=kim).rows == [chat.pk]
        with pytest.raises(InboxError, match="되돌릴 결정이 없어요"):
            undo(user=kim)
        assert state(chats[1])[0] == "approved"

    def test_takes_back_the_one_that_is_named(self, kim, make_chat):
        first, second = make_chat("하나"), make_chat("둘")
        for chat in (first, second):
            decide(user=kim, kind=Kind.SKIP, row=chat.pk)
        batch = Decision.objects.get(chat=first).batch
        assert undo(user=kim, batch=batch).rows == [first.pk]
        assert undoable(user=kim) == [Decision.objects.get(chat=second).batch]

    def test_leaves_what_others_decided(self, kim, lee, make_chat):
        chat = make_chat()
        decide(user=lee, kind=Kind.APPROVE, row=chat.pk)
        with pytest.raises(InboxError):
            undo(user=kim)
        with pytest.raises(InboxError):
            undo(user=kim, batch=Decision.objects.get().batch)

    def test_leaves_a_row_that_was_changed_since(self, kim, lee, make_chat):
        from chat import services

        chat = make_chat()
        decide(user=kim, kind=Kind.APPROVE, row=chat.pk)
        chat.refresh_from_db()
        chat.correction = "더 나은 답"
        services.save_review(chat=chat, changed=["correction"], reviewer=lee)
        undone = undo(user=kim)
        assert (undone.rows, undone.changed) == ([], 1)
        assert state(chat)[:2] == ("approved", "더 나은 답")

    def test_of_a_row_that_is_gone_does_no_harm(self, kim, make_chat):
        chat = make_chat()
        decide(user=kim, kind=Kind.SKIP, row=chat.pk)
        chat.delete()
        assert undo(user=kim).changed == 1
