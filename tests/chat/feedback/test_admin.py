import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from chat import selectors
from chat.models import Chat, Feedback, Visitor

LIST = reverse("admin:chat_visitor_changelist")


@pytest.fixture
def visitor(make_chat):
    """A visitor who said three things, of which one was learned and one complained of."""
    visitor = Visitor.objects.create(key="f00dcafe" * 4)
    make_chat("하나", session=visitor.key, verify="approved")
    make_chat("둘", session=visitor.key)
    chat = make_chat("셋", session=visitor.key)
    Feedback.objects.create(chat=chat, visitor=visitor, thumb="down", suggestion="3", suggested_at=chat.created_at)
    make_chat("넷", verify="approved")
    return visitor


def change_url(visitor):
    return reverse("admin:chat_visitor_change", args=[visitor.pk])


def learned():
    return [pair.question for pair in selectors.training_pairs()]


def test_the_list_counts_what_each_said(staff, visitor):
    Visitor.objects.create(key="silent")
    shown = {row.key: row for row in staff.get(LIST).context["cl"].result_list}
    row = shown[visitor.key]
    assert (row.chats_said, row.approved, row.suggested, row.complained) == (3, 1, 1, 1)
    assert shown["silent"].chats_said == 0


def test_everything_from_a_visitor_is_dropped_and_restored_from_the_list(staff, visitor, boss):
    chosen = {"_selected_action": [visitor.pk]}
    page = staff.post(LIST, {"action": "drop_all", **chosen}, follow=True).content.decode()
    assert "대화 3개를 뺐어요." in page
    visitor.refresh_from_db()
    assert visitor.dropped_by == boss
    assert learned() == ["넷"]
    page = staff.post(LIST, {"action": "restore_all", **chosen}, follow=True).content.decode()
    assert "대화 3개를 되돌렸어요." in page
    assert learned() == ["하나", "넷"]


def test_the_same_on_the_page_of_one_visitor(staff, visitor):
    page = staff.get(change_url(visitor)).content.decode()
    assert f"session__exact={visitor.key}" in page
    assert (
        len(
            staff.get(f"{reverse('admin:chat_chat_changelist')}?session__exact={visitor.key}").context["cl"].result_list
        )
        == 3
    )
    assert "chat_visitor_drop_this" in page and "chat_visitor_restore_this" not in page
    assert "&#x27;kept&#x27;" not in page
    staff.post(change_url(visitor), {"trusted": "on", "chat_visitor_drop_this": "1"})
    visitor.refresh_from_db()
    assert visitor.is_dropped and visitor.trusted
    assert learned() == ["넷"]
    page = staff.get(change_url(visitor)).content.decode()
    assert "chat_visitor_drop_this" not in page and "chat_visitor_restore_this" in page
    staff.post(change_url(visitor), {"chat_visitor_restore_this": "1"})
    visitor.refresh_from_db()
    assert not visitor.is_dropped and not visitor.trusted


def test_dropped_visitors_are_found(staff, visitor, boss):
    staff.post(LIST, {"action": "drop_all", "_selected_action": [visitor.pk]})
    Visitor.objects.create(key="kept")
    found = {
        state: [row.key for row in staff.get(LIST, {"state": state}).context["cl"].result_list]
        for state in ("kept", "dropped")
    }
    assert found == {"kept": ["kept"], "dropped": [visitor.key]}


def test_dropping_needs_its_permission(client, django_user_model, visitor):
    user = django_user_model.objects.create_user("reviewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_visitor", "change_visitor"]))
    client.force_login(user)
    client.post(LIST, {"action": "drop_all", "_selected_action": [visitor.pk]})
    client.post(change_url(visitor), {"chat_visitor_drop_this": "1"})
    visitor.refresh_from_db()
    assert not visitor.is_dropped


def test_visitors_are_neither_made_nor_deleted_here(staff, visitor):
    assert staff.get(reverse("admin:chat_visitor_add")).status_code == 403
    assert staff.post(reverse("admin:chat_visitor_delete", args=[visitor.pk]), {"post": "yes"}).status_code == 403
    assert Chat.objects.count() == 4


@pytest.mark.parametrize("language", ["ko", "en"])
def test_pages_are_in_one_language(staff, visitor, language):
    staff.cookies["django_language"] = language
    for address in (LIST, change_url(visitor), TestFeedback.LIST):
        text = staff.get(address).content.decode().replace("한국어", "").replace("셋", "").replace("반가워요", "")
        assert ("방문자" in text) is (language == "ko")
        assert any("가" <= character <= "힣" for character in text) is (language == "ko")


class TestFeedback:
    LIST = reverse("admin:chat_feedback_changelist")

    def test_is_listed_with_its_answer_and_visitor(self, staff, visitor):
        page = staff.get(self.LIST).content.decode()
        for text in (
            "셋",
            "👎",
            change_url(visitor),
            reverse("admin:chat_chat_change", args=[Feedback.objects.get().chat_id]),
        ):
            assert text in page

    def test_suggestions_are_found(self, staff, visitor, make_chat):
        Feedback.objects.create(chat=make_chat("다섯"), visitor=visitor, thumb="up")
        found = {
            choice: staff.get(self.LIST, {"suggested": choice}).context["cl"].result_count for choice in ("yes", "no")
        }
        assert found == {"yes": 1, "no": 1}
        assert self.count(staff, q="다섯") == 1

    def count(self, staff, **wanted):
        return staff.get(self.LIST, wanted).context["cl"].result_count

    def test_nobody_changes_it(self, staff, visitor):
        feedback = Feedback.objects.get()
        address = reverse("admin:chat_feedback_change", args=[feedback.pk])
        assert staff.post(address, {"suggestion": "다른 말"}).status_code == 403
        assert staff.get(reverse("admin:chat_feedback_add")).status_code == 403

    def test_deleting_a_chat_takes_its_feedback_along(self, staff, visitor):
        chat = Feedback.objects.get().chat
        page = staff.post(reverse("admin:chat_chat_delete", args=[chat.pk]), {"post": "yes"}, follow=True)
        assert page.status_code == 200
        assert not Feedback.objects.exists() and not Chat.objects.filter(pk=chat.pk).exists()
