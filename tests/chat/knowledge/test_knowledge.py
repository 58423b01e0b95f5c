"""Several `Knowledge` on one database stand for several processes: they share nothing but its tables."""

import threading

import pytest
from django.db import connections

from chat import services
from chat.feedback.services import drop_visitor, restore_visitor
from chat.fields import question_digest
from chat.knowledge.knowledge import Knowledge
from chat.models import BlockRule, Chat, MemoryRevision, Visitor
from chat.services import NewPair
from core.memory import Memory
from core.reply import Blocklist
from core.text import Tokenizer


class Syllables:
    """An analyser that finds a morpheme in each character."""

    def morphemes(self, text):
        return [character for character in text if character != " "]


@pytest.fixture
def process(db):
    """Start one more process: an own memory, loaded now."""

    def start():
        knowledge = Knowledge(Memory(Tokenizer(Syllables())))
        knowledge.load()
        return knowledge

    return start


def ask(knowledge, question):
    """What memory answers to a question after a look for changes, None for nothing of the same question."""
    knowledge.sync()
    found = knowledge.memory.find(question, 1)
    return found[0].answer if found and found[0].similarity == 1.0 else None


def review(chat, boss, **fields):
    for name, value in fields.items():
        setattr(chat, name, value)
    services.save_review(chat=chat, changed=fields, reviewer=boss)


class TestLearning:
    def test_an_approval_is_known_to_every_process_at_the_next_question(self, process, make_chat, boss):
        one, other = process(), process()
        chat = make_chat("이름이 뭐야?", "몰라요")
        assert ask(one, "이름이 뭐야?") is ask(other, "이름이 뭐야?") is None
        review(chat, boss, verify="approved", correction="자람이에요")
        assert ask(one, "이름이뭐야") == ask(other, "이름이 뭐야ㅋㅋ") == "자람이에요"

    def test_a_process_that_starts_later_knows_it_too(self, process, make_chat, boss):
        review(make_chat("안녕"), boss, verify="approved")
        assert ask(process(), "안녕") == "반가워요"

    def test_rows_reviewed_in_bulk_brought_by_hand_and_imported_are_known(self, process, make_chat, boss):
        knowledge = process()
        chat = make_chat("하나", "1")
        services.set_verify(chats=Chat.objects.filter(pk=chat.pk), verify="approved", reviewer=boss)
        services.add_pair(chat=Chat(question="둘", answer="2", verify="approved"), origin="hand", reviewer=boss)
        services.add_pairs(pairs=[NewPair("셋", "3")], origin=Chat.Origin.IMPORT, approve=True)
        assert [ask(knowledge, question) for question in ("하나", "둘", "셋")] == ["1", "2", "3"]

    def test_a_stored_pair_that_an_import_approves_is_known(self, process):
        services.add_pairs(pairs=[NewPair("셋", "3")], origin=Chat.Origin.IMPORT, approve=False)
        knowledge = process()
        assert ask(knowledge, "셋") is None
        services.add_pairs(pairs=[NewPair("셋", "3")], origin=Chat.Origin.IMPORT, approve=True)
        assert ask(knowledge, "셋") == "3"

    def test_an_edited_question_is_found_by_its_new_words_alone(self, process, boss):
        chat = Chat(question="하나", answer="1", verify="approved")
        services.add_pair(chat=chat, origin="hand", reviewer=boss)
        knowledge = process()
        review(chat, boss, question="둘")
        assert (ask(knowledge, "하나"), ask(knowledge, "둘")) == (None, "1")
        assert Chat.objects.get().question_key == question_digest("둘!!")

    def test_nothing_is_read_again_where_nothing_changed(self, process, make_chat, django_assert_num_queries):
        knowledge = process()
        make_chat("안녕")
        with django_assert_num_queries(1):
            assert knowledge.sync() is False

    def test_the_newest_decision_counts_in_every_process(self, process, make_chat, boss):
        """Whether it heard of both at once, one by one, or of the older one last."""
        first, second = make_chat("안녕", "하나"), make_chat("안녕", "둘")
        early = process()
        review(first, boss, verify="approved")
        middle = process()
        ask(early, "안녕")
        review(second, boss, verify="approved")
        assert [ask(knowledge, "안녕") for knowledge in (early, middle, process())] == ["둘"] * 3
        # A change that is no newer decision, of the row with the older one.
        Chat.objects.filter(pk=first.pk).update(revision=MemoryRevision.advance())
        assert [ask(knowledge, "안녕") for knowledge in (early, middle, process())] == ["둘"] * 3


