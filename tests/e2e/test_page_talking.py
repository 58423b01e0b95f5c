"""Talking on the chat page: writing, sending, being answered, finding it all again."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_jaram_greets_and_answers(visit):
    talk = visit()
    page = talk.page
    expect(page.locator("#greeting")).to_contain_text("저는 자람이에요")
    talk.say("안녕?")
    talk.expect_answer("안녕?")
    assert talk.questions() == ["안녕?"]
    mine = talk.mine
    expect(mine).to_have_attribute("data-state", "sent")
    expect(mine.locator("time")).to_have_text(re.compile(r"^(오전|오후) \d{1,2}:\d\d$"))
    expect(page.locator(".message--jaram[data-key] time")).to_have_text(re.compile(r"^(오전|오후) \d{1,2}:\d\d$"))
    expect(page.locator(".divider--day")).to_have_text("오늘")


def test_a_suggestion_starts_the_conversation_and_then_goes(visit):
    talk = visit()
    page = talk.page
    page.get_by_role("button", name="너 누구야?").click()
    talk.expect_answer("너 누구야?")
    expect(page.locator("#starters")).to_be_hidden()


def test_enter_sends_once_even_when_held_down(visit):
    talk = visit()
    page = talk.page
    talk.box.fill("한 번만")
    for _ in range(4):
        page.keyboard.down("Enter")  # from the second on, Chromium marks the event as a repetition
    page.keyboard.up("Enter")
    talk.expect_answer("한 번만")
    assert talk.questions() == ["한 번만"]
    assert [question for question, _answer in talk.stored()] == ["한 번만"]
    expect(talk.box).to_have_value("")


def test_shift_enter_breaks_the_line_and_the_box_grows(visit):
    talk = visit()
    page = talk.page
    box = talk.box
    low = box.bounding_box()
    box.press_sequentially("첫 줄")
    for line in ("둘째 줄", "셋째 줄"):
        box.press("Shift+Enter")
        box.press_sequentially(line)
    high = box.bounding_box()
    assert low and high and high["height"] > low["height"] + 40
    box.press("Enter")
    expect(page.locator(".message--mine .bubble")).to_have_text("첫 줄\n둘째 줄\n셋째 줄", use_inner_text=True)
    shrunk = box.bounding_box()
    assert shrunk and shrunk["height"] == low["height"]


def test_spaces_alone_are_not_sent(visit):
    talk = visit()
    page = talk.page
    talk.box.fill("  \n ")
    expect(page.locator("#send")).to_be_disabled()
    talk.box.press("Enter")
    talk.say("이건 가요")
    talk.expect_answer("이건 가요")
    assert talk.questions() == ["이건 가요"]


def compose(page: Page, text: str) -> Any:
    """Leave ``text`` in the box as an unfinished composition, as an input method does; return the CDP session."""
    page.locator("#message").focus()
    session = page.context.new_cdp_session(page)
    session.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})
    return session


def test_enter_during_composition_ends_the_syllable_and_sends_nothing(visit):
    talk = visit()
    page = talk.page
    page.evaluate(
        """() => document.getElementById("message").addEventListener("keydown",
             (event) => { window.seen = {key: event.key, composing: event.isComposing}; }, true)"""
    )
    session = compose(page, "안녕")
    enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}
    session.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **enter})
    assert page.evaluate("window.seen") == {"key": "Enter", "composing": True}
    session.send("Input.insertText", {"text": "안녕"})  # the input method commits
    session.send("Input.dispatchKeyEvent", {"type": "keyUp", **enter})
    expect(talk.box).to_have_value("안녕")
    assert talk.questions() == []
    talk.box.press("Enter")
    talk.expect_answer("안녕")
    assert talk.questions() == ["안녕"]


def test_the_enter_that_safari_reports_after_the_composition_sends_nothing(visit):
    talk = visit()
    page = talk.page
    talk.box.fill("안녕")
    prevented = page.evaluate(
        """() => !document.getElementById("message").dispatchEvent(new KeyboardEvent("keydown",
             {key: "Enter", keyCode: 229, isComposing: false, bubbles: true, cancelable: true}))"""
    )
    assert not prevented
    expect(talk.box).to_have_value("안녕")
    assert talk.questions() == []


def test_a_line_break_that_an_input_method_adds_to_its_enter_is_dropped(visit):
    talk = visit()
    page = talk.page
    session = compose(page, "네")
    session.send(
        "Input.dispatchKeyEvent",
        {"type": "rawKeyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229},
    )
    session.send("Input.insertText", {"text": "네"})
    session.send("Input.dispatchKeyEvent", {"type": "char", "key": "Enter", "text": "\r"})
    expect(talk.box).to_have_value("네")


def test_the_button_sends_a_composition_whole_and_leaves_nothing_behind(visit):
    talk = visit()
    page = talk.page
    compose(page, "반가워")
    page.locator("#send").click()
    talk.expect_answer("반가워")
    assert talk.questions() == ["반가워"]
    expect(talk.box).to_have_value("")
    expect(talk.box).to_be_focused()


def test_markup_is_shown_as_text(visit):
    talk = visit()
    page = talk.page
    markup = "<img src=x onerror=\"document.title='!'\"> <b>굵게</b> &amp; <script>1</script>"
    talk.say(markup)
    talk.expect_answer(markup)
    assert talk.questions() == [markup]
    assert page.locator("#messages .bubble *:not(.bubble__quote):not(.bubble__text)").count() == 0
    assert "자람" in page.title()


def test_typing_shows_while_jaram_thinks(visit):
    talk = visit()
    page = talk.page
    expect(page.locator("#typing")).to_be_hidden()
    talk.say("천천히 말해 줘")
    expect(page.locator("#typing")).to_be_visible()
    expect(talk.mine).to_have_attribute("data-state", "sent")
    talk.expect_answer("천천히 말해 줘")
    expect(page.locator("#typing")).to_be_hidden()


def test_an_answer_that_comes_late_names_its_question(visit):
    talk = visit()
    page = talk.page
    talk.say("천천히 대답할 말")
    talk.say("먼저 대답할 말")
    talk.expect_answer("천천히 대답할 말")
    assert talk.answers() == ["먼저 대답할 말, 라고 하셨군요!", "천천히 대답할 말, 라고 하셨군요!"]
    expect(page.locator(".bubble__quote").last).to_have_text("천천히 대답할 말")


def test_the_conversation_is_there_after_a_reload_and_nobody_else_sees_it(visit):
    talk = visit()
    page = talk.page
    for text in ("첫 번째", "두 번째"):
        talk.say(text)
        talk.expect_answer(text)
    before = page.locator("#messages .bubble").all_text_contents()
    page.reload()
    talk.expect_answer("두 번째")
    assert page.locator("#messages .bubble").all_text_contents() == before
    expect(page.locator("#starters")).to_be_hidden()
    assert visit().questions() == []


def test_the_limit_counts_letters_and_not_code_units(visit):
    talk = visit()
    page = talk.page
    box = talk.box
    expect(page.locator("#counter")).to_be_hidden()
    box.fill("🌱" * 601)
    expect(page.locator("#counter")).to_have_text("601 / 600")
    expect(page.locator("#over")).not_to_be_empty()
    expect(page.locator("#send")).to_be_disabled()
    expect(box).to_have_attribute("aria-invalid", "true")
    box.press("Enter")
    assert talk.questions() == []
    box.fill("🌱" * 600)
    expect(page.locator("#counter")).to_have_text("600 / 600")
    box.press("Enter")
    talk.expect_answer("🌱" * 600)


def test_a_new_model_is_celebrated_once(visit):
    talk = visit()
    page = talk.page
    for text in ("안녕", "많이 자랐니", "정말 자랐니"):
        talk.say(text)
        talk.expect_answer(text)
    expect(page.locator(".divider--grown")).to_have_count(1)


def test_the_language_is_switched_and_the_draft_stays(visit):
    talk = visit()
    page = talk.page
    assert page.locator("html").get_attribute("lang") == "ko"
    talk.box.fill("쓰다 만 말")
    page.get_by_role("button", name="View this page in English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#greeting")).to_contain_text("I'm Jaram")
    expect(talk.box).to_have_value("쓰다 만 말")
    talk.box.press("Enter")
    expect(page.locator(".message--mine time")).to_have_text(re.compile(r"^\d{1,2}:\d\d\s[AP]M$"))
    untranslated = page.evaluate(
        """() => Object.entries(document.getElementById("talk").dataset)
             .filter(([name, text]) => name.startsWith("text") && /[가-힣]/.test(text)).map(([name]) => name)"""
    )
    assert untranslated == []
    page.get_by_role("button", name="이 페이지를 한국어로 보기").click()
    expect(page.locator("html")).to_have_attribute("lang", "ko")
