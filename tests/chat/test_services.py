import threading
from dataclasses import dataclass

import pytest
from django.db import IntegrityError, connections
from django.utils import timezone

from chat import selectors, services
from chat.models import Category, Chat
from chat.services import NewPair


@dataclass
class Answer:
    text: str = "응"
    source: str = "neural"
    score: float = 0.5
    model: str = "run-1"
    nearest: tuple = ()
    candidates: tuple = ()
    offers: tuple = ()
    blocked: bool = False


class TestStoring:
    def test_same_message_id_gives_the_row_that_exists(self, db):
        first = services.store_question(visitor="v", room="main", question="안녕", client_id="m1")
        second = services.store_question(visitor="v", room="main", question="다른 말", client_id="m1")
        assert (first.pk, second.question) == (second.pk, "안녕")

    def test_questions_without_ids_are_all_kept(self, db):
        for _ in range(2):
            services.store_question(visitor="v", room="main", question="안녕")
        assert Chat.objects.count() == 2

    def test_the_first_answer_stays(self, db):
        chat = services.store_question(visitor="v", room="main", question="안녕")
        services.store_answer(chat_id=chat.pk, answer=Answer("처음"))
        assert services.store_answer(chat_id=chat.pk, answer=Answer("나중")).answer == "처음"

    @pytest.mark.parametrize(("score", "stored"), [(1.0000001, 1.0), (-0.1, 0.0), (0.25, 0.25)])
    def test_score_is_kept_between_0_and_1(self, db, score, stored):
        chat = services.store_question(visitor="v", room="main", question="안녕")
        assert services.store_answer(chat_id=chat.pk, answer=Answer(score=score)).score == stored

    def test_answer_for_a_deleted_row_says_so(self, db):
        with pytest.raises(Chat.DoesNotExist):
            services.store_answer(chat_id=1, answer=Answer())

    @pytest.mark.django_db(transaction=True)
    def test_writers_in_many_threads_lose_nothing(self):
        """SQLite lets one write at a time; the others must wait, not fail."""
        failures = []

        def write(number):
            try:
                for turn in range(10):
                    chat = services.store_question(
                        visitor=f"v{number}", room="main", question="안녕", client_id=str(turn)
                    )
                    services.store_answer(chat_id=chat.pk, answer=Answer())
            except Exception as error:  # noqa: BLE001 - whatever it is, the main thread must see it
                failures.append(error)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert Chat.objects.filter(answered_at__isnull=False).count() == 80

    @pytest.mark.django_db(transaction=True)
    def test_same_message_in_many_threads_is_one_row(self):
        barrier = threading.Barrier(6)
        found = []

        def write():
            barrier.wait()
            found.append(services.store_question(visitor="v", room="main", question="안녕", client_id="m").pk)
            connections.close_all()

        threads = [threading.Thread(target=write) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 6
        assert len(set(found)) == 1


class TestRules:
    """What the database itself refuses, whoever writes."""

    @pytest.mark.parametrize(
        "fields",
        [{"verify": "maybe"}, {"source": "oracle"}, {"origin": "nowhere"}, {"score": 1.5}, {"question": ""}],
        ids=lambda fields: next(iter(fields)),
    )
    def test_unknown_values_are_refused(self, make_chat, fields):
        with pytest.raises(IntegrityError):
            make_chat(**fields)

    def test_one_row_per_message_of_a_visitor(self, make_chat):
        make_chat(session="v", client_id="m")
        make_chat(session="w", client_id="m")
        make_chat(session="v")
        make_chat(session="v")
        with pytest.raises(IntegrityError):
            make_chat(session="v", client_id="m")


class TestAddPairs:
    def add(self, *pairs, approve=True):
        return services.add_pairs(pairs=[NewPair(*pair) for pair in pairs], origin=Chat.Origin.IMPORT, approve=approve)

    def test_new_pairs_keep_their_order(self, db):
        added = self.add(("하나", "1"), ("둘", "2"), ("셋", "3"))
        assert (added.new, added.approved, added.duplicates) == (3, 0, 0)
        assert list(Chat.objects.order_by("pk").values_list("question", flat=True)) == ["하나", "둘", "셋"]

    def test_pairs_that_differ_in_spacing_alone_are_one(self, db):
        added = self.add(("뭐 해?", "쉬어요"), (" 뭐  해? ", "쉬어요"))
        assert (added.new, added.duplicates) == (1, 1)
        assert Chat.objects.get().question == "뭐 해?"

    def test_one_question_may_have_two_answers(self, db):
        assert self.add(("뭐 해?", "쉬어요"), ("뭐 해?", "책 읽어요")).new == 2

    def test_undecided_pairs_are_approved_and_counted(self, db):
        self.add(("뭐 해?", "쉬어요"), approve=False)
        assert Chat.objects.get().verify == "pending"
        added = self.add(("뭐 해?", "쉬어요"))
        assert (added.new, added.approved, added.duplicates) == (0, 1, 0)
        assert Chat.objects.get().verify == "approved"

    def test_what_a_reviewer_marked_for_deletion_stays_marked(self, db):
        self.add(("뭐 해?", "쉬어요"))
        Chat.objects.update(verify="delete")
        added = self.add(("뭐 해?", "쉬어요"))
        assert (added.approved, added.duplicates) == (0, 1)
        assert Chat.objects.get().verify == "delete"

    def test_categories_are_made_once(self, db):
        Category.objects.create(name="인사")
        self.add(("안녕", "응", "인사"), ("잘 가", "응", "인사"), ("배고파", "밥 먹어요", "음식"), ("음", "응"))
        assert set(Category.objects.values_list("name", flat=True)) == {"인사", "음식"}
        assert Chat.objects.get(question="음").category is None

    def test_conversations_are_no_duplicates_of_pairs(self, make_chat):
        make_chat("뭐 해?", "쉬어요")
        assert self.add(("뭐 해?", "쉬어요")).new == 1


class TestTrainingPairs:
    def test_only_approved_rows_are_learned(self, make_chat):
        make_chat("하나", verify="approved")
        make_chat("둘", verify="pending")
        make_chat("셋", verify="delete")
        assert [pair.question for pair in selectors.training_pairs()] == ["하나"]

    def test_the_newest_decision_comes_last(self, make_chat, boss):
        first, second = make_chat("하나", verify="approved"), make_chat("둘", verify="approved")
        services.save_review(chat=second, changed=["verify"], reviewer=boss)
        services.save_review(chat=first, changed=["verify"], reviewer=boss)
        assert [pair.question for pair in selectors.training_pairs()] == ["둘", "하나"]

    def test_the_correction_counts_before_the_answer(self, make_chat):
        make_chat("하나", "나간 답", correction="고친 답", verify="approved")
        make_chat("둘", "나간 답", verify="approved")
        assert [pair.answer for pair in selectors.training_pairs()] == ["고친 답", "나간 답"]

    def test_only_imported_pairs_nobody_corrected_are_bulk(self, make_chat):
        make_chat("하나", origin="import", verify="approved")
        make_chat("둘", origin="import", correction="고친 답", verify="approved")
        for origin in ("hand", "starter", "conversation"):
            make_chat(origin, origin=origin, verify="approved")
        assert [pair.bulk for pair in selectors.training_pairs()] == [True, False, False, False, False]

    def test_canary_is_never_bulk_and_the_newest_decision(self, make_chat, boss):
        canary = make_chat("하나", "첫 답", origin="import", verify="approved")
        make_chat("하나", "다른 답", verify="approved", reviewed_at=timezone.now(), session="visitor-1")
        services.set_canary(chats=Chat.objects.filter(pk=canary.pk), canary=True, reviewer=boss)
        newest = list(selectors.training_pairs())[-1]
        assert (newest.row, newest.canary, newest.bulk, newest.visitor) == (canary.pk, True, False, "")
        services.set_canary(chats=Chat.objects.filter(pk=canary.pk), canary=False, reviewer=boss)
        assert [(pair.canary, pair.bulk, pair.visitor) for pair in selectors.training_pairs()] == [
            (False, False, "visitor-1"),
            (False, True, ""),
        ]

    def test_pairs_know_their_row_and_category(self, make_chat):
        chat = make_chat(verify="approved", category=Category.objects.create(name="인사"))
        (pair,) = selectors.training_pairs()
        assert (pair.row, pair.category) == (chat.pk, "인사")