class TestForgetting:
    @pytest.fixture
    def taught(self, make_chat, boss):
        chat = make_chat("안녕", "반가워요")
        review(chat, boss, verify="approved")
        return chat

    def test_a_row_that_is_rejected_leaves(self, process, taught, boss):
        knowledge = process()
        assert ask(knowledge, "안녕") == "반가워요"
        review(taught, boss, verify="delete")
        assert ask(knowledge, "안녕") is None
        assert knowledge.memory.is_wrong("안녕!", "반가워요")

    def test_a_row_put_back_to_pending_leaves_without_a_mark(self, process, taught, boss):
        knowledge = process()
        services.set_verify(chats=Chat.objects.all(), verify="pending", reviewer=boss)
        assert ask(knowledge, "안녕") is None
        assert not knowledge.memory.is_wrong("안녕", "반가워요")

    @pytest.mark.parametrize("delete", [lambda chat: chat.delete(), lambda chat: Chat.objects.all().delete()])
    def test_a_deleted_row_leaves(self, process, taught, delete):
        knowledge, late = process(), process()
        delete(taught)
        assert ask(knowledge, "안녕") is ask(late, "안녕") is ask(process(), "안녕") is None

    def test_what_was_corrected_is_wrong_from_then_on(self, process, make_chat, boss):
        knowledge = process()
        review(make_chat("안녕", "잘 가요"), boss, verify="approved", correction="반가워요")
        assert ask(knowledge, "안녕") == "반가워요"
        assert knowledge.memory.is_wrong("안녕", "잘 가요")
        assert not knowledge.memory.is_wrong("안녕", "반가워요")
        assert process().memory.is_wrong("안녕", "잘 가요")

    def test_a_sentence_said_for_want_of_an_answer_is_never_wrong(self, process, make_chat, boss):
        knowledge = process()
        review(make_chat("안녕", "아직 못 배웠어요", source="fallback"), boss, verify="approved", correction="반가워요")
        assert ask(knowledge, "안녕") == "반가워요"
        assert not knowledge.memory.is_wrong("안녕", "아직 못 배웠어요")

    def test_a_correction_that_spells_the_same_makes_nothing_wrong(self, process, make_chat, boss):
        review(make_chat("안녕", "반가워요"), boss, verify="approved", correction=" 반가워요 ")
        assert not process().memory.is_wrong("안녕", "반가워요")


class TestDroppedVisitors:
    def test_leave_memory_and_come_back(self, process, make_chat, boss):
        chat = make_chat("안녕", "잘 가요", session="v")
        visitor = Visitor.objects.create(key="v")
        review(chat, boss, verify="approved", correction="반가워요")
        knowledge = process()
        drop_visitor(visitor=visitor, by=boss)
        assert ask(knowledge, "안녕") is ask(process(), "안녕") is None
        assert not knowledge.memory.is_wrong("안녕", "잘 가요")
        restore_visitor(visitor=visitor)
        assert ask(knowledge, "안녕") == ask(process(), "안녕") == "반가워요"

    def test_what_is_reviewed_while_they_are_dropped_is_not_learned(self, process, make_chat, boss):
        chat = make_chat("안녕", session="v")
        drop_visitor(visitor=Visitor.objects.create(key="v"), by=boss)
        knowledge = process()
        review(chat, boss, verify="approved")
        assert ask(knowledge, "안녕") is None


class TestRules:
    class Server:
        rules = Blocklist()

    def test_hold_and_are_lifted_in_every_process(self, process):
        BlockRule.objects.create(pattern="바보")
        knowledge, server = process(), self.Server()
        knowledge.serve(server)
        assert server.rules.blocks("이 바 보야")
        rule = BlockRule.objects.create(kind="pattern", pattern=r"\d{3}-\d{4}")
        knowledge.sync()
        assert server.rules.blocks("010-1234로 전화해")
        rule.active = False
        rule.save()
        knowledge.sync()
        assert not server.rules.blocks("010-1234로 전화해")
        BlockRule.objects.all().delete()
        knowledge.sync()
        assert not server.rules.blocks("바보")

    def test_one_that_cannot_be_read_leaves_the_others_standing(self, process, caplog):
        BlockRule.objects.create(kind="pattern", pattern="(")
        BlockRule.objects.create(pattern="바보")
        knowledge, server = process(), self.Server()
        knowledge.serve(server)
        assert server.rules.blocks("바보")
        assert "does not hold" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_long_for_what_another_is_taking_in(make_chat, boss, monkeypatch):
    monkeypatch.setattr("chat.knowledge.knowledge.PATIENCE", 0.05)
    knowledge = Knowledge(Memory(Tokenizer(Syllables())))
    knowledge.load()
    server = TestRules.Server()
    knowledge.serve(server)
    review(make_chat("안녕"), boss, verify="approved")
    BlockRule.objects.create(pattern="바보")
    taking, let_go = threading.Event(), threading.Event()

    def slowly(lessons, put=knowledge.memory.put):
        taking.set()
        let_go.wait(10)
        put(lessons)

    def first():
        assert knowledge.sync() is True
        connections.close_all()

    monkeypatch.setattr(knowledge.memory, "put", slowly)
    thread = threading.Thread(target=first)
    thread.start()
    assert taking.wait(10)
    assert ask(knowledge, "안녕") is None
    assert server.rules.blocks("바보")  # what must not be said comes first
    let_go.set()
    thread.join()
    assert ask(knowledge, "안녕") == "반가워요"


@pytest.mark.django_db(transaction=True)
def test_writers_and_readers_at_once_miss_nothing(make_chat, boss):
    """Each writer's change is known to a reader that looks after the writer is done."""
    chats = [make_chat(f"질문 {number}", f"답 {number}") for number in range(12)]
    knowledge = Knowledge(Memory(Tokenizer(Syllables())))
    knowledge.load()
    missed = []

    def work(part):
        for chat in part:
            review(chat, boss, verify="approved")
            if ask(knowledge, chat.question) != chat.answer:
                missed.append(chat.question)
        connections.close_all()

    threads = [threading.Thread(target=work, args=(chats[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert missed == []
    assert knowledge.memory.size == 12
    assert MemoryRevision.current() == 12
