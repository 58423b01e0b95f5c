"""The console: lines in, lines out; on fakes, and as the process that a person starts."""

import importlib.util
import io
import os
import pty
import select
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import pytest

from core.corpus import Pair
from core.evolve import EvolveSettings, evolve
from core.registry import Registry
from core.reply import Reply, ReplyError

ROOT = Path(__file__).parents[1]


def load_console():
    """Import chat.py, whose name the Django app has taken."""
    spec = importlib.util.spec_from_file_location("console", ROOT / "chat.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


console = load_console()


class FakeResponder:
    """Answers "답 <question>"; a question that is a number is answered only after so many later ones were asked."""

    def __init__(self, fail_at=None):
        self.fail_at = fail_at
        self.asked = []
        self._delayed = []

    def submit(self, text):
        self.asked.append(text)
        future = Future()
        if text == self.fail_at:
            future.set_exception(ReplyError("the engine failed"))
        elif text.isdecimal():
            self._delayed.append((len(self.asked) + int(text), future, text))
        else:
            future.set_result(self._answer(text))
        for due, late, question in self._delayed:
            if due <= len(self.asked) and not late.done():
                late.set_result(self._answer(question))
        return future

    def reply(self, text):
        return self.submit(text).result(0)

    def _answer(self, text):
        return Reply(f"답 {text}", "neural", 1.0, "run")


class TestAnswerLines:
    def test_one_answer_a_line_in_order_though_later_ones_are_ready_first(self):
        out = io.StringIO()
        console.answer_lines(FakeResponder(), ["3\n", "가\n", "1\n", "나\n", "다\n"], out)
        assert out.getvalue().splitlines() == ["답 3", "답 가", "답 1", "답 나", "답 다"]

    def test_line_ends_are_taken_off_and_empty_lines_are_asked_too(self):
        responder = FakeResponder()
        console.answer_lines(responder, ["가\r\n", "\n", "끝"], io.StringIO())
        assert responder.asked == ["가", "", "끝"]

    def test_no_lines_give_no_answers(self):
        out = io.StringIO()
        console.answer_lines(FakeResponder(), [], out)
        assert out.getvalue() == ""

    def test_a_program_that_waits_for_each_answer_gets_it(self):
        flushed = threading.Semaphore(0)

        class Out(io.StringIO):
            def flush(self):
                flushed.release()

        def questions():
            for n in range(5):
                yield f"가{n}\n"
                assert flushed.acquire(timeout=20), "the answer was not written before the next question"

        console.answer_lines(FakeResponder(), questions(), Out())

    def test_only_so_many_lines_wait(self, monkeypatch):
        monkeypatch.setattr(console, "_AHEAD", 3)
        out, responder = io.StringIO(), FakeResponder()
        most = 0

        def questions():
            nonlocal most
            for n in range(50):
                most = max(most, n - out.getvalue().count("\n"))
                yield f"가{n}\n"

        console.answer_lines(responder, questions(), out)
        assert most <= 3
        assert out.getvalue().count("\n") == 50

    def test_a_failure_ends_it_after_the_answers_before(self):
        out = io.StringIO()
        with pytest.raises(ReplyError):
            console.answer_lines(FakeResponder(fail_at="나"), ["가\n", "나\n", "다\n"], out)
        assert out.getvalue() == "답 가\n"


class TestConverse:
    @staticmethod
    def typed(*lines):
        """What `input` would give; an exception is raised."""
        remaining = list(lines)

        def ask(prompt):
            assert prompt == "> "
            line = remaining.pop(0)
            if isinstance(line, type):
                raise line
            return line

        return ask

    @pytest.mark.parametrize("leave", ["종료", " 종료 ", EOFError, KeyboardInterrupt])
    def test_it_greets_answers_and_says_goodbye(self, capsys, leave):
        console.converse(FakeResponder(), self.typed("안녕", leave))
        said = [line for line in capsys.readouterr().out.splitlines() if line]
        assert said == [console.GREETING, "답 안녕", console.GOODBYE]

    def test_ctrl_c_while_waiting_for_an_answer_leaves_too(self, capsys):
        class Slow(FakeResponder):
            def reply(self, text):
                raise KeyboardInterrupt

        console.converse(Slow(), self.typed("안녕"))
        assert capsys.readouterr().out.endswith(f"\n{console.GOODBYE}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nope"],
        ["--beam_width=two"],
        ["--beam_width=-1"],
        ["--out=x"],
        ["--analyser=okt"],
        ["--reply_mode=x"],
        ["안녕"],
    ],
)
def test_a_command_line_that_makes_no_sense_is_one_line_and_exit_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        console.parse(arguments)
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith("chat.py: ")


def test_a_model_named_on_the_command_line_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("OUT_DIR", "/from/environment")
    assert console.parse([]).out_dir == Path("/from/environment")
    assert console.parse(["--out_dir=/from/flag"]).out_dir == Path("/from/flag")
    monkeypatch.setenv("OUT_DIR", "")
    assert console.parse([]).out_dir is None


def test_the_analyser_comes_from_the_flag_then_the_environment(monkeypatch):
    monkeypatch.delenv("ANALYSER", raising=False)
    assert console.parse([]).analyser == "konlpy"
    monkeypatch.setenv("ANALYSER", "mecab")
    assert console.parse([]).analyser == "mecab"
    assert console.parse(["--analyser=konlpy"]).analyser == "konlpy"


def test_who_answers_comes_from_the_flag_then_the_environment(monkeypatch):
    monkeypatch.delenv("REPLY_MODE", raising=False)
    assert console.parse([]).reply_mode == "hybrid"
    monkeypatch.setenv("REPLY_MODE", "memory")
    assert console.parse([]).reply_mode == "memory"
    assert console.parse(["--reply_mode=neural"]).reply_mode == "neural"


