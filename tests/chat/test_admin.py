import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from chat.models import Category, Chat

LIST = reverse("admin:chat_chat_changelist")
ADD = reverse("admin:chat_chat_add")
IMPORT = reverse("admin:chat_chat_import")
EXPORT = reverse("admin:chat_chat_export")


def change_url(chat):
    return reverse("admin:chat_chat_change", args=[chat.pk])


def questions(response):
    return [chat.question for chat in response.context["cl"].result_list]


def run_action(client, name, chats, **extra):
    return client.post(LIST, {"action": name, "_selected_action": [chat.pk for chat in chats], **extra}, follow=True)


class TestList:
    def test_shows_what_reviewers_need(self, staff, make_chat):
        category = Category.objects.create(name="인사말")
        make_chat(
            "오늘 뭐 해?",
            "책을 읽어요",
            category=category,
            source="neural",
            score=0.83,
            model_version="20260101-000000-abcd",
        )
        page = staff.get(LIST).content.decode()
        for text in ("오늘 뭐 해?", "책을 읽어요", "인사말", "검토전", "신경망", "83%", "20260101-000000-abcd"):
            assert text in page

    def test_shows_the_correction_where_there_is_one(self, staff, make_chat):
        make_chat(answer="나간 말", correction="고친 말")
        page = staff.get(LIST).content.decode()
        assert "✎ 고친 말" in page
        assert "나간 말" not in page

    @pytest.mark.parametrize("word", ["사과", "바나나", "체리"])
    def test_searches_question_answer_and_correction(self, staff, make_chat, word):
        make_chat("사과 좋아해?", "바나나도 좋아요", correction="체리도 좋아요")
        make_chat("다른 말", "다른 답")
        assert questions(staff.get(LIST, {"q": word})) == ["사과 좋아해?"]

    def test_filters_by_verify_category_and_source(self, staff, make_chat):
        category = Category.objects.create(name="인사")
        make_chat("하나", verify="approved", category=category, source="memory")
        make_chat("둘", verify="delete", source="neural")
        for filters in (
            {"verify__exact": "approved"},
            {"category__id__exact": category.pk},
            {"source__exact": "memory"},
        ):
            assert questions(staff.get(LIST, filters)) == ["하나"], filters

    def test_filters_by_whole_days(self, staff, make_chat):
        from datetime import datetime
        from zoneinfo import ZoneInfo

        seoul = ZoneInfo("Asia/Seoul")
        for day, hour in ((1, 23), (2, 0), (2, 23), (3, 0)):
            chat = make_chat(f"{day}일 {hour}시")
            Chat.objects.filter(pk=chat.pk).update(created_at=datetime(2026, 5, day, hour, 30, tzinfo=seoul))
        found = questions(staff.get(LIST, {"created_at_from": "2026-05-02", "created_at_to": "2026-05-02"}))
        assert sorted(found) == ["2일 0시", "2일 23시"]
        assert len(questions(staff.get(LIST, {"created_at_from": "2026-02-31"}))) == 4

    @pytest.mark.parametrize("column", range(1, 9))
    def test_sorts_by_every_column(self, staff, make_chat, column):
        make_chat("하나")
        make_chat("둘", score=0.5)
        assert len(questions(staff.get(LIST, {"o": column}))) == 2


