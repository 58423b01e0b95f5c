"""Every source string has its English, in the compiled catalogue that is served."""

import ast
import itertools
import re
from operator import itemgetter
from pathlib import Path

import pytest
from django.utils.translation import trans_real

ROOT = Path(__file__).resolve().parents[2]
CALLS = {"_": 1, "gettext": 1, "gettext_lazy": 1, "ngettext": 2, "pgettext": 2, "pgettext_lazy": 2}
IN_BLOCK = re.compile(
    r"{%\s*blocktranslate\b[^%]*%}(.*?)(?:{%\s*plural\s*%}.*?)?{%\s*endblocktranslate\s*%}", re.DOTALL
)
VARIABLE = re.compile(r"{{\s*(\w+)\s*}}")
IN_TEMPLATE = re.compile(r"{%\s*trans(?:late)?\s+(\"(?:[^\"]*)\"|'(?:[^']*)')")


def python_strings(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            arguments = [a.value for a in node.args[: CALLS[node.func.id]] if isinstance(a, ast.Constant)]
            if node.func.id.startswith("pgettext"):
                yield "\x04".join(arguments)
            else:
                yield arguments[0]


def strings():
    for folder in ("chat", "chatbot"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for text in python_strings(path):
                yield path.relative_to(ROOT), text
    for path in sorted((ROOT / "templates").rglob("*.html")):
        template = path.read_text(encoding="utf-8")
        for quoted in IN_TEMPLATE.findall(template):
            yield path.relative_to(ROOT), quoted[1:-1]
        for text in IN_BLOCK.findall(template):
            yield path.relative_to(ROOT), VARIABLE.sub(r"%(\1)s", text)


def test_there_are_strings_in_python_and_in_templates():
    kinds = {path.suffix for path, _ in strings()}
    assert kinds == {".py", ".html"}


FILES = {path: sorted({text for _, text in found}) for path, found in itertools.groupby(strings(), itemgetter(0))}


@pytest.mark.parametrize("path", FILES, ids=str)
def test_every_string_of_a_file_has_its_english(path):
    catalogue = trans_real.translation("en")._catalog
    for text in FILES[path]:
        english = catalogue.get(text) or catalogue.get((text, 1))
        assert english, f"{text}: run manage.py makemessages -l en, translate, manage.py compilemessages"
        assert not any("가" <= character <= "힣" for character in english), text
        # What has a name may stand elsewhere in another language.
        assert sorted(re.findall(r"%\(\w+\)s", text)) == sorted(re.findall(r"%\(\w+\)s", english)), text
        assert re.findall(r"%[sd]", text) == re.findall(r"%[sd]", english), text
