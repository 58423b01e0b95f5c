"""Pairs that leave the admin as a file and that come in from one."""

import csv
import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import load_workbook

from chat.formats import CSV, FORMATS, JSON, XLSX
from chat.models import Category, Chat
from chat.resources import ChatResource

IMPORT = reverse("admin:chat_chat_import")
EXPORT = reverse("admin:chat_chat_export")


def all_fields():
    return {f"chatresource_{name}": "on" for name in ChatResource._meta.fields}


def export(client, file_format, **filters):
    response = client.post(
        EXPORT + ("?" + "&".join(f"{k}={v}" for k, v in filters.items()) if filters else ""),
        {"format": FORMATS.index(file_format), "resource": "0", **all_fields()},
    )
    assert response.status_code == 200
    return response


def upload(client, name, data, file_format):
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


def confirm(client, response):
    form = response.context["confirm_form"]
    return client.post(reverse("admin:chat_chat_process_import"), form.initial, follow=True)


def import_csv(client, text, encoding="utf-8"):
    response = upload(client, "pairs.csv", text.encode(encoding), CSV)
    assert "confirm_form" in response.context, response.context.get("result")
    return confirm(client, response)


def csv_rows(data):
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


class TestExport:
    def test_csv_opens_in_korean_excel(self, staff, make_chat):
        make_chat("안녕?", "반가워요", correction="어서 와요", category=Category.objects.create(name="인사"))
        data = export(staff, CSV).content
        assert data.startswith(b"\xef\xbb\xbf")
        (row,) = csv_rows(data)
        assert (row["question"], row["answer"], row["correction"]) == ("안녕?", "반가워요", "어서 와요")
        assert (row["category"], row["verify"], row["origin"]) == ("인사", "pending", "conversation")

    def test_xlsx(self, staff, make_chat):
        make_chat("안녕?", "반가워요", score=0.5)
        sheet = load_workbook(io.BytesIO(export(staff, XLSX).content)).active
        header, row = ([cell.value for cell in cells] for cells in sheet.rows)
        assert dict(zip(header, row, strict=True))["question"] == "안녕?"

    def test_json(self, staff, make_chat):
        make_chat("안녕?", "=1+1")
        (row,) = json.loads(export(staff, JSON).content)
        assert (row["question"], row["answer"]) == ("안녕?", "=1+1")

    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1", "'=1"])
    def test_no_spreadsheet_runs_what_a_visitor_wrote(self, staff, make_chat, text):
        make_chat(text, "응")
        (row,) = csv_rows(export(staff, CSV).content)
        assert row["question"] == "'" + text
        sheet = load_workbook(io.BytesIO(export(staff, XLSX).content)).active
        cells = [cell for row in sheet.rows for cell in row]
        assert all(cell.data_type != "f" for cell in cells)
        assert "'" + text in [cell.value for cell in cells]

    def test_filtered_list_is_what_is_exported(self, staff, make_chat):
        make_chat("하나", verify="approved")
        make_chat("둘")
        rows = json.loads(export(staff, JSON, verify__exact="approved").content)
        assert [row["question"] for row in rows] == ["하나"]


