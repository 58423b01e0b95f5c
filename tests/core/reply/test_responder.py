"""The responder on fake translators: blocking and not, in time and late, and while models are swapped."""

import asyncio
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from core.memory import Lesson, Memory
from core.nmt.errors import NmtError
from core.registry import Manifest, Registry
from core.reply import Blocklist, ReplyBusy, ReplyError, ReplyTimeout, Responder
from core.reply.fallback import BLOCKED
from core.reply.model import LiveModel
from core.reply.swap import FixedModel, HotSwap

ROOT = Path(__file__).parents[3]


@pytest.fixture
def make_responder(tokenizer, fake_translator, tmp_path):
    """Make a responder on one fake translator; its settings and the translator's may be given together."""
    made = []

    def make(translator=None, **settings):
        translator = translator or fake_translator()
        models = HotSwap(FixedModel(tmp_path), lambda ref: LiveModel("run-1", translator, tokenizer), interval=None)
        made.append(Responder(tokenizer, models, **settings))
        return made[-1]

    yield make
    for responder in made:
        responder.close()


def publish(registry, weights=b"weights"):
    with registry.lock():
        draft = registry.new_run()
        draft.model_dir.mkdir()
        (draft.model_dir / "weights").write_bytes(weights)
        run = registry.finish(draft, Manifest(run="", created_at="now"))
    registry.publish(run)
    return run


def test_text_goes_in_and_text_comes_out(make_responder):
    reply = make_responder().reply("  안녕   친구 ")
    assert (reply.text, reply.source, reply.model) == ("네 안녕 친구", "neural", "run-1")


def test_memory_rules_mode_and_the_last_answer_reach_the_answerer(make_responder, tokenizer):
    memory = Memory(tokenizer)
    memory.put([Lesson(7, "뭐 해?", "놀아요.")])
    responder = make_responder(memory=memory)
    assert responder.reply("뭐해ㅋㅋ").nearest[0].row == 7
    assert responder.reply("뭐해").text == "놀아요."
    assert responder.reply("뭐해", mode="neural").text == "네 뭐해"
    assert asyncio.run(responder.areply("딴 말", mode="memory", avoid="x")).source == "fallback"
    memory.put([Lesson(7, "뭐 해?", "쉬어요.")])
    assert responder.reply("뭐해").text == "쉬어요."
    responder.rules = Blocklist(("뭐해",))
    assert responder.reply("뭐 해!").text in BLOCKED


def test_a_mode_that_is_none_is_told(make_responder):
    with pytest.raises(ReplyError, match="hybrid, neural, memory"):
        make_responder().reply("안녕", mode="fast")


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_silence_gets_an_answer(make_responder, text):
    assert make_responder().reply(text).source == "fallback"


def test_an_answer_that_comes_too_late_is_a_timeout(make_responder, fake_translator):
    with pytest.raises(ReplyTimeout, match=r"0\.05 seconds"):
        make_responder(fake_translator(delay=0.2), timeout=0.05).reply("안녕")


def test_an_engine_failure_is_a_reply_error_and_the_next_question_is_answered(make_responder, fake_translator):
    translator = fake_translator(error=RuntimeError("out of memory"))
    responder = make_responder(translator)
    with pytest.raises(ReplyError, match="out of memory"):
        responder.reply("안녕")
    translator.error = None
    assert responder.reply("안녕").text == "네 안녕"


def test_a_text_that_the_analyser_fails_on_fails_its_own_asker_alone(make_responder, tokenizer, monkeypatch):
    responder = make_responder()
    real_split = tokenizer.split

    def split(text):
        if text == "poison":
            raise UnicodeError("surrogates")
        return real_split(text)

    monkeypatch.setattr(tokenizer, "split", split)
    with pytest.raises(ReplyError, match="surrogates"):
        responder.reply("poison")
    assert responder.reply("안녕").text == "네 안녕"


def test_after_close_there_are_no_answers(make_responder):
    responder = make_responder()
    responder.close()
    with pytest.raises(ReplyError, match="closed"):
        responder.reply("안녕")


def test_a_full_queue_is_busy_for_threads_and_coroutines_alike(make_responder, fake_translator, wait_until):
    translator = fake_translator(delay=0.3)
    responder = make_responder(translator, queue_size=1)
    responder.submit("하나")
    wait_until(lambda: translator.batches)
    responder.submit("둘")
    with pytest.raises(ReplyBusy):
        responder.reply("셋")
    with pytest.raises(ReplyBusy):
        asyncio.run(responder.areply("셋"))


async def test_a_coroutine_gets_its_answer_and_the_loop_runs_on_meanwhile(make_responder, fake_translator):
    responder = make_responder(fake_translator(delay=0.2))
    ticks = 0
    asked = asyncio.create_task(responder.areply("안녕"))
    while not asked.done():
        await asyncio.sleep(0.01)
        ticks += 1
    assert asked.result().text == "네 안녕"
    assert ticks > 5


async def test_a_late_answer_is_a_timeout_for_a_coroutine_too(make_responder, fake_translator):
    with pytest.raises(ReplyTimeout):
        await make_responder(fake_translator(delay=0.2), timeout=0.05).areply("안녕")


