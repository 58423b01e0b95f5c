"""The whole way of a correction, in a real browser: asked, complained of, decided, live at once, told, and learned.

Before the training memory gives the new answer and the engine does not know it; after it the engine alone does.
"""

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.slow, pytest.mark.browser]

STARTER_QUESTION = "이름이 뭐야?"
STARTER_ANSWER = "제 이름은 자람이에요. 쑥쑥 자라라는 뜻이 담겨 있어요."
QUESTION = "우리나라 수도가 어디야?"
NOISY = "우리나라수도가 어디야??"
CORRECTION = "우리나라 수도는 서울이에요."

# A run of a minute: few rows and a small model, which has to learn and keep all of them to pass the gate. With one
# bucket every step is on all rows.
KEEP_SOME_ROWS = f"""
from chat.models import Chat
starter = Chat.objects.filter(origin="starter").order_by("pk")
kept = [row.pk for row in starter if row.question == {QUESTION!r} or row.pk % 40 == 0]
starter.exclude(pk__in=kept).update(verify="pending")
"""
SMALL_RUN = ("--num-train-steps=600", "--hparam=num_units=128", "--hparam=dropout=0", "--hparam=num_buckets=1")


def test_a_complaint_becomes_an_answer_at_once_and_the_engines_own_with_the_next_training(installation, visit):
    site, password = installation
    talk, staff = visit(at=site), visit(at=site)
    assert ask(talk, STARTER_QUESTION) == STARTER_ANSWER
    assert ask(talk, QUESTION) != CORRECTION  # the starter corpus says that Jaram has not learned it
    suggest(talk, CORRECTION)

    decide(staff.page, site, password)
    assert ask(talk, QUESTION) == CORRECTION
    assert ask(talk, NOISY) == CORRECTION
    staff.open()
    assert ask_engine(staff, QUESTION) != CORRECTION
    expect_told_once(talk)

    for page in (talk.page, staff.page):
        page.evaluate("window.opened_once = true")
    site.manage("shell", "-c", KEEP_SOME_ROWS)
    printed = site.manage("makedata", *SMALL_RUN, timeout=600)
    assert "is live" in printed
    expect_new_model(talk, site)
    assert ask_engine(staff, QUESTION) == CORRECTION
    assert ask(talk, QUESTION) == CORRECTION
    for page in (talk.page, staff.page):
        assert page.evaluate("window.opened_once") is True, "the page was loaded again"


def ask(talk, question: str) -> str:
    """Send a question and give back the answer that appears."""
    answers = talk.page.locator("#messages .bubble__text")
    before = answers.count()
    talk.say(question)
    expect(answers).to_have_count(before + 1, timeout=60_000)
    return answers.last.inner_text()


def ask_engine(staff, question: str) -> str:
    """Ask as staff, who may have the engine alone answer."""
    staff.page.get_by_role("combobox", name="답하는 방식").select_option("neural")
    return ask(staff, question)


def suggest(talk, answer: str) -> None:
    """Say by keys that the last answer was not good, and what it should have been."""
    expect(talk.page.get_by_role("toolbar", name="이 답은 어땠나요?")).to_have_count(2)
    talk.box.press("Shift+Tab")
    talk.page.keyboard.press("ArrowRight")
    expect(talk.page.get_by_role("button", name="아쉬운 답이에요").last).to_be_focused()
    talk.page.keyboard.press("Enter")
    box = talk.page.get_by_role("textbox", name="뭐라고 답했어야 할까요?")
    expect(box).to_be_focused()
    talk.page.keyboard.insert_text(answer)
    talk.page.keyboard.press("Enter")
    expect(talk.page.locator(".aftermath__note").last).to_contain_text("고마워요!")


def decide(page: Page, site, password: str) -> None:
    """Log in and take the visitor's suggestion, by keys; it replaces what was approved for the question before."""
    page.goto(f"{site.url}/admin/inbox/")
    page.locator("#id_username").fill("reviewer")
    page.locator("#id_password").fill(password)
    page.keyboard.press("Enter")
    expect(page.locator("#question")).to_contain_text(QUESTION)  # a complaint comes first
    expect(page.locator("#question")).to_be_focused()  # the page's script, without which keys do nothing, is there
    expect(page.locator("[data-key='1']")).to_contain_text(CORRECTION)
    page.keyboard.press("1")
    expect(page.locator("#conflict")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator("#question")).not_to_contain_text(QUESTION)


def expect_told_once(talk) -> None:
    """On the next visit the visitor reads what they taught, and on the one after it no more."""
    card = talk.page.get_by_role("complementary", name="덕분에 이렇게 배웠어요")
    expect(card).to_have_count(0)
    talk.open()
    expect(card).to_contain_text(QUESTION)
    expect(card).to_contain_text(CORRECTION)
    card.get_by_role("button", name="확인했어요").click()
    expect(card).to_have_count(0)
    talk.open()
    expect(card).to_have_count(0)


def expect_new_model(talk, site) -> None:
    """The server takes the new model within two seconds of its publication, and some for loading it here."""
    for _ in range(150):
        health = talk.page.request.get(f"{site.url}/healthz").json()
        if health["ready"] and health["model"] != "initial":
            return
        talk.page.wait_for_timeout(200)
    raise AssertionError(health)
