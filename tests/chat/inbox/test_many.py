"""Decisions on many rows at once: what stands in the history, what it costs, and taking it back."""

import pytest
import tablib
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from chat.inbox import services
from chat.inbox.services import UNDOABLE, add, decide, decide_on_all, undo, undoable
from chat.models import Chat, Decision, MemoryRevision
from chat.resources import ChatResource

pytestmark = pytest.mark.django_db

LIST = reverse("admin:chat_chat_changelist")


def choose(client, action, chats):
    client.post(LIST, {"action": action, "_selected_action": [chat.pk for chat in chats]})


def lines():
    return list(Decision.objects.order_by("chat_id").values_list("chat__question", "kind", "user__username"))


def states(*chats):
    return list(Chat.objects.filter(pk__in=[chat.pk for chat in chats]).order_by("pk").values_list("verify", flat=True))


@pytest.mark.parametrize(("action", "kind"), [("approve", "approve"), ("mark_for_deletion", "reject")])
def test_every_row_of_a_bulk_action_has_its_line(staff, make_chat, action, kind):
    chats = [make_chat("하나"), make_chat("둘", correction="고친 답"), make_chat("셋", verify="approved")]
    choose(staff, action, chats)
    assert lines() == [(question, kind, "boss") for question in ("하나", "둘", "셋")]
    assert len(set(Decision.objects.values_list("batch", flat=True))) == 1
    line = Decision.objects.get(chat=chats[1])
    assert (line.before["verify"], line.after["verify"]) == ("pending", Chat.objects.get(pk=chats[1].pk).verify)
    assert (line.after["answer"], line.question_key) == ("고친 답", chats[1].question_key)
    page = staff.get(reverse("inbox:history")).content.decode()
    assert "하나" in page and "boss" in page


def test_what_was_not_decided_on_has_none(staff, make_chat):
    choose(staff, "approve", [make_chat("하나", "몰라요", source="fallback"), make_chat("둘")])
    assert lines() == [("둘", "approve", "boss")]
    choose(staff, "put_into_category", [make_chat("셋")])
    assert len(lines()) == 1


def test_what_is_rejected_with_a_row_has_its_line_too(staff, make_chat):
    approved = make_chat("이름이 뭐야?", "새싹", verify="approved", origin="hand")
    rejected = make_chat("이름이뭐야", "새싹")
    choose(staff, "mark_for_deletion", [rejected])
    assert lines() == [("이름이 뭐야?", "reject", "boss"), ("이름이뭐야", "reject", "boss")]
    assert states(approved, rejected) == ["delete", "delete"]
    choose(staff, "mark_for_deletion", [approved, rejected])
    assert len(lines()) == 4


def test_a_row_that_others_of_an_earlier_part_took_with_them_has_one_line(kim, make_chat, monkeypatch):
    monkeypatch.setattr(services, "_AT_ONCE", 1)
    for number in range(3):
        make_chat("이름이 뭐야?", "새싹", verify="approved" if number else "pending")
    assert decide_on_all(user=kim, verify="delete", chats=Chat.objects.order_by("pk")) == 3
    assert len(lines()) == 3


def test_a_bulk_decision_is_taken_back_as_one_but_for_what_changed_since(kim, lee, make_chat):
    before = make_chat("하나", verify="approved", reviewer=lee)
    others = [make_chat("둘", "답", correction="고친 답"), make_chat("셋")]
    decide_on_all(user=kim, verify="delete", chats=Chat.objects.all())
    Chat.objects.filter(pk=others[1].pk).update(verify="approved")
    revision = MemoryRevision.current()
    undone = undo(user=kim)
    assert (len(undone.rows), undone.changed) == (2, 1)
    assert states(before, *others) == ["approved", "pending", "approved"]
    before.refresh_from_db()
    assert (before.reviewer, before.revision) == (lee, revision + 1)
    with pytest.raises(services.InboxError):
        undo(user=kim)


def test_taking_back_an_approval_of_what_was_rejected_rejects_its_twins_again(kim, make_chat):
    rejected = make_chat("이름이 뭐야?", "새싹", verify="delete")
    decide_on_all(user=kim, verify="approved", chats=Chat.objects.all())
    twin = make_chat("이름이뭐야", "새싹", verify="approved")
    undo(user=kim)
    assert states(rejected, twin) == ["delete", "delete"]


def test_one_page_of_many_rows_takes_as_many_statements_as_one_of_few(kim, make_chat):
    MemoryRevision.advance()
    counts = []
    for rows in (2, 60):
        Chat.objects.all().delete()
        Chat.objects.bulk_create(Chat(question=f"질문 {row}", answer="답") for row in range(rows))
        for work in (
            lambda: decide_on_all(user=kim, verify="delete", chats=Chat.objects.all()),
            lambda: undo(user=kim),
        ):
            with CaptureQueriesContext(connection) as queries:
                work()
            counts.append(len(queries))
    assert counts[0] == counts[2] and counts[1] == counts[3]


def test_decisions_before_a_large_one_are_found_without_reading_it(kim, make_chat):
    first = make_chat("먼저")
    decide(user=kim, kind="skip", row=first.pk)
    Chat.objects.bulk_create(Chat(question=f"질문 {row}", answer="답") for row in range(900))
    decide_on_all(user=kim, verify="approved", chats=Chat.objects.exclude(pk=first.pk))
    with CaptureQueriesContext(connection) as queries:
        found = undoable(user=kim)
    assert found[1] == Decision.objects.get(chat=first).batch
    assert len(queries) <= 5
    for number in range(UNDOABLE):
        decide(user=kim, kind="skip", row=make_chat(f"나중 {number}").pk)
    assert len(undoable(user=kim)) == UNDOABLE and found[0] not in undoable(user=kim)


def test_a_pair_that_is_written_by_hand_is_a_decision_where_it_is_one(kim):
    for verify in ("approved", "pending"):
        add(user=kim, chat=Chat(question=f"질문 {verify}", answer="답", verify=verify), origin="hand")
    assert lines() == [("질문 approved", "approve", "kim")]
    undo(user=kim)
    assert set(Chat.objects.values_list("verify", flat=True)) == {"pending"}


def test_what_an_import_decides_is_one_decision(boss, make_chat):
    chat = make_chat("이름이 뭐야?", "몰라요")
    table = tablib.Dataset(headers=["id", "question", "answer", "correction", "verify"])
    table.append([chat.pk, chat.question, chat.answer, "자람이에요", "approved"])
    table.append(["", "새 질문", "새 답", "", "approved"])
    table.append(["", "나중에 볼 질문", "답", "", ""])
    ChatResource().import_data(table, user=boss, raise_errors=True)
    assert lines() == [("이름이 뭐야?", "correct", "boss"), ("새 질문", "approve", "boss")]
    assert len(undo(user=boss).rows) == 2
    assert states(chat) == ["pending"]
