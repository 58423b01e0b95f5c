from datetime import timedelta

import pytest
from django.utils import timezone

from chat import selectors, services
from chat.feedback.selectors import taught
from chat.feedback.services import (
    ANSWERS_BETWEEN_ASKING,
    FeedbackError,
    Given,
    drop_visitor,
    give_feedback,
    is_reaction,
    mark_told,
    restore_visitor,
)
from chat.models import Chat, Feedback, Visitor


def give(chat, visitor="v", **parts):
    return give_feedback(visitor=visitor, chat_id=chat.pk, given=Given(**parts))


def refusal(chat, visitor="v", **parts):
    with pytest.raises(FeedbackError) as caught:
        give(chat, visitor, **parts)
    return caught.value.code


@pytest.fixture
def answer(make_chat):
    """Make one more answer that the visitor "v" got."""
    return lambda **fields: make_chat(**({"session": "v"} | fields))


class TestGiving:
    def test_what_is_given_is_kept_together(self, answer):
        chat = answer()
        give(chat, thumb="up")
        give(chat, reaction="😀")
        give(chat, suggestion=" 어서 와요 ")
        feedback = Feedback.objects.get()
        assert (feedback.thumb, feedback.reaction, feedback.suggestion) == ("up", "😀", "어서 와요")
        assert feedback.chat == chat and feedback.visitor.key == "v"

    def test_it_can_be_taken_back(self, answer):
        chat = answer()
        give(chat, thumb="up", reaction="😀", suggestion="어서 와요")
        give(chat, thumb="", reaction="", suggestion=" ")
        feedback = Feedback.objects.get()
        assert (feedback.thumb, feedback.reaction, feedback.suggestion, feedback.suggested_at) == ("", "", "", None)

    def test_only_who_got_an_answer_may_speak_of_it(self, answer, make_chat):
        assert refusal(answer(), visitor="w", thumb="up") == "not_yours"
        assert refusal(make_chat("아직", "", session="v"), thumb="up") == "not_yours"
        assert refusal(make_chat(session="v", origin="import"), thumb="up") == "not_yours"
        assert not Feedback.objects.exists() and not Visitor.objects.exists()

    def test_a_suggestion_is_no_training_data(self, answer):
        give(answer(), thumb="down", suggestion="어서 와요")
        assert list(selectors.training_pairs()) == []

    @pytest.mark.parametrize("text", ["😀", "👍🏽", "❤️", "👨‍👩‍👧", "🇰🇷", "⭐"])
    def test_emoji_are_reactions(self, text):
        assert is_reaction(text)

    @pytest.mark.parametrize("text", ["", "a", "가", "1", "😀" * 17, "😀a", "<b>", " "])
    def test_anything_else_is_none(self, text):
        assert not is_reaction(text)


class TestAsking:
    def test_a_thumb_down_is_asked_about(self, answer):
        assert not give(answer(), thumb="up").ask
        assert give(answer(), thumb="down").ask

    def test_never_twice_about_one_answer(self, answer):
        chat = answer()
        assert give(chat, thumb="down").ask
        for _ in range(ANSWERS_BETWEEN_ASKING + 1):
            answer()
        give(chat, thumb="")
        assert not give(chat, thumb="down").ask

    def test_at_most_once_in_ten_answers(self, answer):
        asked = [give(answer(), thumb="down").ask for _ in range(2 * ANSWERS_BETWEEN_ASKING + 1)]
        assert [number for number, ask in enumerate(asked) if ask] == [0, 10, 20]

    def test_nor_about_old_answers_one_after_the_other(self, answer):
        old = [answer() for _ in range(3)]
        assert [give(chat, thumb="down").ask for chat in old] == [True, False, False]

    def test_not_where_a_suggestion_came_by_itself_or_would_not_be_taken(self, answer, settings):
        assert not give(answer(), thumb="down", suggestion="어서 와요").ask
        settings.SUGGESTIONS_PER_DAY = 1
        assert not give(answer(), thumb="down").ask

    def test_visitors_are_asked_apart(self, answer):
        assert give(answer(), thumb="down").ask
        assert give(answer(session="w"), visitor="w", thumb="down").ask