class TestImport:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
    def test_new_pairs_come_in(self, staff, boss, encoding):
        import_csv(
            staff, "question,answer,category,verify\n안녕,반가워요,인사,검토완료\n잘 가,또 봐요,인사,\n", encoding
        )
        first, second = Chat.objects.order_by("pk")
        assert (first.question, first.answer, first.category.name) == ("안녕", "반가워요", "인사")
        assert (first.verify, first.origin, first.reviewer) == ("approved", "import", boss)
        assert second.verify == "pending"

    def test_columns_may_have_their_usual_names(self, staff):
        import_csv(staff, "Q,A,label\n안녕,반가워요,인사\n")
        chat = Chat.objects.get()
        assert (chat.question, chat.answer, chat.category.name) == ("안녕", "반가워요", "인사")

    def test_importing_twice_adds_nothing_twice(self, staff):
        for _ in range(2):
            import_csv(staff, "question,answer\n안녕,반가워요\n안녕, 반가워요 \n")
        assert Chat.objects.count() == 1

    @pytest.mark.parametrize("file_format", [CSV, XLSX, JSON])
    def test_what_was_exported_can_be_corrected_and_brought_back(self, staff, make_chat, boss, file_format):
        chat = make_chat("=누구야?", "몰라요", source="neural", score=0.25)
        untouched = make_chat("뭐 해?", "쉬어요")
        exported = export(staff, file_format).content
        dataset = file_format().create_dataset(exported if file_format is not JSON else exported.decode())
        table = dataset.dict
        for row in table:
            if str(row["id"]) == str(chat.pk):
                row |= {"correction": "자람이에요", "verify": "approved", "answer": "몰래 바꾼 답"}
        dataset.dict = table
        data = file_format().export_data(dataset)
        data = data.encode() if isinstance(data, str) else data
        confirm(staff, upload(staff, f"pairs.{file_format().get_extension()}", data, file_format))
        chat.refresh_from_db()
        untouched.refresh_from_db()
        assert (chat.question, chat.answer) == ("=누구야?", "몰라요")
        assert (chat.correction, chat.verify, chat.reviewer) == ("자람이에요", "approved", boss)
        assert untouched.reviewer is None
        assert Chat.objects.count() == 2

    def test_answers_that_must_hold_go_out_and_come_back(self, staff, make_chat, boss):
        kept, other = make_chat("하나", canary=True), make_chat("둘")
        table = {row["question"]: row for row in csv_rows(export(staff, CSV).content)}
        assert (table["하나"]["canary"], table["둘"]["canary"]) == ("1", "0")
        import_csv(staff, "question,answer,canary\n셋,3,1\n넷,4,\n")
        assert list(Chat.objects.filter(canary=True).values_list("question", flat=True)) == ["셋", "하나"]
        import_csv(staff, f"id,question,answer,canary\n{kept.pk},하나,응,0\n{other.pk},둘,응,TRUE\n")
        assert list(Chat.objects.filter(canary=True).values_list("question", flat=True)) == ["셋", "둘"]
        assert Chat.objects.get(pk=other.pk).reviewer == boss

    def test_a_mark_that_is_neither_yes_nor_no_is_shown(self, staff):
        response = upload(staff, "p.csv", "question,answer,canary\n안녕,응,아마도\n".encode(), CSV)
        assert "아마도: 예(1)나 아니요(0)로" in response.content.decode()

    def test_id_of_another_installation_overwrites_nothing(self, staff, make_chat):
        chat = make_chat("누구야?", "자람이에요")
        import_csv(staff, f"id,question,answer,correction\n{chat.pk},뭐 해?,쉬어요,책 읽어요\n")
        chat.refresh_from_db()
        assert chat.correction == ""
        assert Chat.objects.get(question="뭐 해?").correction == "책 읽어요"

    @pytest.mark.parametrize(
        "line", [",응", "안녕,", "안녕,\u200b", "안녕," + "가" * 2001], ids=["question", "answer", "blank", "long"]
    )
    def test_bad_line_is_shown_and_nothing_is_stored(self, staff, line):
        response = upload(staff, "p.csv", f"question,answer\n좋은,줄\n{line}\n".encode(), CSV)
        assert "confirm_form" not in response.context
        assert response.context["result"].has_validation_errors()
        assert not Chat.objects.exists()

    def test_unknown_decision_is_shown(self, staff):
        response = upload(staff, "p.csv", "question,answer,verify\n안녕,응,아마도\n".encode(), CSV)
        assert "아마도: 검토 값이 아니에요" in response.content.decode()

    def test_file_without_the_columns_is_refused(self, staff):
        response = upload(staff, "p.csv", b"x,y\n1,2\n", CSV)
        assert "질문과 답 열이 필요해요" in response.content.decode()
        assert "confirm_form" not in response.context

    def test_file_of_another_format_is_refused(self, staff):
        response = upload(staff, "p.xlsx", b"no workbook", XLSX)
        assert response.context["form"].errors
