import csv
import io
import json

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import load_workbook

from chat.formats import CSV, FORMATS, JSON, XLSX
from chat.models import Category, Chat
from chat.roles import PERMISSIONS

LIST = reverse("admin:chat_chat_changelist")
ADD = reverse("admin:chat_chat_add")
IMPORT = reverse("admin:chat_chat_import")
EXPORT = reverse("admin:chat_chat_export")


def change_url(chat):
    return reverse("admin:chat_chat_change", args=[chat.pk])


def questions(response):
    return [chat.question for chat in response.context["cl"].result_list]


@pytest.fixture
def staff(client, boss):
    client.force_login(boss)
    client.cookies["django_language"] = "ko"
    return client


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


class TestLanguages:
    PAGES = (
        "admin:index",
        "admin:chat_chat_changelist",
        "admin:chat_chat_add",
        "admin:chat_chat_import",
        "admin:chat_chat_export",
        "admin:chat_category_changelist",
        "admin:chat_category_add",
        "admin:auth_user_changelist",
        "admin:auth_group_changelist",
    )

    @pytest.mark.parametrize("address", PAGES)
    def test_english_page_holds_no_korean(self, staff, address):
        staff.cookies["django_language"] = "en"
        text = staff.get(reverse(address)).content.decode()
        for name in ("한국어", *PERMISSIONS):
            text = text.replace(name, "")
        assert [line.strip() for line in text.splitlines() if any("가" <= c <= "힣" for c in line)] == []
        assert "Jaram admin" in text

    @pytest.mark.parametrize("address", PAGES)
    def test_korean_page_is_korean(self, staff, address):
        text = staff.get(reverse(address)).content.decode()
        assert "자람 관리" in text
        for english in ("Filters", "Search apps", "Type to search", "Select action", "Run the selected", "Apply"):
            assert english not in text

    def test_login_is_in_both_languages(self, client, db):
        client.cookies["django_language"] = "en"
        assert "Jaram admin" in client.get(reverse("admin:login")).content.decode()
        client.cookies["django_language"] = "ko"
        assert "자람 관리" in client.get(reverse("admin:login")).content.decode()

    def test_change_form_in_both_languages(self, staff, make_chat):
        chat = make_chat("hello", "hi", source="neural")
        assert "고친 답" in staff.get(change_url(chat)).content.decode()
        staff.cookies["django_language"] = "en"
        text = staff.get(change_url(chat)).content.decode().replace("한국어", "")
        assert "Correction" in text
        assert not any("가" <= c <= "힣" for c in text)


class TestExport:
    def export(self, client, file_format, **filters):
        response = client.post(
            EXPORT + ("?" + "&".join(f"{k}={v}" for k, v in filters.items()) if filters else ""),
            {"format": FORMATS.index(file_format), "resource": "0", **self.all_fields()},
        )
        assert response.status_code == 200
        return response

    def all_fields(self):
        from chat.resources import ChatResource

        return {f"chatresource_{name}": "on" for name in ChatResource._meta.fields}

    def test_csv_opens_in_korean_excel(self, staff, make_chat):
        make_chat("안녕?", "반가워요", correction="어서 와요", category=Category.objects.create(name="인사"))
        data = self.export(staff, CSV).content
        assert data.startswith(b"\xef\xbb\xbf")
        (row,) = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
        assert (row["question"], row["answer"], row["correction"]) == ("안녕?", "반가워요", "어서 와요")
        assert (row["category"], row["verify"], row["origin"]) == ("인사", "pending", "conversation")

    def test_xlsx(self, staff, make_chat):
        make_chat("안녕?", "반가워요", score=0.5)
        sheet = load_workbook(io.BytesIO(self.export(staff, XLSX).content)).active
        header, row = ([cell.value for cell in cells] for cells in sheet.rows)
        assert dict(zip(header, row, strict=True))["question"] == "안녕?"

    def test_json(self, staff, make_chat):
        make_chat("안녕?", "=1+1")
        (row,) = json.loads(self.export(staff, JSON).content)
        assert (row["question"], row["answer"]) == ("안녕?", "=1+1")

    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1", "'=1"])
    def test_no_spreadsheet_runs_what_a_visitor_wrote(self, staff, make_chat, text):
        make_chat(text, "응")
        data = self.export(staff, CSV).content.decode("utf-8-sig")
        (row,) = csv.DictReader(io.StringIO(data))
        assert row["question"] == "'" + text
        sheet = load_workbook(io.BytesIO(self.export(staff, XLSX).content)).active
        cells = [cell for row in sheet.rows for cell in row]
        assert all(cell.data_type != "f" for cell in cells)
        assert "'" + text in [cell.value for cell in cells]

    def test_filtered_list_is_what_is_exported(self, staff, make_chat):
        make_chat("하나", verify="approved")
        make_chat("둘")
        rows = json.loads(self.export(staff, JSON, verify__exact="approved").content)
        assert [row["question"] for row in rows] == ["하나"]


