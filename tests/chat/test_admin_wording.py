"""What Django, the theme and the import say in the admin: as Korean speaks it, and without their insides."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from chat.formats import CSV, FORMATS, JSON, XLSX
from chat.models import Chat
from chat.resources import YesNoWidget
from chat.roles import REVIEWER

pytestmark = pytest.mark.django_db

LIST, IMPORT = (reverse(f"admin:chat_chat_{name}") for name in ("changelist", "import"))


@pytest.fixture
def reviewer(client, django_user_model):
    user = django_user_model.objects.create_user("minji", is_staff=True)
    user.groups.add(Group.objects.get(name=REVIEWER))
    client.force_login(user)
    return client


def page(client, address):
    return client.get(address, follow=True).content.decode()


def upload(client, data, file_format):
    file = SimpleUploadedFile("pairs", data if isinstance(data, bytes) else data.encode())
    return client.post(IMPORT, {"format": FORMATS.index(file_format), "resource": "0", "import_file": file})


class TestDeleting:
    def test_the_button_names_what_before_it_says_what_happens(self, staff, make_chat):
        address = reverse("admin:chat_chat_change", args=[make_chat().pk])
        text = page(staff, address)
        assert "대화 삭제" in text and "삭제 대화" not in " ".join(text.split())
        assert text.count(reverse("admin:chat_chat_delete", args=[Chat.objects.get().pk])) == 1
        staff.cookies["django_language"] = "en"
        assert "Delete chat" in page(staff, address)

    def test_who_may_not_delete_has_no_button(self, reviewer, make_chat):
        assert "대화 삭제" not in page(reviewer, reverse("admin:chat_chat_change", args=[make_chat().pk]))

    def test_is_asked_about_in_plain_words(self, staff, make_chat):
        text = page(staff, reverse("admin:chat_chat_delete", args=[make_chat("안녕").pk]))
        assert "정말 삭제할까요?" in text and "네, 삭제할게요" in text

    @pytest.mark.parametrize("several", [False, True])
    def test_scripts_find_their_words(self, staff, make_chat, several):
        """The date widgets of the list come along with the page, and fail without their catalogue."""
        chat = make_chat()
        if several:
            response = staff.post(LIST, {"action": "delete_selected", "_selected_action": [chat.pk]})
            text = response.content.decode()
        else:
            text = page(staff, reverse("admin:chat_chat_delete", args=[chat.pk]))
        assert text.index(reverse("admin:jsi18n")) < text.index("admin/js/calendar")


class TestImport:
    def test_a_file_without_the_columns_is_told_what_it_needs_and_nothing_of_the_code(self, staff):
        text = upload(staff, "a,b\n1,2\n", CSV).content.decode()
        assert "질문과 답 열이 필요해요. 첫 줄에 question, answer처럼 열 이름을 적어 주세요." in text
        assert "Traceback" not in text and "[&#x27;" not in text and ".py" not in text

    @pytest.mark.parametrize(("data", "file_format"), [("no workbook", XLSX), ('{"a":', JSON), (b"\x00\xff", JSON)])
    def test_a_file_that_is_no_such_file_is_told_so(self, staff, data, file_format):
        assert "파일을 읽지 못했어요." in upload(staff, data, file_format).content.decode()

    def test_what_is_wrong_stands_beside_its_row_under_names_that_people_know(self, staff):
        response = upload(staff, "question,answer,verify,canary\n안녕,네,몰라,글쎄\n", CSV)
        text = response.content.decode()
        for part in ("검토:", "몰라: 검토 값이 아니에요.", "꼭 지켜야 할 답:", "글쎄: 예(1)나 아니요(0)로", "안녕"):
            assert part in text
        assert "아무것도 가져오지 않았어요" in text
        assert not Chat.objects.exists()

    def test_what_comes_of_it_is_said_before_and_after(self, staff):
        response = upload(staff, "question,answer,verify,canary\n안녕,반가워요,검토완료,예\n", CSV)
        text = response.content.decode()
        assert "꼭 지켜야 할 답" in text and "새로 추가" in text
        form = response.context["confirm_form"].initial
        done = staff.post(reverse("admin:chat_chat_process_import"), form, follow=True).content.decode()
        assert "새로 추가 1개, 바뀜 0개, 그대로 0개" in done
        assert Chat.objects.get().canary


@pytest.mark.parametrize(("word", "marked"), [("예", True), ("네", True), ("아니요", False), ("", False), ("1", True)])
def test_a_mark_is_read_as_people_write_it(word, marked):
    assert YesNoWidget().clean(word) == marked


def test_the_list_says_what_before_how_many_and_when_on_one_line(staff, make_chat):
    for number in range(3):
        chat = make_chat(f"질문 {number}", model_version="20260101-000000-abcd")
    text = page(staff, LIST)
    assert "대화 3개" in " ".join(text.split())
    assert f'<span class="whitespace-nowrap">{chat.created_at:%Y-}' in text
    assert '<span title="20260101-000000-abcd">abcd</span>' in text


def test_a_row_that_is_gone_is_said_plainly(staff):
    assert "찾는 항목이 없어요." in page(staff, reverse("admin:chat_chat_change", args=[999_999]))


def test_a_wrong_password_is_told_kindly(client):
    response = client.post(reverse("admin:login"), {"username": "kim", "password": "x"})
    assert "비밀번호가 맞지 않아요." in response.content.decode()


def test_morning_is_said_before_the_hour(staff, make_chat):
    chat = make_chat()
    Chat.objects.filter(pk=chat.pk).update(created_at=datetime(2026, 1, 2, 0, 5, tzinfo=UTC))
    assert "2026년 1월 2일 오전 9:05" in page(staff, reverse("admin:chat_chat_change", args=[chat.pk]))


def test_the_home_leads_to_all_that_one_may_do_and_to_nothing_else(reviewer):
    text = page(reviewer, reverse("admin:index"))
    home = text[text.index('class="ad-home"') :]
    for name in ("inbox:index", "versions:index", "training:index", "admin:chat_chat_changelist"):
        assert f'href="{reverse(name)}"' in home
    assert reverse("admin:auth_user_changelist") not in home
