import pytest
from django.urls import reverse

from chat.models import Feedback, Visitor


@pytest.fixture
def page(client, boss):
    """Show a row in the admin."""
    client.force_login(boss)
    client.cookies["django_language"] = "ko"
    return lambda chat: client.get(reverse("admin:chat_chat_change", args=[chat.pk])).content.decode()


def test_reviewers_see_what_was_near_and_what_else_could_have_been_said(page, make_chat):
    known = make_chat("이름이 뭐예요?", "자람이에요", verify="approved")
    nearest = [
        {"row": known.pk, "question": "이름이 뭐예요?", "answer": "자람이에요", "similarity": 0.71},
        {"row": known.pk + 99, "question": "<b>지운 질문</b>", "answer": "지운 답", "similarity": 0.4},
    ]
    candidates = [{"text": "저는 <i>새싹</i>이에요", "source": "neural", "score": 0.333}]
    shown = page(make_chat("이름 뭐임", session="v", nearest=nearest, candidates=candidates))
    assert f'href="{reverse("admin:chat_chat_change", args=[known.pk])}">#{known.pk}</a>' in shown
    assert f"#{known.pk + 99}" in shown and f">#{known.pk + 99}</a>" not in shown
    assert "71%" in shown and " → 자람이에요" in shown
    assert "33%" in shown and "&lt;i&gt;새싹&lt;/i&gt;" in shown and "&lt;b&gt;지운 질문" in shown


def test_reviewers_see_who_asked_and_what_they_said_of_the_answer(page, make_chat):
    visitor = Visitor.objects.create(key="f00dcafe")
    chat = make_chat(session="f00dcafe")
    Feedback.objects.create(
        chat=chat, visitor=visitor, thumb="down", reaction="😢", suggestion="어서 <와요>", suggested_at=chat.created_at
    )
    shown = page(chat)
    assert reverse("admin:chat_visitor_change", args=[visitor.pk]) in shown
    assert "👎 😢" in shown and "어서 &lt;와요&gt;" in shown


def test_the_model_is_a_link_while_it_is_kept(page, make_chat, publish_run):
    run = publish_run()
    address = reverse("versions:detail", args=[run.name])
    assert f'href="{address}"' in page(make_chat(model_version=run.name))
    gone = page(make_chat("둘", model_version="20200101-000000-abcd"))
    assert "20200101-000000-abcd" in gone and reverse("versions:detail", args=["20200101-000000-abcd"]) not in gone


def test_a_pair_without_a_conversation_shows_none_of_this(page, make_chat):
    assert "가까운 대화" not in page(make_chat(origin="import"))