class TestQuota:
    @pytest.fixture(autouse=True)
    def two_a_day(self, settings):
        settings.SUGGESTIONS_PER_DAY = 2

    def test_further_suggestions_are_refused_and_the_rest_is_taken(self, answer):
        for _ in range(2):
            give(answer(), suggestion="어서 와요")
        third = answer()
        assert refusal(third, thumb="down", suggestion="어서 와요") == "enough_today"
        assert not Feedback.objects.filter(chat=third).exists()
        give(third, thumb="down")
        assert Feedback.objects.get(chat=third).thumb == "down"

    def test_a_suggestion_can_be_reworded(self, answer):
        chats = [answer(), answer()]
        for chat in chats:
            give(chat, suggestion="어서 와요")
        give(chats[0], suggestion="반갑습니다")
        assert Feedback.objects.get(chat=chats[0]).suggestion == "반갑습니다"

    def test_a_day_later_there_is_room_again(self, answer):
        for _ in range(2):
            give(answer(), suggestion="어서 와요")
        Feedback.objects.update(suggested_at=timezone.now() - timedelta(days=1))
        give(answer(), suggestion="어서 와요")

    def test_trusted_visitors_have_none(self, answer):
        Visitor.objects.create(key="v", trusted=True)
        for _ in range(3):
            give(answer(), suggestion="어서 와요")

    def test_nothing_is_taken_from_dropped_ones(self, answer, boss):
        drop_visitor(visitor=Visitor.objects.create(key="v", trusted=True), by=boss)
        assert refusal(answer(), suggestion="어서 와요") == "enough_today"


class TestTaught:
    @pytest.fixture
    def correct(self, boss):
        def correct(chat, correction="자람이에요", verify="approved"):
            chat.correction, chat.verify = correction, verify
            services.save_review(chat=chat, changed=["correction", "verify"], reviewer=boss)

        return correct

    @pytest.mark.parametrize("parts", [{"thumb": "down"}, {"suggestion": "자람이야"}])
    def test_a_correction_after_a_complaint_is_told_once(self, answer, correct, parts):
        chat = answer(question="이름이 뭐야?")
        give(chat, **parts)
        assert taught(visitor="v") == []
        correct(chat)
        (note,) = taught(visitor="v")
        assert note.as_context() == {"chat": chat.pk, "question": "이름이 뭐야?", "answer": "자람이에요"}
        assert taught(visitor="w") == taught(visitor="") == []
        mark_told(visitor="w", chat_ids=[chat.pk])
        assert taught(visitor="v") == [note]
        mark_told(visitor="v", chat_ids=[chat.pk])
        assert taught(visitor="v") == []

    def test_what_is_marked_before_it_is_to_be_told_is_told_then(self, answer, correct):
        chat = answer()
        give(chat, thumb="down")
        mark_told(visitor="v", chat_ids=[chat.pk])
        correct(chat)
        assert len(taught(visitor="v")) == 1

    def test_praise_a_pending_correction_and_an_answer_left_as_it_was_teach_nothing(self, answer, correct):
        praised, pending, kept = answer(), answer(), answer()
        give(praised, thumb="up")
        give(pending, thumb="down")
        give(kept, thumb="down")
        correct(praised)
        correct(pending, verify="pending")
        correct(kept, correction="")
        assert taught(visitor="v") == []

    def test_a_correction_from_before_the_complaint_is_not_theirs(self, answer, correct):
        chat = answer()
        correct(chat)
        give(chat, thumb="down")
        assert taught(visitor="v") == []


class TestDropping:
    def test_training_goes_without_and_comes_back(self, answer, make_chat, boss):
        answer(verify="approved")
        make_chat("다른 질문", verify="approved")
        visitor = Visitor.objects.create(key="v")
        give(answer(), suggestion="어서 와요")
        assert drop_visitor(visitor=visitor, by=boss) == 2
        assert [pair.question for pair in selectors.training_pairs()] == ["다른 질문"]
        assert (visitor.is_dropped, visitor.dropped_by) == (True, boss)
        assert not Feedback.objects.counted().exists()
        assert Chat.objects.of_kept_visitors().count() == 1
        assert restore_visitor(visitor=visitor) == 2
        assert len(list(selectors.training_pairs())) == 2
        assert Feedback.objects.counted().exists()

    def test_dropping_again_keeps_who_did_it_first(self, boss, django_user_model):
        visitor = Visitor.objects.create(key="v")
        drop_visitor(visitor=visitor, by=boss)
        drop_visitor(visitor=visitor, by=django_user_model.objects.create_user("other"))
        assert visitor.dropped_by == boss
