"""No message is lost and none is doubled: outages, restarts, reloads, errors."""

import json
import re
import time

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.slow, pytest.mark.browser]

RECONNECTION = 20_000.0  # milliseconds: the longest wait between attempts, and some


def answer_to(text):
    return f"{text}, 라고 하셨군요!"


def keep(talk, *, text, age=0.0, failed=""):
    """Leave a message in the browser's outbox, as an earlier visit would have; return its id."""
    entry = {"id": f"kept-{time.monotonic_ns()}", "text": text, "askedAt": (time.time() - age) * 1000}
    key = f"jaram.outbox.{talk.page.locator('#talk').get_attribute('data-room')}.{entry['id']}"
    talk.page.evaluate("([key, value]) => localStorage.setItem(key, value)", [key, json.dumps(entry)])
    return entry["id"]


def kept(talk):
    """Return how many messages still wait in the browser's outbox."""
    return talk.page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('jaram.outbox.')).length")


def test_messages_written_during_an_outage_arrive_once_each(visit, site):
    talk = visit()
    talk.say("끊기기 전")
    talk.expect_answer("끊기기 전")
    site.kill()
    expect(talk.page.locator("#notice")).to_be_visible()
    expect(talk.page.locator("#presence")).to_have_attribute("data-online", "false")
    for text in ("끊긴 동안 하나", "끊긴 동안 둘"):
        talk.say(text)
    expect(talk.mine.last).to_have_attribute("data-state", "waiting")
    expect(talk.mine.last.locator(".message__state")).to_have_text("연결되면 보낼게요")
    site.start()
    for text in ("끊긴 동안 하나", "끊긴 동안 둘"):
        talk.expect_answer(text, timeout=RECONNECTION)
    expect(talk.page.locator("#notice")).to_be_hidden()
    texts = ["끊기기 전", "끊긴 동안 하나", "끊긴 동안 둘"]
    assert talk.questions() == texts
    assert sorted(talk.stored()) == sorted((text, answer_to(text)) for text in texts)
    assert kept(talk) == 0


def test_a_server_killed_while_it_thinks_still_answers_once(visit, site):
    talk = visit()
    talk.say("천천히 생각해 봐")
    expect(talk.page.locator("#typing")).to_be_visible()
    site.kill()
    expect(talk.page.locator("#typing")).to_be_hidden()
    site.start()
    talk.expect_answer("천천히 생각해 봐", timeout=RECONNECTION)
    assert talk.stored() == [("천천히 생각해 봐", answer_to("천천히 생각해 봐"))]


def test_losing_the_network_is_said_and_its_return_connects_at_once(visit):
    talk = visit()
    talk.say("천천히 오는 답")
    talk.context.set_offline(True)
    expect(talk.page.locator("#notice-text")).to_contain_text("인터넷 연결이 끊겼어요")
    expect(talk.page.locator("#notice-action")).to_be_hidden()
    talk.say("끊긴 사이에")
    talk.context.set_offline(False)
    expect(talk.page.locator("#notice-text")).to_have_text("다시 연결됐어요.")
    for text in ("천천히 오는 답", "끊긴 사이에"):
        talk.expect_answer(text)
    assert sorted(question for question, _answer in talk.stored()) == ["끊긴 사이에", "천천히 오는 답"]
    expect(talk.page.locator("#notice")).to_be_hidden()


def test_the_button_connects_without_waiting(visit, site):
    talk = visit()
    site.kill()
    action = talk.page.get_by_role("button", name="지금 연결하기")
    expect(action).to_be_visible()
    site.start()
    if action.is_visible():  # it may have connected by itself meanwhile
        action.click()
    talk.say("돌아왔구나")
    talk.expect_answer("돌아왔구나")


def test_a_reload_before_the_answer_loses_and_doubles_nothing(visit):
    talk = visit()
    talk.say("천천히 떠올려 봐")
    expect(talk.mine).to_have_attribute("data-state", "sent")
    talk.page.reload()
    talk.expect_answer("천천히 떠올려 봐")
    assert talk.questions() == ["천천히 떠올려 봐"]
    assert talk.stored() == [("천천히 떠올려 봐", answer_to("천천히 떠올려 봐"))]
    assert kept(talk) == 0


def test_a_message_outlives_a_page_that_closed_without_a_connection(visit, site):
    talk = visit()
    site.kill()
    expect(talk.page.locator("#presence")).to_have_attribute("data-online", "false")
    talk.say("닫아도 남아 있어")
    talk.page.close()
    site.start()
    talk.page = talk.context.new_page()
    talk.open()
    talk.expect_answer("닫아도 남아 있어")
    assert talk.questions() == ["닫아도 남아 있어"]
    assert kept(talk) == 0


