"""What is left of rows that are deleted: what was judged wrong, and nothing that can be read."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat import services
from chat.feedback.services import drop_visitor, restore_visitor
from chat.knowledge.knowledge import Knowledge
from chat.models import Chat, Forgotten, MemoryRevision, Verdict, Visitor
from core.memory import Memory
from core.text import Tokenizer, get_analyser

pytestmark = pytest.mark.django_db

QUESTION, WRONG, RIGHT = "이름이 뭐야?", "글쎄요", "자람이에요"


@pytest.fixture
def knowledge():
    knowledge = Knowledge(Memory(Tokenizer(get_analyser("mecab"))))
    knowledge.load()
    return knowledge


def is_wrong(knowledge, answer=WRONG, question=QUESTION):
    """Whether an answer is refused now, in a process that runs and in one that starts."""
    knowledge.sync()
    late = Knowledge(Memory(Tokenizer(get_analyser("mecab"))))
    late.load()
    refused = {one.memory.is_wrong(question, answer) for one in (knowledge, late)}
    assert len(refused) == 1
    return refused.pop()


@pytest.mark.parametrize("delete", [lambda chat: chat.delete(), lambda chat: Chat.objects.all().delete()])
@pytest.mark.parametrize("review", [{"verify": "delete"}, {"verify": "approved", "correction": RIGHT}])
def test_what_was_wrong_stays_wrong_when_its_row_is_deleted(knowledge, make_chat, delete, review):
    delete(make_chat(QUESTION, WRONG, **review))
    assert not Chat.objects.exists()
    assert is_wrong(knowledge)
    assert is_wrong(knowledge, question="이름이뭐야ㅋㅋ", answer="글쎄요.")
    assert is_wrong(knowledge, question="이름이 뭐예요?")
    assert not is_wrong(knowledge, answer=RIGHT)
    assert not is_wrong(knowledge, question="오늘 뭐 해?")


def test_nothing_that_was_deleted_can_be_read(make_chat):
    make_chat(QUESTION, WRONG, verify="delete").delete()
    assert Verdict.objects.count() == Forgotten.objects.count() == 1
    kept = Verdict.objects.values().get()
    assert not {QUESTION, WRONG} & set(kept.values())
    assert (len(kept["question_key"]), len(kept["answer_key"])) == (64, 64)


def test_whoever_approves_the_answer_later_makes_it_right(knowledge, make_chat, boss):
    make_chat(QUESTION, WRONG, verify="delete").delete()
    assert is_wrong(knowledge)
    services.add_pair(chat=Chat(question=QUESTION, answer=WRONG, verify="approved"), origin="hand", reviewer=boss)
    assert not is_wrong(knowledge)


@pytest.mark.parametrize(
    "review", [{"verify": "approved"}, {}, {"verify": "approved", "correction": "글쎄요!"}, {"source": "fallback"}]
)
def test_a_row_that_was_not_wrong_leaves_nothing(knowledge, make_chat, review):
    make_chat(QUESTION, WRONG, **review).delete()
    assert not is_wrong(knowledge)
    assert not Verdict.objects.exists()


def test_what_a_dropped_visitor_led_to_holds_no_more_until_they_are_restored(knowledge, make_chat, boss):
    visitor = Visitor.objects.create(key="v")
    make_chat(QUESTION, WRONG, verify="delete", session="v").delete()
    assert is_wrong(knowledge)
    drop_visitor(visitor=visitor, by=boss)
    assert not is_wrong(knowledge)
    restore_visitor(visitor=visitor)
    assert is_wrong(knowledge)


def test_many_rows_are_deleted_by_as_many_statements_as_few(make_chat):
    MemoryRevision.advance()  # the first one makes its row
    counts = []
    for number in (2, 60):
        for row in range(number):
            make_chat(f"질문 {row}", verify="delete" if row % 2 else "approved")
        with CaptureQueriesContext(connection) as queries:
            Chat.objects.all().delete()
        counts.append(len(queries))
    assert counts[0] == counts[1]
