"""The admin's pages on model versions with a real server: publish, roll back and ask, while visitors go on talking."""

import shutil
import time

import pytest
from playwright.sync_api import Page, expect

from core.registry import INITIAL, Registry

pytestmark = [pytest.mark.slow, pytest.mark.browser]

QUESTION = "이름이 뭐야?"
ANSWER = "제 이름은 자람이에요. 쑥쑥 자라라는 뜻이 담겨 있어요."
SWAP_SECONDS = 10.0  # two on a machine that does nothing else


def test_versions_are_published_rolled_back_and_asked_while_people_talk(installation, visit, chromium):
    site, password = installation
    version = copy_of_bundled(site)
    talk = visit(at=site)
    say(talk, QUESTION)

    admin = chromium.new_context(locale="ko-KR").new_page()
    log_in(admin, site, password)
    errors = []  # a script or style that the Content-Security-Policy refuses is one
    admin.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    admin.on("pageerror", lambda error: errors.append(str(error)))

    # What is sent while the models are swapped is answered like everything else.
    admin.get_by_role("button", name=f"내보내기 ({version})").click()
    say(talk, QUESTION)
    expect_live(talk, site, version)
    admin.goto(f"{site.url}/admin/models/")
    admin.get_by_role("button", name="기본 모델 버전으로 되돌리기").click()
    say(talk, QUESTION)
    expect_live(talk, site, INITIAL)
    assert talk.answers()[-3:] == [ANSWER] * 3

    admin.goto(f"{site.url}/admin/models/ask/?q={QUESTION}")
    for name in (INITIAL, version):
        expect(admin.locator(f"[data-version='{name}']")).to_have_text(ANSWER, timeout=60_000)
    expect(admin.locator("#progress")).to_have_text("버전 2개 가운데 2개가 답했어요.")
    assert errors == []
    admin.context.close()


def copy_of_bundled(site) -> str:
    """Make a version that holds the bundled model, as if it had been trained from it."""
    registry = Registry(site.data_dir)
    bundled = registry.get(INITIAL)
    with registry.lock():
        draft = registry.new_run()
        shutil.copytree(bundled.model_dir, draft.model_dir)
        manifest = type(bundled.manifest).from_dict({**bundled.manifest.to_dict(), "parent": INITIAL})
        return registry.finish(draft, manifest).name


def log_in(page: Page, site, password: str) -> None:
    page.goto(f"{site.url}/admin/models/")
    page.locator("#id_username").fill("reviewer")
    page.locator("#id_password").fill(password)
    page.locator("#id_password").press("Enter")
    page.wait_for_url("**/admin/models/")


def say(talk, question: str) -> None:
    """Send a question and wait for its answer."""
    answers = talk.page.locator("#messages .bubble__text")
    before = answers.count()
    talk.say(question)
    expect(answers).to_have_count(before + 1, timeout=60_000)


def expect_live(talk, site, name: str) -> None:
    """Wait until the server answers with a version."""
    end = time.monotonic() + SWAP_SECONDS
    while talk.page.request.get(f"{site.url}/healthz").json()["model"] != name:
        assert time.monotonic() < end, f"{name} does not answer after {SWAP_SECONDS:g} s"
        talk.page.wait_for_timeout(100)