def test_two_windows_of_one_visitor_ask_once(visit):
    talk = visit()
    talk.say("천천히 하나만")
    first = talk.page
    talk.page = talk.context.new_page()
    talk.open()
    talk.expect_answer("천천히 하나만")
    talk.page = first
    talk.expect_answer("천천히 하나만")
    assert len(talk.stored()) == 1
    assert kept(talk) == 0


def test_a_failed_message_says_why_and_is_retried_under_its_id(visit):
    talk = visit()
    talk.say("시간초과가 나는 말")
    expect(talk.mine).to_have_attribute("data-state", "failed")
    expect(talk.mine.locator(".message__failure p")).to_have_text(
        "자람이 생각하다가 시간이 다 됐어요. 다시 보내 볼까요?"
    )
    expect(talk.page.locator("#typing")).to_be_hidden()
    talk.mine.get_by_role("button", name="다시 보내기").click()
    talk.expect_answer("시간초과가 나는 말")
    expect(talk.mine).to_have_attribute("data-state", "sent")
    expect(talk.mine.locator(".message__failure")).to_be_hidden()
    assert talk.stored() == [("시간초과가 나는 말", answer_to("시간초과가 나는 말"))]


def test_a_failed_message_is_still_failed_after_a_reload(visit):
    talk = visit()
    talk.say("시간초과가 남는 말")
    expect(talk.mine).to_have_attribute("data-state", "failed")
    talk.page.reload()
    expect(talk.mine).to_have_attribute("data-state", "failed")
    talk.mine.get_by_role("button", name="다시 보내기").click()
    talk.expect_answer("시간초과가 남는 말")
    assert talk.questions() == ["시간초과가 남는 말"]


def test_a_busy_server_is_asked_again_without_a_click(visit):
    talk = visit()
    talk.say("바쁨이 지나가는 말")
    talk.expect_answer("바쁨이 지나가는 말")
    assert len(talk.stored()) == 1


def test_what_the_server_will_never_take_goes_back_to_be_rewritten(visit):
    talk = visit()
    keep(talk, text="가" * 601)
    talk.page.reload()
    expect(talk.mine).to_have_attribute("data-state", "failed")
    expect(talk.mine.locator(".message__failure p")).to_have_text(re.compile("너무 길어서"))
    expect(talk.mine.get_by_role("button", name="다시 보내기")).to_be_hidden()
    talk.mine.get_by_role("button", name="고쳐 쓰기").click()
    expect(talk.mine).to_have_count(0)
    expect(talk.box).to_have_value("가" * 601)
    expect(talk.box).to_be_focused()
    assert kept(talk) == 0


def test_a_message_of_another_day_is_not_sent_without_asking(visit):
    talk = visit()
    keep(talk, text="어제 하려던 말", age=2 * 24 * 3600)
    talk.page.reload()
    expect(talk.mine).to_have_attribute("data-state", "failed")
    talk.mine.get_by_role("button", name="다시 보내기").click()
    talk.expect_answer("어제 하려던 말")


def test_what_is_no_message_in_the_outbox_is_cleared_away(visit):
    talk = visit()
    talk.page.evaluate("localStorage.setItem('jaram.outbox.main.x', '{\"id\": 7')")
    talk.page.reload()
    talk.say("잘 돼?")
    talk.expect_answer("잘 돼?")
    assert kept(talk) == 0


def test_the_page_works_where_storage_is_forbidden(visit):
    talk = visit()
    talk.page.add_init_script(
        """for (const kind of ["localStorage", "sessionStorage"]) {
             Object.defineProperty(window, kind, { get() { throw new DOMException("no", "SecurityError"); } });
           }"""
    )
    talk.open()
    talk.say("저장 없이도")
    talk.expect_answer("저장 없이도")


def test_ids_are_random_uuids_on_plain_http_too(visit):
    page = visit().page
    made = page.evaluate(
        """async () => {
             const { newId } = await import("/static/chat/identity.js");
             const modern = newId();
             Object.defineProperty(crypto, "randomUUID", { value: undefined });
             return [modern, newId(), newId()];
           }"""
    )
    assert len(set(made)) == 3
    for uuid in made:
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", uuid)


def test_waits_double_up_to_a_limit_and_vary_by_half(visit):
    waits = visit().page.evaluate(
        """async () => {
             const { Backoff } = await import("/static/chat/backoff.js");
             const series = (random) => {
               const backoff = new Backoff({ first: 100, most: 500, random: () => random });
               const made = [1, 2, 3, 4, 5].map(() => backoff.next());
               backoff.reset();
               return [...made, backoff.next()];
             };
             return [series(0), series(1)];
           }"""
    )
    assert waits == [[50, 100, 200, 250, 250, 50], [100, 200, 400, 500, 500, 100]]