class TestImport:
    def upload(self, client, name, data, file_format):
        response = client.post(
            IMPORT,
            {
                "format": FORMATS.index(file_format),
                "resource": "0",
                "import_file": SimpleUploadedFile(name, data),
            },
        )
        assert response.status_code == 200
        return response

    def confirm(self, client, response):
        form = response.context["confirm_form"]
        return client.post(reverse("admin:chat_chat_process_import"), form.initial, follow=True)

    def import_csv(self, client, text, encoding="utf-8"):
        response = self.upload(client, "pairs.csv", text.encode(encoding), CSV)
        assert "confirm_form" in response.context, response.context.get("result")
        return self.confirm(client, response)

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
    def test_new_pairs_come_in(self, staff, boss, encoding):
        self.import_csv(
            staff, "question,answer,category,verify\n안녕,반가워요,인사,검토완료\n잘 가,또 봐요,인사,\n", encoding
        )
        first, second = Chat.objects.order_by("pk")
        assert (first.question, first.answer, first.category.name) == ("안녕", "반가워요", "인사")
        assert (first.verify, first.origin, first.reviewer) == ("approved", "import", boss)
        assert second.verify == "pending"

    def test_columns_may_have_their_usual_names(self, staff):
        self.import_csv(staff, "Q,A,label\n안녕,반가워요,인사\n")
        chat = Chat.objects.get()
        assert (chat.question, chat.answer, chat.category.name) == ("안녕", "반가워요", "인사")

    def test_importing_twice_adds_nothing_twice(self, staff):
        for _ in range(2):
            self.import_csv(staff, "question,answer\n안녕,반가워요\n안녕, 반가워요 \n")
        assert Chat.objects.count() == 1

    @pytest.mark.parametrize("file_format", [CSV, XLSX, JSON])
    def test_what_was_exported_can_be_corrected_and_brought_back(self, staff, make_chat, boss, file_format):
        chat = make_chat("=누구야?", "몰라요", source="neural", score=0.25)
        untouched = make_chat("뭐 해?", "쉬어요")
        exported = TestExport().export(staff, file_format).content
        dataset = file_format().create_dataset(exported if file_format is not JSON else exported.decode())
        table = dataset.dict
        for row in table:
            if str(row["id"]) == str(chat.pk):
                row |= {"correction": "자람이에요", "verify": "approved", "answer": "몰래 바꾼 답"}
        dataset.dict = table
        data = file_format().export_data(dataset)
        data = data.encode() if isinstance(data, str) else data
        self.confirm(staff, self.upload(staff, f"pairs.{file_format().get_extension()}", data, file_format))
        chat.refresh_from_db()
        untouched.refresh_from_db()
        assert (chat.question, chat.answer) == ("=누구야?", "몰라요")
        assert (chat.correction, chat.verify, chat.reviewer) == ("자람이에요", "approved", boss)
        assert untouched.reviewer is None
        assert Chat.objects.count() == 2

    def test_answers_that_must_hold_go_out_and_come_back(self, staff, make_chat, boss):
        kept, other = make_chat("하나", canary=True), make_chat("둘")
        table = {row["question"]: row for row in csv.DictReader(io.StringIO(self.exported(staff)))}
        assert (table["하나"]["canary"], table["둘"]["canary"]) == ("1", "0")
        self.import_csv(staff, "question,answer,canary\n셋,3,1\n넷,4,\n")
        assert list(Chat.objects.filter(canary=True).values_list("question", flat=True)) == ["셋", "하나"]
        self.import_csv(staff, f"id,question,answer,canary\n{kept.pk},하나,응,0\n{other.pk},둘,응,TRUE\n")
        assert list(Chat.objects.filter(canary=True).values_list("question", flat=True)) == ["셋", "둘"]
        assert Chat.objects.get(pk=other.pk).reviewer == boss

    def test_a_mark_that_is_neither_yes_nor_no_is_shown(self, staff):
        response = self.upload(staff, "p.csv", "question,answer,canary\n안녕,응,아마도\n".encode(), CSV)
        assert "아마도: 1이나 0으로" in response.content.decode()

    def exported(self, staff):
        return TestExport().export(staff, CSV).content.decode("utf-8-sig")

    def test_id_of_another_installation_overwrites_nothing(self, staff, make_chat):
        chat = make_chat("누구야?", "자람이에요")
        self.import_csv(staff, f"id,question,answer,correction\n{chat.pk},뭐 해?,쉬어요,책 읽어요\n")
        chat.refresh_from_db()
        assert chat.correction == ""
        assert Chat.objects.get(question="뭐 해?").correction == "책 읽어요"

    @pytest.mark.parametrize(
        "line", [",응", "안녕,", "안녕,\u200b", "안녕," + "가" * 2001], ids=["question", "answer", "blank", "long"]
    )
    def test_bad_line_is_shown_and_nothing_is_stored(self, staff, line):
        response = self.upload(staff, "p.csv", f"question,answer\n좋은,줄\n{line}\n".encode(), CSV)
        assert "confirm_form" not in response.context
        assert response.context["result"].has_validation_errors()
        assert not Chat.objects.exists()

    def test_unknown_decision_is_shown(self, staff):
        response = self.upload(staff, "p.csv", "question,answer,verify\n안녕,응,아마도\n".encode(), CSV)
        assert "아마도: 검토 값이 아니에요" in response.content.decode()

    def test_file_without_the_columns_is_refused(self, staff):
        response = self.upload(staff, "p.csv", b"x,y\n1,2\n", CSV)
        assert "질문과 답 열이 필요해요" in response.content.decode()
        assert "confirm_form" not in response.context

    def test_file_of_another_format_is_refused(self, staff):
        response = self.upload(staff, "p.xlsx", b"no workbook", XLSX)
        assert response.context["form"].errors


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
