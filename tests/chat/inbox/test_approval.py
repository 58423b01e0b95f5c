"""Two have to agree: the rest of the admin is no way round the inbox."""

import pytest
import tablib
from django.contrib.auth.models import Group
from django.urls import reverse

from chat import roles
from chat.inbox.services import undo
from chat.models import Chat, Decision
from chat.resources import ChatResource

pytestmark = pytest.mark.django_db

LIST, ADD, IMPORT = (reverse(f"admin:chat_chat_{page}") for page in ("changelist", "add", "import"))


@pytest.fixture
def browser(client, django_user_model, settings):
    """Log somebody in who has a role, where two have to agree."""
    settings.SECOND_APPROVAL = True

    def log_in(role):
        user = django_user_model.objects.create_user("park", is_staff=True)
        user.groups.add(Group.objects.get(name=role))
        client.force_login(user)
        client.cookies["django_language"] = "ko"
        return client

    return log_in


def save(client, chat, **fields):
    form = {"correction": chat.correction, "verify": chat.verify, "category": ""} | fields
    return client.post(reverse("admin:chat_chat_change", args=[chat.pk]), form)


@pytest.mark.parametrize(("role", "verify"), [(roles.REVIEWER, "pending"), (roles.EDITOR, "approved")])
def test_a_chats_page_and_the_list_approve_for_editors_alone(browser, make_chat, role, verify):
    client, chat, listed = browser(role), make_chat(), make_chat("이름이 뭐야?")
    answer = save(client, chat, verify="approved", correction="고친 답").content.decode()
    client.post(LIST, {"action": "approve", "_selected_action": [listed.pk]})
    assert set(Chat.objects.values_list("verify", flat=True)) == {verify}
    assert ("두 사람이 봐야 해요" in answer) == (role == roles.REVIEWER)


def test_a_reviewer_changes_nothing_that_is_approved_but_may_reject_it(browser, make_chat):
    client, chat = browser(roles.REVIEWER), make_chat(verify="approved")
    assert "두 사람이 봐야 해요" in save(client, chat, correction="고친 답").content.decode()
    assert save(client, chat, canary="on").status_code == 302
    assert save(client, chat, verify="delete").status_code == 302
    assert Chat.objects.get().verify == "delete"


def test_what_a_reviewer_writes_waits_and_imports_are_for_editors(browser):
    client = browser(roles.REVIEWER)
    assert client.get(ADD).context["adminform"].form.initial["verify"] == "pending"
    assert client.get(IMPORT).status_code == 403


def test_an_editor_imports(browser):
    assert browser(roles.EDITOR).get(IMPORT).status_code == 200


@pytest.mark.parametrize("setting", [True, False])
def test_that_nothing_was_known_is_approved_by_nobody(browser, settings, make_chat, setting):
    client = browser(roles.EDITOR)
    settings.SECOND_APPROVAL = setting
    chat = make_chat("뭐야?", "아직 못 배웠어요", source="fallback")
    assert "승인할 수 없어요" in save(client, chat, verify="approved").content.decode()
    page = client.post(LIST, {"action": "approve", "_selected_action": [chat.pk]}, follow=True).content.decode()
    assert "모른다고 답한 대화 1개는 그대로 뒀어요" in page
    table = tablib.Dataset(
        [chat.pk, chat.question, chat.answer, "approved"], headers=["id", "question", "answer", "verify"]
    )
    assert ChatResource().import_data(table, user=None).has_validation_errors()
    chat.refresh_from_db()
    assert chat.verify == "pending"
    assert save(client, chat, verify="approved", correction="이제 알아요").status_code == 302


def test_a_chats_page_tells_of_other_answers_and_leaves_a_decision_that_can_be_undone(staff, boss, make_chat):
    before = make_chat("이름이 뭐야?", "자람이에요", verify="approved", origin="hand")
    chat = make_chat("이름이 뭐야", "새싹이에요")
    response = save(staff, chat, verify="approved")
    (told,) = [str(message) for message in staff.get(response.url).context["messages"] if "다른 답도" in str(message)]
    assert "자람이에요" in told
    assert reverse("admin:chat_chat_change", args=[before.pk]) in told
    save(staff, chat, verify="approved", correction="자람이라고 해요")
    save(staff, chat, verify="delete")
    save(staff, chat, verify="delete", canary="on")
    assert list(Decision.objects.values_list("chat", "kind", "user")) == [
        (chat.pk, kind, boss.pk) for kind in ("reject", "correct", "approve")
    ]
    undo(user=boss)
    chat.refresh_from_db()
    assert (chat.verify, chat.correction) == ("approved", "자람이라고 해요")


def test_what_a_chats_page_rejects_along_comes_back_with_it(staff, boss, make_chat):
    before = make_chat("이름이 뭐야?", "자람이에요", verify="approved", origin="hand")
    chat = make_chat("이름이 뭐야", "자람이에요", verify="approved")
    save(staff, chat, verify="delete")
    assert set(Chat.objects.values_list("verify", flat=True)) == {"delete"}
    assert sorted(undo(user=boss).rows) == [before.pk, chat.pk]
    assert set(Chat.objects.values_list("verify", flat=True)) == {"approved"}


def test_without_the_setting_one_is_enough(browser, settings, make_chat):
    client = browser(roles.REVIEWER)
    settings.SECOND_APPROVAL = False
    save(client, make_chat(), verify="approved")
    assert Chat.objects.get().verify == "approved"
    assert client.get(ADD).context["adminform"].form.initial["verify"] == "approved"
    assert client.get(IMPORT).status_code == 200
