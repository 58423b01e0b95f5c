"""What visitors say of answers, and what they are told back: thumbs, emoji, suggestions, offers, lessons."""

import json
import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.slow, pytest.mark.browser]

UP, DOWN, EMOJI = "좋은 답이에요", "아쉬운 답이에요", "이모지 남기기"
ASK = "뭐라고 답했어야 할까요?"
THANKS = "고마워요! 알려 주신 답은 살펴본 뒤에 배울게요."
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
RECONNECTION = 20_000.0  # milliseconds: the longest wait between attempts, and some

# Done in the site: a reviewer's correction of the visitor's only answer, and an account that may use the admin.
TEACH = """
from django.contrib.auth.models import User
from chat.models import Chat
from chat.services import save_review
User.objects.create_user("somebody", password="pass", is_staff=True)
chat = Chat.objects.get(question="어디서 배웠어?")
chat.correction, chat.verify = "여기서 배웠어요.", "approved"
save_review(chat=chat, changed=["correction", "verify"], reviewer=User.objects.get(username="somebody"))
"""


class Answer:
    """One answer in the page with all that belongs to it."""

    def __init__(self, talk, index=-1):
        self.page = talk.page
        self.line = talk.page.locator(".message--answer").nth(index)

    def button(self, name):
        return self.line.get_by_role("button", name=name, exact=True)

    @property
    def box(self):
        return self.line.get_by_role("textbox", name=ASK)

    @property
    def note(self):
        return self.line.locator(".aftermath__note span")

    def expect_pressed(self, *names):
        for name in (UP, DOWN):
            expect(self.button(name)).to_have_attribute("aria-pressed", str(name in names).lower())


def talk_about(talk, *texts):
    for text in texts:
        talk.say(text)
        talk.expect_answer(text)
    return Answer(talk)


def remembered(talk):
    """What the server holds of each answer, oldest first: thumb, emoji, whether a suggestion was made."""
    messages = talk.page.request.get(f"{talk.url}/history/").json()["messages"]
    return [tuple(message["feedback"][name] for name in ("thumb", "reaction", "suggested")) for message in messages]


def expect_remembered(talk, *states):
    for _ in range(100):
        if remembered(talk) == list(states):
            return
        talk.page.wait_for_timeout(100)
    assert remembered(talk) == list(states)


def kept(talk):
    """How much feedback still waits in the browser."""
    return talk.page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('jaram.feedback.')).length")


def refuse(talk, answer_for):
    """Let ``answer_for(feedback)`` answer feedback in the server's place, where it gives a frame."""

    def route(socket):
        server = socket.connect_to_server()

        def from_page(text):
            feedback = json.loads(text).get("feedback")
            frame = answer_for(feedback) if feedback else None
            if frame is None:
                server.send(text)
            else:
                socket.send(json.dumps(frame))

        socket.on_message(from_page)

    talk.page.route_web_socket(re.compile("/ws/chat/"), route)
    talk.open()


def test_thumbs_and_emoji_are_given_and_taken_back_by_keys_alone(visit):
    talk = visit()
    answer = talk_about(talk, "하나", "둘")
    keys = talk.page.keyboard
    expect(answer.line.get_by_role("toolbar", name="이 답은 어땠나요?")).to_be_visible()
    keys.press("Shift+Tab")
    expect(answer.button(UP)).to_be_focused()
    keys.press("Space")
    answer.expect_pressed(UP)
    keys.press("ArrowUp")  # to the answer before
    first = Answer(talk, 0)
    expect(first.button(UP)).to_be_focused()
    keys.press("ArrowRight")
    keys.press("ArrowRight")
    keys.press("Enter")
    expect(first.button(EMOJI)).to_have_attribute("aria-expanded", "true")
    keys.press("Escape")
    expect(first.button(EMOJI)).to_be_focused()
    keys.press("Enter")
    keys.press("ArrowRight")
    keys.press("Enter")
    chosen = first.button("남긴 이모지: 재미있어요")
    expect(chosen).to_be_focused()
    expect_remembered(talk, ("", "😂", False), ("up", "", False))
    talk.page.reload()
    expect(Answer(talk, 0).button("남긴 이모지: 재미있어요")).to_be_visible()
    answer.expect_pressed(UP)
    answer.button(UP).press("Enter")
    answer.expect_pressed()
    expect_remembered(talk, ("", "😂", False), ("", "", False))
    answer.button(UP).press("Tab")
    expect(talk.box).to_be_focused()  # all buttons of all answers are one stop on the way


