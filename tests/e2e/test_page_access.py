"""The page for every eye, hand and screen: keyboard, screen reader, contrast, sizes, light and dark, CSP."""

from uuid import uuid4

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.slow, pytest.mark.browser]

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}
LONG = "가나다라마바사" * 30 + " " + "https://example.com/" + "w" * 150


def to_the_top(page):
    """Put the keyboard where it is in a page just opened: before everything."""
    page.evaluate("document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')")


def fill(talk):
    """Bring every kind of text into the page: answers, offers, a suggestion, failures, quotes, counter, notice."""
    talk.say("모르는 것")
    talk.expect_answer("모르는 것")
    talk.page.get_by_role("button", name="아쉬운 답이에요").click()
    expect(talk.page.locator(".suggestion")).to_be_visible()
    talk.say("천천히 말해 줘")
    talk.say(f"시간초과 {uuid4().hex[:6]}")  # the server fails each text only once
    expect(talk.mine.last).to_have_attribute("data-state", "failed")
    talk.say("자랐니?")
    talk.expect_answer("천천히 말해 줘")
    talk.expect_answer("자랐니?")
    talk.box.fill("글" * 590)
    talk.page.evaluate("document.getElementById('notice').hidden = false")
    talk.page.evaluate("document.getElementById('notice-text').textContent = '알림'")
    emoji = talk.page.get_by_role("button", name="이모지 남기기")
    expect(emoji).to_have_count(3)  # a new answer's buttons follow it
    emoji.last.click()
    talk.page.wait_for_timeout(100)  # the box has grown, and the page has scrolled to its end again
    talk.page.evaluate("document.getElementById('newer').hidden = false")


def test_every_text_stands_out_from_its_ground_in_light_and_dark(visit):
    talk = visit()
    greeted = talk.contrasts("light") + talk.contrasts("dark")
    fill(talk)
    filled = talk.contrasts("dark") + talk.contrasts("light")
    assert len(filled) > 30
    assert [item for item in greeted + filled if item[-1] < 4.5] == []


