"""The review inbox in a real browser: thirty rows by keys alone, two reviewers at once, and without scripts."""

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.slow, pytest.mark.browser]

# Twenty-seven questions with nothing in common, and one more that three visitors spelt in their own ways.
SEED = """
from django.contrib.auth.models import User
from django.utils import timezone
from chat.models import Chat, Decision, Feedback, Visitor
Decision.objects.all().delete()
Chat.objects.all().delete()
for name in ("kim", "lee"):
    if not User.objects.filter(username=name).exists():
        User.objects.create_superuser(name, password="review-1234")
words = ("바다 사막 기차 커피 우산 달력 기린 안경 피자 축구 눈사람 지도 수박 첼로 등대 장갑 호수 연필 나비 항아리 "
         "로켓 팽이 두부 썰매 계단 사다리 무지개").split()
visitor, _ = Visitor.objects.get_or_create(key="visitor")
candidate = {"text": "후보예요", "source": "neural", "score": 0.4}
for number, word in enumerate(words):
    chat = Chat.objects.create(
        question=word, answer=f"{word} 좋아요", session="visitor", source="neural", score=0.01 * number,
        answered_at=timezone.now(), candidates=[candidate],
    )
    if number < 3:
        Feedback.objects.create(chat=chat, visitor=visitor, thumb="down", suggestion="제안이에요",
                                suggested_at=timezone.now())
for question in ("오늘 저녁에 뭐 먹을까?", "오늘저녁에뭐먹을까ㅋㅋ", "오늘 저녁에 뭐 먹을까~"):
    Chat.objects.create(question=question, answer="밥", session="visitor", source="neural", score=0.9,
                        answered_at=timezone.now())
"""
PATIENCE = 20_000  # ms
# Row by row: the keys that decide, and what is said then. Three are complaints with a suggestion, which comes first.
BY_CHOICE = (["1"], "고친 답을 저장했어요.")
APPROVED = (["a"], "승인했어요.")
WRITTEN = (["c", "새로 쓴 답이에요", "Control+Enter"], "고친 답을 저장했어요.")
REJECTED = (["r"], "삭제필요로 바꿨어요.")
SKIPPED = (["s"], "건너뛰었어요. 이 질문은 다시 나오지 않아요.")
TWENTY_SEVEN = [BY_CHOICE] * 5 + [APPROVED] * 12 + [WRITTEN] * 4 + [REJECTED] * 3 + [SKIPPED] * 3


@pytest.fixture
def reviewers(site, chromium):
    """Open the inbox as somebody: ``reviewers(name)``, with options of Browser.new_context."""
    site.manage("shell", "-c", SEED)
    contexts = []

    def open_inbox(name: str, **options) -> Page:
        context = chromium.new_context(locale="ko-KR")
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{site.url}/admin/inbox/history/")
        page.locator("#id_username").fill(name)
        page.locator("#id_password").fill("review-1234")
        page.locator("#id_password").press("Enter")
        page.wait_for_url("**/admin/inbox/history/")
        # The login is the theme's page, which needs scripts.
        context = chromium.new_context(locale="ko-KR", storage_state=context.storage_state(), **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{site.url}/admin/inbox/")
        return page

    yield open_inbox
    for context in contexts:
        context.close()


def question(page: Page) -> str:
    return page.locator("#question").inner_text().removeprefix("질문:").strip()


def press(page: Page, keys: list[str]) -> None:
    for key in keys:
        if len(key) == 1 or "+" in key or key == "Tab":
            page.keyboard.press(key)
        else:
            page.keyboard.insert_text(key)


def expect_done(page: Page, count: int) -> None:
    expect(page.locator(".ib-progress strong")).to_have_text(f"오늘 내가 정한 질문 {count}개", timeout=PATIENCE)


def test_thirty_rows_are_reviewed_with_keys_alone(reviewers, site):
    page = reviewers("kim")
    problems = []  # a script or style that the Content-Security-Policy refuses is one
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    said = page.locator("#said")

    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()

    for key in "nj":
        before = question(page)
        page.keyboard.press(key)
        expect(page.locator("#question")).not_to_contain_text(before)
        expect(said).to_have_text("나중에 다시 볼게요.")

    seen = set()

    def decide(done: int, keys: list[str], words: str) -> None:
        expect(page.locator("#question")).to_be_focused()
        seen.add(question(page))
        press(page, keys)
        expect_done(page, done)
        expect(said).to_have_text(words)

    for done, (keys, words) in enumerate(TWENTY_SEVEN[:25], start=1):
        decide(done, keys, words)
    # Three spellings of one question: one decision, after one was left out and taken in again.
    expect(page.locator(".ib-member")).to_have_count(2)
    written = ["g", "Tab", " ", " ", "c", "김치찌개 어때요?", "Control+Enter"]
    decide(28, written, "고친 답을 저장했어요. 대화 3개를 한꺼번에 정했어요.")
    for done, (keys, words) in enumerate(TWENTY_SEVEN[25:], start=29):  # those that were left for later
        decide(done, keys, words)
    assert len(seen) == 28
    expect(page.locator("#question")).to_have_text("다 봤어요! 기다리는 질문이 없어요.")

    page.keyboard.press("u")
    expect(said).to_have_text("되돌렸어요: 건너뜀")
    expect_done(page, 29)
    # A Korean keyboard: ㅁ is on the key of A.
    page.evaluate("document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'ㅁ', code: 'KeyA', bubbles: true}))")
    expect_done(page, 30)
    assert problems == []
    kinds = "from chat.models import *; print(sorted(Decision.objects.standing().values_list('kind', flat=True)))"
    kept = site.manage("shell", "-v0", "-c", kinds)
    assert [kept.count(kind) for kind in ("'approve'", "'correct'", "'reject'", "'skip'")] == [13, 12, 3, 2]


def wait_until_free(site, name: str) -> None:
    """Wait until a reviewer has no row any more: the page says goodbye in a request that nobody waits for."""
    count = f"from chat.models import Claim; print(Claim.objects.filter(user__username={name!r}).count())"
    for _ in range(10):
        if site.manage("shell", "-v0", "-c", count).strip() == "0":
            return
    raise AssertionError(f"{name} still has a row")


def test_two_reviewers_never_see_the_same_row_and_what_is_left_is_free_again(reviewers, site):
    kim, lee = reviewers("kim"), reviewers("lee")
    seen = {question(kim), question(lee)}
    for count in range(1, 4):
        for page in (kim, lee):
            page.keyboard.press("s")
            expect_done(page, count)
            seen.add(question(page))
    assert len(seen) == 8
    left = question(kim)
    kim.goto("about:blank")  # whoever leaves gives their row back
    wait_until_free(site, "kim")
    lee.keyboard.press("s")
    expect(lee.locator("#question")).to_contain_text(left)


def test_everything_works_without_scripts_and_on_a_phone(reviewers):
    page = reviewers("kim", java_script_enabled=False, viewport={"width": 390, "height": 844})
    done = int(re.sub(r"\D", "", page.locator(".ib-progress strong").inner_text()))
    before = question(page)
    page.locator("#answer").fill("스크립트 없이 고친 답")
    page.get_by_role("button", name="고친 답 저장").click()
    expect(page.get_by_text("고친 답을 저장했어요.")).to_be_visible()
    expect_done(page, done + 1)
    assert question(page) != before
    page.get_by_role("button", name="되돌리기").locator("visible=true").click()
    expect(page.locator("#question")).to_contain_text(before)