def test_the_box_after_a_thumb_down_closes_with_escape_and_does_not_come_again(visit):
    talk = visit()
    answer = talk_about(talk, "아쉬운 답을 해 줘")
    answer.button(DOWN).press("Enter")
    expect(answer.box).to_be_focused()
    answer.box.fill("쓰다가 만 답")
    answer.box.press("Escape")
    expect(answer.box).to_have_count(0)
    expect(answer.button(DOWN)).to_be_focused()
    answer.expect_pressed(DOWN)
    for _ in range(2):  # taken back, given again
        talk.page.keyboard.press("Enter")
    expect_remembered(talk, ("down", "", False))
    expect(answer.box).to_have_count(0)
    talk_about(talk, "또 물어보지는 마").button(DOWN).click()
    expect_remembered(talk, ("down", "", False), ("down", "", False))
    expect(talk.page.get_by_role("textbox", name=ASK)).to_have_count(0)


def test_a_suggestion_outlives_a_reload_half_written_and_is_sent_and_thanked_for(visit):
    talk = visit()
    answer = talk_about(talk, "가르쳐 줄게")
    answer.button(DOWN).click()
    answer.box.fill("이렇게 답했어야지")
    talk.page.reload()
    expect(answer.box).to_have_value("이렇게 답했어야지")
    answer.box.press("Enter")
    expect(answer.note).to_have_text(THANKS)
    expect(talk.page.locator("#announcer")).to_have_text(THANKS)
    expect(answer.button(DOWN)).to_be_focused()
    expect_remembered(talk, ("down", "", True))
    talk.page.reload()
    expect(answer.note).to_have_text(THANKS)
    answer.expect_pressed(DOWN)
    expect(answer.box).to_have_count(0)


def test_a_phone_shows_the_buttons_of_the_newest_answer_and_of_a_tapped_one(visit):
    talk = visit(**PHONE)
    answer = talk_about(talk, "처음", "나중")
    first = Answer(talk, 0)
    shown = "(bar) => bar.getBoundingClientRect().height"
    assert answer.line.locator(".feedback__bar").evaluate(shown) >= 40
    assert first.line.locator(".feedback__bar").evaluate(shown) == 0
    first.line.locator(".bubble").tap()
    first.button(DOWN).tap()
    expect(first.box).to_be_visible()
    expect(first.box).not_to_be_focused()  # nothing opens the keyboard but the visitor
    expect(talk.page.locator("#announcer")).to_have_text("뭐라고 답했어야 할까요? 답 아래 칸에 적어 주세요.")
    answer.button(EMOJI).tap()
    assert talk.page.get_by_role("button", name="놀라워요").bounding_box()["width"] >= 40
    talk.page.get_by_role("button", name="놀라워요").tap()
    expect_remembered(talk, ("down", "", False), ("", "😮", False))


def test_what_is_offered_is_asked_by_a_press_and_offered_after_a_reload(visit):
    talk = visit()
    answer = talk_about(talk, "모르는 걸 물어볼게")
    offers = answer.line.get_by_role("group", name="이런 건 답할 수 있어요").get_by_role("button")
    expect(offers).to_have_count(2)
    offers.first.dblclick()
    talk.expect_answer("이름이 뭐야?")
    assert talk.questions() == ["모르는 걸 물어볼게", "이름이 뭐야?"]
    talk.page.reload()
    expect(Answer(talk, 0).line.get_by_role("button", name="이름이 뭐야?")).to_be_visible()
    expect(Answer(talk).line.locator(".offers")).to_be_hidden()


