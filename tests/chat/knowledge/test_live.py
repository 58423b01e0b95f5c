"""The whole way without the engine: two servers on one database, and a reviewer in the admin between two questions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from django.urls import reverse

from chat import services
from chat.knowledge.knowledge import Knowledge
from chat.models import BlockRule, Chat
from core.memory import Memory
from core.reply import Responder
from core.reply.model import LiveModel
from core.reply.swap import FixedModel, HotSwap
from core.text import Tokenizer


class Words:
    """An analyser that takes words as they are written."""

    name = "words"

    def morphemes(self, text):
        return text.split()


@dataclass(frozen=True)
class Said:
    tokens: Sequence[str]
    score: float = 0.9


class Stubborn:
    """An engine that has learned one answer alone."""

    src_vocab = frozenset()

    def __init__(self, answer):
        self.answer = answer

    def propose(self, sources, count):
        return [[Said(Tokenizer(Words()).split(self.answer))] for _ in sources]

    def translate(self, sources):
        return [said for said, *_ in self.propose(sources, 1)]

    def meanings(self, sources):
        return np.zeros((len(sources), 0), np.float32)

    def warm_up(self):
        pass


class Server:
    """What one process of an installation does with a question."""

    def __init__(self, model_dir, engine_says):
        tokenizer = Tokenizer(Words())
        self.knowledge = Knowledge(Memory(tokenizer))
        self.knowledge.load()
        models = HotSwap(
            FixedModel(model_dir), lambda ref: LiveModel("run-1", Stubborn(engine_says), tokenizer), interval=None
        )
        self.responder = Responder(tokenizer, models, memory=self.knowledge.memory)
        self.knowledge.serve(self.responder)

    def ask(self, question, visitor="v"):
        chat = services.store_question(visitor=visitor, room="main", question=question)
        self.knowledge.sync()
        return services.store_answer(chat_id=chat.pk, answer=self.responder.reply(question))


@pytest.fixture
def servers(db, tmp_path):
    running = [Server(tmp_path, "글쎄요 그럴까요") for _ in range(2)]
    yield running
    for server in running:
        server.responder.close()


@pytest.fixture
def admin(client, boss):
    """Save a row's page in the admin, with these fields changed."""
    client.force_login(boss)

    def save(chat, **changed):
        form = {"correction": chat.correction, "verify": chat.verify, "category": ""} | changed
        response = client.post(reverse("admin:chat_chat_change", args=[chat.pk]), form)
        assert response.status_code == 302

    save.client = client
    return save


def answers(servers, question):
    return [server.ask(question).answer for server in servers]


def test_a_correction_is_live_on_every_server_with_the_next_question(servers, admin):
    wrong = servers[0].ask("이름이 뭐야?")
    assert (wrong.answer, wrong.source) == ("글쎄요 그럴까요", "neural")
    admin(wrong, verify="approved", correction="자람이에요")
    for question in ("이름이 뭐야?", "이름이뭐야", "이름이 뭐야ㅋㅋ", "이름이 뭐야!!"):
        assert answers(servers, question) == ["자람이에요"] * 2
    right = servers[1].ask("이름이 뭐야?")
    assert (right.source, right.nearest[0]["row"]) == ("memory", wrong.pk)


def test_an_answer_marked_wrong_is_given_by_neither_memory_nor_engine(servers, admin):
    wrong = servers[0].ask("이름이 뭐야?")
    admin(wrong, verify="delete")
    for server in servers:
        for question in ("이름이 뭐야?", "이름이 뭐예요?", "이름이뭐야ㅋㅋ", "이름이 머야?"):
            again = server.ask(question)
            assert again.source == "fallback", question
            assert again.answer != "글쎄요 그럴까요"
    assert servers[0].ask("오늘 어때?").answer == "글쎄요 그럴까요"  # wrong for one question only


def test_what_is_rejected_deleted_or_dropped_leaves_with_the_next_question(servers, admin, boss):
    pairs = []
    for question in ("하나", "둘"):
        pairs.append(Chat(question=question, answer=f"{question}이에요", verify="approved"))
        services.add_pair(chat=pairs[-1], origin=Chat.Origin.HAND, reviewer=boss)
    assert answers(servers, "하나") == ["하나이에요"] * 2
    admin.client.post(
        reverse("admin:chat_chat_changelist"), {"action": "mark_for_deletion", "_selected_action": [pairs[0].pk]}
    )
    assert answers(servers, "하나") == ["글쎄요 그럴까요"] * 2
    admin.client.post(
        reverse("admin:chat_chat_changelist"),
        {"action": "delete_selected", "_selected_action": [pairs[1].pk], "post": "yes"},
    )
    assert answers(servers, "둘") == ["글쎄요 그럴까요"] * 2


def test_rejecting_an_answer_of_memory_takes_back_its_approval(servers, admin, boss):
    """Or it would be said again, and learned again, though somebody has judged it wrong."""
    taught = Chat(question="이름이 뭐야?", answer="새싹이에요", verify="approved")
    services.add_pair(chat=taught, origin=Chat.Origin.HAND, reviewer=boss)
    said = servers[0].ask("이름이뭐야")
    assert (said.answer, said.source) == ("새싹이에요", "memory")
    admin(said, verify="delete")
    assert answers(servers, "이름이 뭐야?") == ["글쎄요 그럴까요"] * 2
    taught.refresh_from_db()
    assert (taught.verify, taught.reviewer) == ("delete", boss)
    Chat.objects.all().update(verify="pending")
    Chat.objects.filter(pk=taught.pk).update(verify="approved")
    assert services.set_verify(chats=Chat.objects.filter(pk=said.pk), verify="delete", reviewer=boss) == 2


def test_a_rule_of_the_admin_holds_for_what_is_asked_and_what_is_said(servers):
    BlockRule.objects.create(pattern="그럴까요")
    assert [server.ask("안녕").source for server in servers] == ["fallback"] * 2
    BlockRule.objects.update(pattern="바보")
    BlockRule.objects.get().save()
    assert servers[0].ask("이 바 보야").source == "fallback"
    assert servers[0].ask("안녕").source == "neural"
