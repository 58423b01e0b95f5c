import json

import pytest
from django.utils import translation

from chat import frames
from chat.feedback.services import Given
from chat.models import Chat


def code_of(text):
    with pytest.raises(frames.FrameError) as caught:
        frames.parse(text)
    return caught.value.code


def test_message_and_id_are_read():
    message = frames.parse('{"message": " 안녕  자람아 ", "id": "a-1", "more": 1}')
    assert message == frames.Message(text="안녕  자람아", client_id="a-1")


@pytest.mark.parametrize("id_part", ["", ', "id": null'])
def test_id_may_be_left_out(id_part):
    assert frames.parse('{"message": "안녕"' + id_part + "}").client_id == ""


@pytest.mark.parametrize("text", ["", "안녕", "{", '{"message": "a"', "[" * 9000, "1" * 6000, '{"message": NaN,}'])
def test_what_is_no_json_is_refused(text):
    assert code_of(text) == "bad_json"


@pytest.mark.parametrize("text", ["[]", '"안녕"', "null", "3", "{}"])
def test_json_without_a_message_is_refused(text):
    assert code_of(text) == "bad_message"


@pytest.mark.parametrize("value", ["", " ", "\n\t", "\u3000", "\u200b", None, 3, True, [], {}, ["안녕"]])
def test_message_that_is_no_text_is_refused(value):
    assert code_of(json.dumps({"message": value})) == "bad_message"


@pytest.mark.parametrize("escape", [r"\ud800", r"\udc00 뒤", r"\udc00\ud800", r"\u0000", r"앞\u0000뒤"])
def test_text_no_database_can_hold_is_refused(escape):
    assert code_of('{"message": "' + escape + '"}') == "bad_message"


def test_a_whole_surrogate_pair_is_a_character():
    assert frames.parse(r'{"message": "\ud83d\ude00"}').text == "😀"


def test_600_characters_pass_and_601_do_not():
    assert len(frames.parse(json.dumps({"message": "😀" * 600, "id": "😀" * 64})).text) == 600
    assert code_of(json.dumps({"message": "가" * 601})) == "too_long"


def test_over_long_frame_is_not_even_parsed():
    assert code_of("[" * 20_000) == "too_long"


def test_binary_frame_is_refused():
    assert code_of(None) == "binary"


@pytest.mark.parametrize("client_id", ["", "x" * 65, 1, [], {}, True, "a\0", "\ud800"])
def test_invalid_id_is_refused_and_not_sent_back(client_id):
    with pytest.raises(frames.FrameError) as caught:
        frames.parse(json.dumps({"message": "안녕", "id": client_id}))
    assert (caught.value.code, caught.value.client_id) == ("bad_message", "")


def test_valid_id_comes_back_with_the_error():
    with pytest.raises(frames.FrameError) as caught:
        frames.parse('{"message": "", "id": "m1"}')
    assert caught.value.client_id == "m1"


def test_answer_frame_holds_what_the_design_says():
    chat = Chat(pk=17, answer="응", client_id="m1", source="neural", score=0.83, model_version="run")
    assert json.loads(frames.answer_frame(chat)) == {
        "message": "응",
        "chat": 17,
        "id": "m1",
        "source": "neural",
        "score": 0.83,
        "model": "run",
    }


def test_answer_frame_of_a_client_without_ids_has_none():
    assert "id" not in json.loads(frames.answer_frame(Chat(pk=1, answer="응")))


@pytest.mark.parametrize("code", frames.DETAILS)
def test_every_error_is_told_in_korean_and_in_english(code):
    with translation.override("ko"):
        korean = json.loads(frames.error_frame(code))["error"]["detail"]
    with translation.override("en"):
        english = json.loads(frames.error_frame(code))["error"]["detail"]
    assert any("가" <= character <= "힣" for character in korean)
    assert english.isascii()


def test_the_limit_told_is_the_limit():
    assert str(frames.MAX_MESSAGE_LENGTH) in str(frames.DETAILS["too_long"])


class TestFeedback:
    @pytest.mark.parametrize(
        ("parts", "given"),
        [
            ({"thumb": "up"}, Given(thumb="up")),
            ({"thumb": "", "reaction": "😀"}, Given(thumb="", reaction="😀")),
            ({"suggestion": "가" * 600}, Given(suggestion="가" * 600)),
        ],
    )
    def test_its_parts_are_read(self, parts, given):
        frame = frames.parse(json.dumps({"feedback": {"chat": 17} | parts}))
        assert frame == frames.FeedbackOnAnswer(17, given)

    @pytest.mark.parametrize(
        "content",
        [
            None,
            [],
            {},
            {"thumb": "up"},
            {"chat": "17", "thumb": "up"},
            {"chat": True, "thumb": "up"},
            {"chat": 0, "thumb": "up"},
            {"chat": 2**63, "thumb": "up"},
            {"chat": 17},
            {"chat": 17, "thumb": "sideways"},
            {"chat": 17, "thumb": None},
            {"chat": 17, "reaction": "좋아"},
            {"chat": 17, "suggestion": ["가"]},
            {"chat": 17, "suggestion": "a\0"},
        ],
    )
    def test_that_cannot_be_read_is_refused(self, content):
        assert code_of(json.dumps({"feedback": content})) == "bad_feedback"

    def test_a_long_suggestion_is_refused_and_says_of_which_answer(self):
        with pytest.raises(frames.FrameError) as caught:
            frames.parse(json.dumps({"feedback": {"chat": 17, "suggestion": "가" * 601}}))
        assert (caught.value.code, caught.value.chat_id) == ("too_long", 17)

    @pytest.mark.parametrize("seen", [[], [1, 2]])
    def test_seen_notes_are_read(self, seen):
        assert frames.parse(json.dumps({"seen": seen})) == frames.Seen(seen)

    @pytest.mark.parametrize("seen", [None, 1, ["1"], [-1]])
    def test_other_things_are_no_seen_notes(self, seen):
        assert code_of(json.dumps({"seen": seen})) == "bad_feedback"


@pytest.mark.parametrize("mode", ["hybrid", "neural", "memory"])
def test_mode_is_read(mode):
    assert frames.parse(json.dumps({"message": "안녕", "mode": mode})).mode == mode


@pytest.mark.parametrize("mode", ["", "engine", 1, ["neural"]])
def test_unknown_mode_is_refused(mode):
    assert code_of(json.dumps({"message": "안녕", "mode": mode})) == "bad_message"


def test_answer_frame_brings_what_can_be_asked_instead():
    chat = Chat(pk=1, answer="아직 몰라요", offers=["이름이 뭐야?"])
    assert json.loads(frames.answer_frame(chat))["offers"] == ["이름이 뭐야?"]
    assert "offers" not in json.loads(frames.answer_frame(Chat(pk=1, answer="응")))