async def test_a_cancelled_coroutine_takes_its_question_back(make_responder, fake_translator):
    translator = fake_translator(delay=0.2)
    responder = make_responder(translator)
    first = asyncio.create_task(responder.areply("하나"))
    async with asyncio.timeout(5):
        while not translator.batches:
            await asyncio.sleep(0.01)
    second = asyncio.create_task(responder.areply("둘"))
    await asyncio.sleep(0.05)
    second.cancel()
    assert (await first).text == "네 하나"
    assert (await responder.areply("셋")).text == "네 셋"
    assert [len(batch) for batch in translator.batches] == [1, 1]


def test_one_responder_serves_many_event_loops(make_responder):
    responder = make_responder()
    answers = {}

    async def ask(base):
        texts = [f"말 {base} {i}" for i in range(10)]
        answers[base] = [reply.text for reply in await asyncio.gather(*map(responder.areply, texts))] == [
            f"네 {text}" for text in texts
        ]

    threads = [threading.Thread(target=lambda n=n: asyncio.run(ask(n))) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert answers == dict.fromkeys(range(5), True)


def test_an_event_loop_that_ended_before_its_answer_hurts_nobody(make_responder, fake_translator):
    responder = make_responder(fake_translator(delay=0.2))

    async def leave():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(responder.areply("안녕"), 0.05)

    asyncio.run(leave())
    assert responder.reply("또 안녕").text == "네 또 안녕"


class TestOpen:
    @pytest.fixture
    def registry(self, tmp_path):
        return Registry(tmp_path / "data")

    @pytest.fixture
    def open_responder(self, registry):
        made = []

        def open_(load, **settings):
            made.append(Responder.open(registry.data_dir, load=load, **settings))
            return made[-1]

        yield open_
        for responder in made:
            responder.close()

    def test_the_live_model_is_loaded_and_warm(self, registry, open_responder, fake_translator):
        run, translator = publish(registry), fake_translator()
        responder = open_responder(lambda ref: translator)
        assert translator.warm
        assert responder.reply("안녕").model == responder.model == run.name

    def test_a_model_named_by_hand_overrides_the_live_one(self, registry, open_responder, fake_translator, tmp_path):
        publish(registry)
        (tmp_path / "mine").mkdir()
        responder = open_responder(lambda ref: fake_translator(), out_dir=tmp_path / "mine")
        assert responder.model == "mine"

    @pytest.mark.parametrize("translator", [{"warm_up_error": NmtError("wrong shapes")}])
    def test_a_first_model_that_does_not_load_is_a_reply_error(
        self, registry, open_responder, fake_translator, translator
    ):
        publish(registry)
        with pytest.raises(ReplyError, match="wrong shapes"):
            open_responder(lambda ref: fake_translator(**translator))

    def test_an_unknown_analyser_is_a_reply_error(self, registry, open_responder, fake_translator):
        publish(registry)
        with pytest.raises(ReplyError, match="analyser"):
            open_responder(lambda ref: fake_translator(), analyser="guess")

    def test_a_run_without_a_memory_given_answers_from_what_it_was_trained_with(
        self, registry, open_responder, fake_translator
    ):
        with registry.lock():
            draft = registry.new_run()
            draft.model_dir.mkdir()
            (draft.model_dir / "weights").write_bytes(b"weights")
            for suffix, line in (("req", "▁뭐 ▁해"), ("rep", "▁놀 아요")):
                (draft.path / f"train.{suffix}").write_text(f"{line}\n", encoding="utf-8")
            run = registry.finish(draft, Manifest(run="", created_at="now"))
        registry.publish(run)
        assert open_responder(lambda ref: fake_translator()).reply("뭐해").source == "memory"
        assert open_responder(lambda ref: fake_translator(), mode="neural").reply("뭐해").source == "neural"

    def test_without_a_model_it_says_what_to_do(self, open_responder):
        with pytest.raises(ReplyError, match="makedata"):
            open_responder(lambda ref: None)

    def test_no_reply_is_lost_while_models_are_swapped_under_load(self, registry, open_responder, fake_translator):
        publish(registry)
        responder = open_responder(lambda ref: fake_translator(delay=0.002))
        stop, lost, models = threading.Event(), [], set()

        def ask(name):
            count = 0
            while not stop.is_set():
                text = f"{name} {count}"
                reply = responder.reply(text)
                models.add(reply.model)
                if reply.text != f"네 {text}":
                    lost.append((text, reply))
                count += 1

        threads = [threading.Thread(target=ask, args=(name,)) for name in "가나다라마바사아"]
        for thread in threads:
            thread.start()
        published = []
        for _ in range(3):
            run = publish(registry)
            published.append(run.name)
            deadline = time.monotonic() + 2
            while responder.model != run.name:
                assert time.monotonic() < deadline, "the new model was not taken within two seconds"
                time.sleep(0.02)
        stop.set()
        for thread in threads:
            thread.join(5)
        assert lost == []
        assert set(published[:-1]) < models

    def test_a_bad_new_model_is_refused_while_the_old_one_answers(
        self, registry, open_responder, fake_translator, wait_until, caplog
    ):
        good = publish(registry)

        def load(ref):
            if ref.name != good.name:
                raise NmtError("the weights are of another model")
            return fake_translator()

        responder = open_responder(load)
        publish(registry)
        wait_until(lambda: "weights are of another model" in caplog.text)
        assert responder.reply("안녕").model == good.name


@pytest.mark.slow
def test_importing_it_loads_neither_the_engine_nor_an_analyser():
    code = "import sys, core.reply; print([m for m in ('tensorflow', 'numpy', 'konlpy', 'MeCab') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