def environment(**changes):
    ours = ("OUT_DIR", "DATA_DIR", "ANALYSER", "REPLY_MODE")
    inherited = {key: value for key, value in os.environ.items() if key not in ours}
    return {**inherited, **{key: str(value) for key, value in changes.items()}}


def start(*arguments, env, **options):
    return subprocess.Popen([sys.executable, str(ROOT / "chat.py"), *arguments], env=env, **options)


def run(*arguments, questions, **env):
    """Run the console on a pipe; exit code, answer lines, and what it said on stderr."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = start(*arguments, env=environment(**env), **pipes)
    out, err = process.communicate(questions.encode(), timeout=60)
    return process.returncode, out.decode(), err.decode()


@pytest.mark.slow
@pytest.mark.parametrize("how", ["flag", "environment", "data"])
def test_a_missing_model_is_one_line_and_exit_code_2(how, tmp_path):
    nowhere = tmp_path / "nowhere"
    arguments = [f"--out_dir={nowhere}"] if how == "flag" else []
    env = {"environment": {"OUT_DIR": nowhere}, "data": {"DATA_DIR": nowhere}}.get(how, {})
    code, out, err = run(*arguments, questions="안녕\n", **env)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "no model in" in err


KNOWN = {"안녕?": "안녕하세요!", "이름이 뭐야?": "저는 자람이에요.", "잘 자": "좋은 꿈 꾸세요."}


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A data directory whose live model knows three answers."""
    registry = Registry(tmp_path_factory.mktemp("data"))
    engine = {"num_layers": 1, "num_units": 32, "attention": "luong", "dropout": 0.0}
    engine |= {"optimizer": "adam", "learning_rate": 0.02, "num_train_steps": 120}
    evolve(
        [Pair(question, answer) for question, answer in KNOWN.items()],
        registry=registry,
        settings=EvolveSettings(engine=engine, threads=1, min_free_bytes=0),
        on_progress=lambda progress: None,
    )
    return registry


@pytest.mark.slow
def test_an_analyser_that_is_none_is_one_line_and_exit_code_2(tmp_path):
    code, out, err = run(questions="안녕\n", DATA_DIR=tmp_path, ANALYSER="okt")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "'okt'" in err


@pytest.mark.slow
class TestProcess:
    """The console as a process, with a real model."""

    def test_piped_questions_get_one_line_each_and_nothing_else_is_printed(self, registry):
        questions = [*KNOWN, "", "종료", "모르는 말 \U0001f600", *reversed(KNOWN)]
        code, out, err = run(questions="\n".join(questions), DATA_DIR=registry.data_dir)
        answers = out.removesuffix("\n").split("\n")
        assert (code, err) == (0, "")
        assert len(answers) == len(questions)
        assert answers[:3] == list(KNOWN.values())
        assert answers[-3:] == list(reversed(KNOWN.values()))
        assert all(answers)

    def test_the_bundled_model_answers_where_none_was_published(self, registry, tmp_path):
        bundled = Registry(tmp_path / "data")
        bundled.data_dir.mkdir()
        live = registry.current()
        bundled.bundle(live)
        code, out, _ = run("--beam_width=2", questions="안녕?\n", DATA_DIR=bundled.data_dir)
        assert (code, out) == (0, "안녕하세요!\n")

    def test_mecab_alone_answers_the_same_without_konlpy(self, registry, tmp_path):
        (tmp_path / "konlpy.py").write_text("raise ImportError('KoNLPy is not here')")
        env = {"DATA_DIR": registry.data_dir, "PYTHONPATH": tmp_path}
        questions = "\n".join(KNOWN)
        assert run("--analyser=mecab", questions=questions, **env) == (0, "\n".join([*KNOWN.values(), ""]), "")
        code, _, err = run("--analyser=konlpy", questions=questions, **env)
        assert (code, len(err.splitlines())) == (2, 1)

    def test_a_reader_that_leaves_early_is_no_error(self, registry):
        process = start(
            f"--out_dir={registry.current().model_dir}",
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        process.stdin.write("안녕?\n".encode())
        process.stdin.flush()
        assert process.stdout.readline().decode() == "안녕하세요!\n"  # though the pipe is still open
        process.stdout.close()
        process.stdin.write("안녕?\n".encode() * 500)
        process.stdin.close()
        assert process.stderr.read() == b""
        process.stderr.close()
        assert process.wait(30) == 0

    def test_on_a_terminal_it_prompts_answers_and_leaves_on_the_word(self, registry):
        master, slave = pty.openpty()
        process = start(
            env=environment(DATA_DIR=registry.data_dir, TERM="dumb"),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            close_fds=True,
        )
        os.close(slave)
        try:
            read_until(master, "> ")
            os.write(master, "안녕?\n".encode())
            assert "안녕하세요!" in read_until(master, "> ")
            os.write(master, "종료\n".encode())
            read_until(master, console.GOODBYE)
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.wait()
            os.close(master)


def read_until(descriptor, text, timeout=30.0):
    """Read a terminal until it shows `text` last; what it showed."""
    shown = b""
    deadline = time.monotonic() + timeout
    while not shown.decode("utf-8", "ignore").rstrip("\r\n").endswith(text):
        assert time.monotonic() < deadline, f"it showed {shown.decode('utf-8', 'replace')!r}"
        if select.select([descriptor], [], [], 0.1)[0]:
            shown += os.read(descriptor, 4096)
    return shown.decode("utf-8", "ignore")