class TestReview:
    def form(self, **fields):
        return {"correction": "", "verify": "pending", "category": ""} | fields

    def test_correction_stands_beside_the_answer_with_reviewer_and_time(self, staff, make_chat, boss):
        chat = make_chat("누구야?", "몰라요", source="neural")
        staff.post(change_url(chat), self.form(correction="자람이에요", verify="approved"))
        chat.refresh_from_db()
        assert (chat.answer, chat.correction, chat.verify) == ("몰라요", "자람이에요", "approved")
        assert chat.reviewer == boss
        assert chat.reviewed_at is not None

    def test_what_was_said_cannot_be_changed(self, staff, make_chat):
        chat = make_chat("누구야?", "몰라요")
        staff.post(change_url(chat), self.form(question="다른 질문", answer="다른 답", verify="approved"))
        chat.refresh_from_db()
        assert (chat.question, chat.answer, chat.verify) == ("누구야?", "몰라요", "approved")

    def test_category_alone_is_no_decision(self, staff, make_chat):
        category = Category.objects.create(name="인사")
        chat = make_chat()
        staff.post(change_url(chat), self.form(category=category.pk))
        chat.refresh_from_db()
        assert chat.category == category
        assert chat.reviewer is None

    def test_an_answer_that_arrives_meanwhile_is_kept(self, staff, make_chat, rf, boss):
        from chat import services

        chat = make_chat("누구야?", "")
        stale = Chat.objects.get(pk=chat.pk)
        Chat.objects.filter(pk=chat.pk).update(answer="늦은 답")
        stale.correction = "자람이에요"
        services.save_review(chat=stale, changed=["correction"], reviewer=boss)
        chat.refresh_from_db()
        assert (chat.answer, chat.correction) == ("늦은 답", "자람이에요")

    def test_question_with_html_is_shown_as_text(self, staff, make_chat):
        chat = make_chat("<script>alert(1)</script>", "<b>응</b>")
        for url in (LIST, change_url(chat)):
            page = staff.get(url).content.decode()
            assert "<script>alert(1)" not in page
            assert "<b>응</b>" not in page


class TestPairsByHand:
    def test_pair_is_added_as_reviewed(self, staff, boss):
        staff.post(ADD, {"question": "뭐 먹어?", "answer": "햇빛이요", "verify": "approved", "category": ""})
        chat = Chat.objects.get()
        assert (chat.question, chat.answer, chat.verify) == ("뭐 먹어?", "햇빛이요", "approved")
        assert (chat.origin, chat.reviewer) == ("hand", boss)
        assert chat.answered_at and chat.reviewed_at

    def test_form_offers_approved_first(self, staff):
        assert staff.get(ADD).context["adminform"].form.initial["verify"] == "approved"

    def test_same_pair_is_refused_however_it_is_spaced(self, staff):
        for question in ("뭐 먹어?", " 뭐  먹어? "):
            response = staff.post(
                ADD, {"question": question, "answer": "햇빛이요", "verify": "approved", "category": ""}
            )
        assert "같은 질문과 답이 이미 있어요." in response.content.decode()
        assert Chat.objects.count() == 1

    @pytest.mark.parametrize("empty", ["", "   ", "\u200b"])
    def test_empty_question_or_answer_is_refused(self, staff, empty):
        for fields in ({"question": empty, "answer": "응"}, {"question": "뭐 해?", "answer": empty}):
            staff.post(ADD, {"verify": "approved", "category": ""} | fields)
        assert not Chat.objects.exists()

    def test_pair_can_be_changed_later(self, staff, make_chat):
        from chat import services

        chat = make_chat("뭐 먹어?", "물", origin="hand", pair_key=services.pair_key("뭐 먹어?", "물"))
        staff.post(
            change_url(chat),
            {"question": "뭐 먹어?", "answer": "햇빛", "correction": "", "verify": "approved", "category": ""},
        )
        chat.refresh_from_db()
        assert chat.answer == "햇빛"
        assert chat.pair_key == services.pair_key("뭐 먹어?", "햇빛")