def test_feedback_given_during_an_outage_arrives_even_if_the_page_was_closed(visit, site):
    talk = visit()
    answer = talk_about(talk, "끊기기 전에", "한마디 더")
    first = Answer(talk, 0)
    site.kill()
    expect(talk.page.locator("#presence")).to_have_attribute("data-online", "false")
    answer.button(UP).click()
    answer.button(DOWN).click()  # the last word counts
    expect(answer.note).to_have_text("연결되면 보낼게요")
    first.button(UP).click()
    assert kept(talk) == 2
    talk.page.close()
    site.start()
    talk.page = talk.context.new_page()
    talk.open()
    expect_remembered(talk, ("up", "", False), ("down", "", False))
    Answer(talk, 0).expect_pressed(UP)
    Answer(talk, 1).expect_pressed(DOWN)
    assert kept(talk) == 0


def test_a_refused_suggestion_goes_back_into_its_box_and_takes_no_thumb_with_it(visit):
    talk = visit()
    error = {"code": "enough_today", "detail": "오늘은 여기까지만 받을게요."}
    refuse(talk, lambda given: {"error": error, "chat": given["chat"]} if "suggestion" in given else None)
    answer = talk_about(talk, "오늘은 그만")
    answer.button(DOWN).click()
    answer.box.fill("이것도 배워")
    answer.line.get_by_role("button", name="알려 주기").click()
    expect(answer.line.get_by_role("alert")).to_have_text("오늘은 여기까지만 받을게요.")
    expect(answer.box).to_have_value("이것도 배워")
    answer.expect_pressed(DOWN)
    expect_remembered(talk, ("down", "", False))


def test_feedback_that_fails_is_tried_again_and_then_told(visit):
    talk = visit()
    failing = [True] * 4
    error = {"code": "unavailable", "detail": ""}
    refuse(talk, lambda given: {"error": error, "chat": given["chat"]} if failing and failing.pop() else None)
    talk.page.evaluate("() => { const wait = setTimeout; window.setTimeout = (run, ms) => wait(run, ms / 20); }")
    answer = talk_about(talk, "잘 안 되네")
    answer.button(UP).click()
    expect(answer.note).to_have_text("의견을 보내지 못했어요.")
    answer.expect_pressed(UP)
    answer.button("다시 보내기").click()
    expect(answer.note).to_be_hidden()
    expect_remembered(talk, ("up", "", False))


def test_what_a_visitor_taught_is_told_on_the_next_visit_until_it_was_read(visit, site):
    talk = visit()
    answer = talk_about(talk, "어디서 배웠어?")
    answer.button(DOWN).click()
    expect_remembered(talk, ("down", "", False))
    expect(talk.page.locator("#mode")).to_have_count(0)  # for staff only
    site.manage("shell", "-c", TEACH)
    talk.open()
    card = talk.page.get_by_role("complementary", name="덕분에 이렇게 배웠어요")
    expect(card).to_contain_text("어디서 배웠어?")
    expect(card).to_contain_text("여기서 배웠어요.")
    assert [found for found in talk.contrasts("dark") + talk.contrasts("light") if found[-1] < 4.5] == []
    talk.context.set_offline(True)
    card.get_by_role("button", name="확인했어요").press("Enter")
    expect(card).to_have_count(0)
    expect(talk.page.get_by_role("log")).to_be_focused()
    talk.context.set_offline(False)
    expect(talk.page.locator("#presence")).to_have_attribute("data-online", "true")
    talk.open()
    expect(card).to_have_count(0)
    ask_as_staff(talk)


def ask_as_staff(talk):
    """Log this browser in, choose who answers, and see that it holds for what is asked and over a reload."""
    talk.page.goto(f"{talk.url}/admin/login/?next=/")
    talk.page.locator("#id_username").fill("somebody")
    talk.page.locator("#id_password").fill("pass")
    talk.page.locator("#id_password").press("Enter")
    choice = talk.page.get_by_role("combobox", name="답하는 방식")
    choice.select_option("기억만")
    talk.say("누가 답해?")
    answers = talk.page.locator(".bubble__text")
    expect(answers.last).to_have_text("누가 답해?, 라고 하셨군요! (memory)")
    talk.page.reload()
    expect(choice).to_have_value("memory")
