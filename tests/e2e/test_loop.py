"""The loop that Jaram is for, in a real browser: ask, correct in the admin, retrain, and the open page knows it."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.slow, pytest.mark.browser]

STARTER_QUESTION = "이름이 뭐야?"
STARTER_ANSWER = "제 이름은 자람이에요. 쑥쑥 자라라는 뜻이 담겨 있어요."
QUESTION = "우리나라 수도가 어디야?"
CORRECTION = "우리나라 수도는 서울이에요."

# A run of a minute: few rows and a small model, which has to learn and keep all of them to pass the gate. With one
# bucket every step is on all rows. The starter corpus has an answer of its own to the question, which the newer
# correction must overrule.
KEEP_SOME_ROWS = f"""
from chat.models import Chat
starter = Chat.objects.filter(origin="starter").order_by("pk")
kept = [row.pk for row in starter if row.question == {QUESTION!r} or row.pk % 40 == 0]
starter.exclude(pk__in=kept).update(verify="pending")
"""
SMALL_RUN = ("--num-train-steps=300", "--hparam=num_units=128", "--hparam=dropout=0", "--hparam=num_buckets=1")


def test_correction_reaches_the_open_page_through_the_new_model(installation, visit, chromium):
    site, password = installation
    talk = visit(at=site)
    assert ask(talk, STARTER_QUESTION) == STARTER_ANSWER
    first = ask(talk, QUESTION)
    assert first != CORRECTION

    reviewer = chromium.new_context(locale="ko-KR")
    correct(reviewer.new_page(), site, password)
    assert ask(talk, QUESTION) == first, "approving alone must not look like learning"

    site.manage("shell", "-c", KEEP_SOME_ROWS)
    printed = site.manage("makedata", *SMALL_RUN, timeout=400)
    assert "is live" in printed
    expect_new_model(talk, site)
    assert ask(talk, QUESTION) == CORRECTION
    assert talk.page.evaluate("performance.getEntriesByType('navigation').length") == 1
    assert talk.page.evaluate("window.opened_once") is True, "the page was loaded again"
    reviewer.close()


def ask(talk, question: str) -> str:
    """Send a question and give back the answer that appears."""
    talk.page.evaluate("window.opened_once = window.opened_once ?? true")
    answers = talk.page.locator("#messages .bubble__text")
    before = answers.count()
    talk.say(question)
    expect(answers).to_have_count(before + 1, timeout=60_000)
    return answers.last.inner_text()


def correct(page: Page, site, password: str) -> None:
    """Log in to the admin, find the exchange, write a correction beside the answer, approve it."""
    page.goto(f"{site.url}/admin/chat/chat/")
    page.locator("#id_username").fill("reviewer")
    page.locator("#id_password").fill(password)
    page.locator("#id_password").press("Enter")
    page.goto(f"{site.url}/admin/chat/chat/?q={QUESTION}&source__exact=neural")
    page.locator("#result_list").get_by_role("link", name=QUESTION).first.click()
    page.locator("#id_correction").fill(CORRECTION)
    page.locator("#id_verify").select_option("approved", force=True)
    page.locator("[name=_save]").first.click()
    page.wait_for_url("**/admin/chat/chat/**")
    assert "/change/" not in page.url, page.locator("form").inner_text()


def expect_new_model(talk, site) -> None:
    """The server takes the new model within two seconds of its publication, and some for loading it here."""
    for _ in range(150):
        health = talk.page.request.get(f"{site.url}/healthz").json()
        if health["ready"] and health["model"] != "initial":
            return
        talk.page.wait_for_timeout(200)
    raise AssertionError(health)