class TestBulk:
    @pytest.mark.parametrize(("name", "verify"), [("approve", "approved"), ("mark_for_deletion", "delete")])
    def test_decision_for_many(self, staff, make_chat, boss, name, verify):
        chosen, other = [make_chat("하나"), make_chat("둘")], make_chat("셋")
        response = run_action(staff, name, chosen)
        assert "2개" in response.content.decode()
        assert [Chat.objects.get(pk=chat.pk).verify for chat in (*chosen, other)] == [verify, verify, "pending"]
        assert Chat.objects.get(pk=chosen[0].pk).reviewer == boss
        assert Chat.objects.get(pk=other.pk).reviewer is None

    def test_category_for_many(self, staff, make_chat):
        category = Category.objects.create(name="인사")
        chats = [make_chat("하나"), make_chat("둘")]
        run_action(staff, "put_into_category", chats, to_category=category.pk)
        assert category.chats.count() == 2
        run_action(staff, "put_into_category", chats[:1], to_category="")
        assert category.chats.count() == 1

    def test_canaries_are_marked_and_unmarked(self, staff, make_chat, boss):
        approved, pending, other = make_chat("하나", verify="approved"), make_chat("둘"), make_chat("셋")
        page = run_action(staff, "mark_as_canary", [approved, pending]).content.decode()
        assert "대화 2개를 꼭 지켜야 할 답으로 정했어요." in page
        assert "그중 1개는 검토완료가 아니어서" in page
        assert "★ 하나" in page
        assert [Chat.objects.get(pk=chat.pk).canary for chat in (approved, pending, other)] == [True, True, False]
        assert Chat.objects.get(pk=approved.pk).reviewer == boss
        assert questions(staff.get(LIST, {"canary__exact": "1"})) == ["둘", "하나"]
        assert (
            "1개를 꼭 지켜야 할 답에서 뺐어요."
            in run_action(staff, "unmark_as_canary", [approved, other]).content.decode()
        )
        assert not Chat.objects.get(pk=approved.pk).canary

    def test_category_that_is_gone_changes_nothing(self, staff, make_chat):
        category = Category.objects.create(name="인사")
        chat = make_chat(category=category)
        run_action(staff, "put_into_category", [chat], to_category=category.pk + 1)
        chat.refresh_from_db()
        assert chat.category == category

    def test_every_row_of_the_filtered_list(self, staff, make_chat):
        for number in range(60):
            make_chat(f"사과 {number}")
        other = make_chat("배")
        staff.post(
            f"{LIST}?q=사과",
            {"action": "approve", "select_across": "1", "_selected_action": [Chat.objects.first().pk]},
        )
        assert Chat.objects.approved().count() == 60
        assert Chat.objects.get(pk=other.pk).verify == "pending"


class TestPermissions:
    def reader(self, client, django_user_model):
        user = django_user_model.objects.create_user("reader", password="x", is_staff=True)
        user.user_permissions.add(Permission.objects.get(codename="view_chat"))
        client.force_login(user)
        return client

    def test_visitors_see_no_admin(self, client, db):
        assert client.get(LIST).status_code == 302

    def test_readers_read_and_change_nothing(self, client, django_user_model, make_chat):
        reader, chat = self.reader(client, django_user_model), make_chat()
        assert reader.get(LIST).status_code == 200
        assert reader.post(change_url(chat), {"verify": "approved"}).status_code == 403
        assert reader.get(IMPORT).status_code == 403
        run_action(reader, "approve", [chat])
        chat.refresh_from_db()
        assert chat.verify == "pending"


class TestCategories:
    def test_deleting_a_category_keeps_its_chats(self, staff, make_chat):
        category = Category.objects.create(name="인사")
        chat = make_chat(category=category)
        staff.post(reverse("admin:chat_category_delete", args=[category.pk]), {"post": "yes"})
        chat.refresh_from_db()
        assert chat.category is None
        assert not Category.objects.exists()

    def test_list_counts_chats(self, staff, make_chat):
        category = Category.objects.create(name="인사")
        make_chat(category=category)
        make_chat(category=category)
        (shown,) = staff.get(reverse("admin:chat_category_changelist")).context["cl"].result_list
        assert shown.chat_count == 2


def test_reviewers_of_the_setup_may_do_all_of_this(client, db, django_user_model, make_chat):
    from chat import installation

    password = installation.ensure_reviewer()
    assert client.login(username="reviewer", password=password)
    chat = make_chat()
    client.post(change_url(chat), {"correction": "고친 답", "verify": "approved", "category": ""})
    chat.refresh_from_db()
    assert chat.correction == "고친 답"
    assert client.get(IMPORT).status_code == client.get(EXPORT).status_code == 200
    assert client.get(reverse("admin:auth_user_changelist")).status_code == 403
    assert Group.objects.get(name="편집자").user_set.get().username == "reviewer"