def test_light_and_dark_differ(visit):
    page = visit().page
    grounds = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        grounds.append(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
    assert grounds == ["rgb(243, 247, 240)", "rgb(16, 23, 19)"]


def test_nothing_is_wider_than_the_screen(visit):
    talk = visit()
    talk.say(LONG)
    talk.expect_answer(LONG)
    talk.box.fill(LONG)
    for width in (320, 390, 1280):
        talk.page.set_viewport_size({"width": width, "height": 800})
        assert too_wide(talk.page) == [], width


def too_wide(page):
    return page.evaluate(
        """() => [...document.querySelectorAll("html, body, #log, body *")]
             .filter((element) => !element.closest(".hidden, .skip, svg, [class*=state-text]"))
             .filter((element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0
                                  || element.getBoundingClientRect().right > innerWidth + 1)
             .map((element) => `${element.tagName}.${element.className}`)"""
    )


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_header_message_box_and_newest_message_stay_in_view(visit, viewport):
    talk = visit(viewport=viewport)
    for text in ("하나", LONG, LONG + "!"):
        talk.say(text)
        talk.expect_answer(text)
    for selector in (".bar", "#composer"):
        box = talk.page.locator(selector).bounding_box()
        assert box and box["y"] >= 0 and box["y"] + box["height"] <= viewport["height"]
    expect(talk.page.locator("#messages .bubble__text").last).to_be_in_viewport()
    talk.box.fill("길게 쓰는 중 " * 60)  # the message box takes its height from the conversation
    expect(talk.page.locator("#messages .message__side").last).to_be_in_viewport()


def test_everything_to_press_on_a_phone_is_large_enough(visit):
    talk = visit(viewport=PHONE)
    boxes = buttons(talk.page)
    fill(talk)
    boxes += buttons(talk.page)
    assert len(boxes) >= 5 + 17  # the emoji, thumbs of each answer, offers, a suggestion's two
    assert [text for text, box in boxes if box["height"] < 44 or box["width"] < 44] == []


def buttons(page):
    return [
        (button.inner_text(), box)
        for button in page.get_by_role("button").all()
        if button.is_visible() and (box := button.bounding_box())
    ]


def test_the_keyboard_alone_is_enough(visit):
    talk = visit()
    page = talk.page
    to_the_top(page)
    seen = []
    for _ in range(8):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.className || 'language'"))
    assert seen[:3] == ["skip", "language", "log"]
    assert seen[7] == "message"  # after the four suggestions
    page.keyboard.type("시간초과 키보드로")
    page.keyboard.press("Enter")
    expect(talk.mine).to_have_attribute("data-state", "failed")
    page.keyboard.press("Shift+Tab")
    expect(talk.mine.get_by_role("button", name="다시 보내기")).to_be_focused()
    page.keyboard.press("Enter")
    talk.expect_answer("시간초과 키보드로")
    expect(talk.box).to_be_focused()


def test_the_skip_link_leads_to_the_message_box(visit):
    talk = visit()
    to_the_top(talk.page)
    talk.page.keyboard.press("Tab")
    expect(talk.page.locator(".skip")).to_be_in_viewport()
    talk.page.keyboard.press("Enter")
    expect(talk.box).to_be_focused()


def test_focus_is_always_visible(visit):
    page = visit().page
    to_the_top(page)
    for _ in range(9):
        page.keyboard.press("Tab")
        width = page.evaluate(
            """() => { const marked = document.activeElement.closest("textarea") ? document.getElementById("composer")
                                                                              : document.activeElement;
                      return parseFloat(getComputedStyle(marked).outlineWidth); }"""
        )
        assert width >= 2


def test_a_screen_reader_hears_new_messages_and_not_the_old(visit):
    talk = visit()
    talk.say("기억해 둬")
    talk.expect_answer("기억해 둬")
    held = []
    talk.page.route("**/history/", lambda route: held.append(route))
    with talk.page.expect_request("**/history/"):
        talk.page.reload()
    log = talk.page.get_by_role("log")
    expect(log).to_have_attribute("aria-live", "off")
    expect(log).to_have_attribute("aria-busy", "true")
    expect(talk.page.locator("#presence")).to_have_attribute("data-online", "true")
    assert len(held) == 1  # the connection does not ask for the history that is already on its way
    held[0].continue_()
    expect(talk.mine).to_have_count(1)
    expect(log).to_have_attribute("aria-live", "polite")
    expect(log).to_have_attribute("aria-busy", "false")
    expect(log.locator("#messages > li.message--jaram").last).to_contain_text("자람:")
    expect(talk.mine).to_contain_text("나:")
    expect(talk.page.get_by_role("textbox", name="자람에게 보낼 메시지")).to_be_visible()
    expect(talk.page.get_by_role("button", name="보내기", exact=True)).to_be_visible()


def test_a_failure_is_announced(visit):
    talk = visit()
    talk.say("시간초과 알려 줘")
    announcer = talk.page.locator("#announcer[role=status]")
    expect(announcer).to_have_text("자람이 생각하다가 시간이 다 됐어요. 다시 보내 볼까요?")


def test_days_already_drawn_are_not_drawn_again(visit):
    talk = visit()
    talk.say("첫마디")
    talk.expect_answer("첫마디")
    talk.page.evaluate("document.querySelector('.divider--day').id = 'same'")
    talk.say("둘째 마디")
    talk.expect_answer("둘째 마디")
    expect(talk.page.locator(".divider--day")).to_have_id("same")


def test_reading_above_is_not_disturbed_and_a_button_leads_down(visit):
    talk = visit(viewport={"width": 390, "height": 600})
    for text in (LONG, LONG + "!", LONG + "?"):
        talk.say(text)
        talk.expect_answer(text)
    talk.say("천천히 이어서 말해 줘")
    talk.page.locator("#log").evaluate("(log) => { log.scrollTop = 0; }")
    newer = talk.page.get_by_role("button", name="새 메시지")
    expect(newer).to_be_hidden()
    talk.expect_answer("천천히 이어서 말해 줘")
    expect(newer).to_be_visible()
    assert talk.page.locator("#log").evaluate("(log) => log.scrollTop") == 0
    newer.click()
    expect(newer).to_be_hidden()
    expect(talk.page.locator("#messages .bubble__text").last).to_be_in_viewport()


def test_who_wants_no_motion_sees_none(visit):
    talk = visit(reduced_motion="reduce")
    talk.say("천천히 움직이지 마")
    expect(talk.page.locator("#typing")).to_be_visible()
    assert talk.page.evaluate("document.getAnimations().length") == 0


def test_nothing_comes_from_elsewhere_and_the_policy_is_kept(visit, site):
    talk = visit()
    addresses, complaints = [], []
    talk.page.on("request", lambda request: addresses.append(request.url))
    talk.page.on("console", lambda message: complaints.append(message.text))
    talk.page.on("pageerror", lambda error: complaints.append(str(error)))
    response = talk.page.reload()
    assert response is not None
    talk.say("너만 있으면 돼")
    talk.expect_answer("너만 있으면 돼")
    policy = response.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert [address for address in addresses if not address.startswith(site.url)] == []
    assert complaints == []
