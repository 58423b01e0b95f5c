"""A real Chromium, and the site it visits: Daphne in a process of its own that tests may kill and start again."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_TIMEOUT = 180.0  # seconds
PATIENCE = 20_000.0  # milliseconds a page gets for anything
expect.set_options(timeout=PATIENCE)


class Site:
    """The server of one test session: same port and same data through every restart."""

    def __init__(self, data_dir: Path, application: str = "page_server:application", *, warm_up: bool = False) -> None:
        self.application = application
        self.data_dir = data_dir
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = os.environ | {
            "DATA_DIR": str(data_dir),
            "SECRET_KEY": "for-the-browser-tests-alone",
            "DEBUG": "0",
            "WARM_UP": str(int(warm_up)),
            "TRAINING_PRIORITY": "normal",  # nobody is served, and other work on the machine must not starve a test
            "DJANGO_SETTINGS_MODULE": "chatbot.settings",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)]),
        }
        self._log = data_dir / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        for command in (["migrate", "--verbosity=0"], ["collectstatic", "--noinput", "--verbosity=0"]):
            self.manage(*command)

    def start(self) -> None:
        if self._process is not None:
            return
        command = ["-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port), self.application]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        self._wait_until_up()

    def kill(self) -> None:
        """End it as a power cut would: nothing is closed, nothing is finished."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def manage(self, *command: str, timeout: float = 300) -> str:
        """Run manage.py with a command; what it printed. Fails with that where the command fails."""
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def wait_until_ready(self) -> None:
        """Wait until a model is loaded, of which page_server.py's responder needs none."""
        assert self._process is not None
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=10) as health:
                if json.load(health)["ready"]:
                    return
            time.sleep(0.2)
        raise AssertionError(f"no model after {START_TIMEOUT:g} s:\n{self._log.read_text()}")

    def _wait_until_up(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                assert self._process.poll() is None, self._log.read_text()
                time.sleep(0.1)
        raise AssertionError(f"no server after {START_TIMEOUT:g} s:\n{self._log.read_text()}")


class Talk:
    """The chat page in one browser window, and what tests do and see there."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url
        self.page: Page = context.new_page()
        self.open()

    def open(self) -> None:
        self.page.goto(self.url)
        self.page.locator("#log[aria-live=polite]").wait_for()

    @property
    def box(self) -> Locator:
        return self.page.locator("#message")

    @property
    def mine(self) -> Locator:
        return self.page.locator("#messages .message--mine")

    def say(self, text: str) -> None:
        self.box.fill(text)
        self.box.press("Enter")

    def questions(self) -> list[str]:
        return self.mine.locator(".bubble").all_text_contents()

    def answers(self) -> list[str]:
        return self.page.locator("#messages .bubble__text").all_text_contents()

    def expect_answer(self, text: str, timeout: float = PATIENCE) -> None:
        """Wait for the one answer to ``text``, and fail on a second one."""
        answer = self.page.locator("#messages .bubble__text").get_by_text(answer_to(text), exact=True)
        expect(answer).to_have_count(1, timeout=timeout)

    def contrasts(self, scheme: str) -> list[tuple[str, str, float]]:
        """Every visible text in the light or the dark scheme: the scheme, its element, its contrast to its ground."""
        self.page.emulate_media(color_scheme=cast(Any, scheme))
        self.page.wait_for_timeout(400)  # colours that fade have arrived
        measure = Path(__file__).with_name("contrasts.js").read_text(encoding="utf-8")
        return [(scheme, element, ratio) for element, ratio in self.page.evaluate(measure)]

    def stored(self) -> list[tuple[str, str | None]]:
        """What the server has kept of this visitor: questions with their answers."""
        messages = self.page.request.get(f"{self.url}/history/").json()["messages"]
        return [(message["question"], message["answer"]) for message in messages]


def answer_to(text: str) -> str:
    """What page_server.py's responder says to ``text``."""
    return f"{text}, 라고 하셨군요!"


@pytest.fixture(scope="session")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"))
    site.prepare()
    site.start()
    yield site
    site.kill()


@pytest.fixture
def site(running_site: Site) -> Site:
    """The site, up, even where the test before left it down."""
    running_site.start()
    return running_site


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[tuple[Site, str]]:
    """A fresh installation with the bundled model, served by Daphne; and its reviewer's password."""
    site = Site(tmp_path, "chatbot.asgi:application", warm_up=True)
    printed = site.manage("setup")
    password = re.search(r"password +(\S+)", printed)
    assert password, printed
    site.start()
    site.wait_until_ready()  # on a busy machine a first question would give the model up
    yield site, password[1]
    site.kill()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser for the tests of a file: its event loop, once begun, must not be there for the next file's database."""
    path = next((found for name in CHROMIUM_NAMES if (found := shutil.which(name))), None)
    if path is None:
        reason = "no Chromium here: install Debian's package chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Talk]]:
    """Open the chat page as a new visitor: ``visit(**options of Browser.new_context)``; waits for its history.

    ``at`` is another site than the session's.
    """
    contexts = []

    def open_page(at: Site | None = None, **options: Any) -> Talk:
        site = at or request.getfixturevalue("site")
        context = chromium.new_context(**({"locale": "ko-KR", "timezone_id": "Asia/Seoul"} | options))
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        return Talk(context, site.url)

    yield open_page
    for context in contexts:
        context.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
