"""The pages on model versions: who may see and do what, what they say, and what no file may break."""

import json

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from chat.models import Chat
from core.registry.pruning import Retention, prune
from tests.chat.versions.conftest import FIRST, SECOND, THIRD, receipt_of

INDEX, COMPARE, ASK, ROLLBACK = (reverse(f"versions:{name}") for name in ("index", "compare", "ask", "rollback"))


def url(page, name):
    return reverse(f"versions:{page}", args=[name])


def text(response):
    return response.content.decode()


@pytest.fixture
def reviewer(client, django_user_model, db):
    """Somebody who may see chats, and no more."""
    user = django_user_model.objects.create_user("reviewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_chat"))
    client.force_login(user)
    client.cookies["django_language"] = "ko"
    return client


class TestPermissions:
    def test_strangers_are_sent_to_the_login(self, client, versions, db):
        for page in (INDEX, COMPARE, ASK, url("detail", FIRST), url("receipt", FIRST), url("receipt_csv", FIRST)):
            response = client.get(page)
            assert (response.status_code, "login" in response["Location"]) == (302, True), page

    def test_who_may_not_see_chats_sees_no_versions(self, client, django_user_model, versions):
        client.force_login(django_user_model.objects.create_user("guest", is_staff=True))
        for page in (INDEX, COMPARE, ASK, url("detail", FIRST), url("receipt", FIRST), url("receipt_csv", FIRST)):
            assert client.get(page).status_code == 403, page
        assert INDEX not in text(client.get(reverse("admin:index")))

    def test_reviewers_look_and_publish_nothing(self, reviewer, versions):
        page = text(reviewer.get(INDEX))
        assert SECOND in page
        assert "내보내기</" not in page and ROLLBACK not in page
        for page in (url("publish", FIRST), ROLLBACK):
            assert reviewer.post(page).status_code == 403
        assert versions.live_name() == SECOND

    def test_nothing_is_published_by_following_a_link(self, staff, versions):
        for page in (url("publish", FIRST), ROLLBACK):
            assert staff.get(page).status_code == 405
        assert versions.live_name() == SECOND

    def test_publishing_needs_the_token_of_the_page(self, boss, versions):
        from django.test import Client

        strict = Client(enforce_csrf_checks=True)
        strict.force_login(boss)
        assert strict.post(ROLLBACK).status_code == 403
        assert versions.live_name() == SECOND


class TestList:
    def test_shows_what_people_choose_by(self, staff, versions):
        page = text(staff.get(INDEX))
        for shown in (
            FIRST,
            SECOND,
            THIRD,
            "c0ffee0000",
            "50.0%",
            "23.4",
            "민지",
            "서비스 중",
            "기준 미달",
            "기준 통과",
        ):
            assert shown in page, shown

    def test_no_versions_at_all(self, staff, data_dir):
        assert "아직 모델이 없어요." in text(staff.get(INDEX))

    def test_a_damaged_version_is_listed_as_that(self, staff, versions):
        (versions.models_dir / FIRST / "manifest.json").write_text('{"run": ')
        assert "손상됨" in text(staff.get(INDEX))

    def test_a_live_version_that_is_gone_is_said(self, staff, versions):
        (versions.models_dir / SECOND).rename(versions.data_dir / "elsewhere")
        assert f"내보낸 버전({SECOND})의 파일이 없어요." in text(staff.get(INDEX))

    def test_many_versions_come_in_pages(self, staff, make_version):
        for number in range(21):
            make_version(f"20260101-0000{number:02}-abcd")
        first, second = (staff.get(INDEX, {"page": page}).context["page"] for page in (1, 2))
        assert (len(first), len(second)) == (20, 1)

    def test_a_name_from_a_manifest_is_text(self, staff, make_version):
        make_version(FIRST, parent="<script>alert(1)</script>/../x", hparams={"<b>": "<i>"}, git_commit="<u>")
        for page in (INDEX, url("detail", FIRST), COMPARE):
            assert not {"<script>alert", "<b>", "<i>", "<u>"} & set(text(staff.get(page)).split(">"))
            assert "<script>alert(1)" not in text(staff.get(page))


class TestOneVersion:
    def test_shows_scores_gate_curve_and_history(self, staff, versions):
        response = staff.get(url("detail", SECOND))
        page = text(response)
        for shown in ("50.0%", "23.4", "12.3", "고친 답을 배운 비율", "97.5%", "95% 이상", "해당 없음", "민지", "<svg"):
            assert shown in page, shown
        assert [plot.title for plot in response.context["plots"]] == ["퍼플렉시티 (낮을수록 좋아요)"]

    @pytest.mark.parametrize("name", ["20200101-000000-abcd", "..", "nothing"])
    def test_there_is_no_page_for_what_is_not_there(self, staff, versions, name):
        for page in ("detail", "receipt", "receipt_csv"):
            assert staff.get(f"{INDEX}{name}/receipt/" if page == "receipt" else url(page, name)).status_code == 404
        assert staff.post(url("publish", name)).status_code == 404

    def test_a_damaged_version_says_why(self, staff, versions):
        (versions.models_dir / SECOND / "manifest.json").write_text('{"run": ')
        page = text(staff.get(url("detail", SECOND)))
        assert "파일이 손상되었거나" in page and "cut short or damaged" in page

    @pytest.mark.parametrize(
        "content",
        [
            {"metrics": {"uptake": "viel", "heldout_chrf": True}, "corpus": {"train": [], "hash": 3}, "parent": "x/y"},
            {"gate": {"passed": False, "bars": "none"}, "seconds": {"train": "long"}, "created_at": "yesterday"},
            {"gate": {"passed": True, "forced": False, "bars": [{"name": 1}]}, "training": {"warm": 1, "why": []}},
            {"hparams": {"items": 1, "x": None}, "packages": {}, "created_at": "2026-02-31T00:00:00"},
        ],
    )
    def test_a_manifest_of_other_kinds_breaks_no_page(self, staff, make_version, content):
        make_version(FIRST, **content)
        for page in (INDEX, url("detail", FIRST), url("receipt", FIRST), f"{COMPARE}?before={FIRST}&after={FIRST}"):
            assert staff.get(page).status_code == 200, page


class TestPublishing:
    def test_publishes_and_notes_who(self, staff, versions):
        response = staff.post(url("publish", FIRST), follow=True)
        assert versions.live_name() == FIRST
        assert f"이제 {FIRST} 버전이 답해요." in text(response)
        last = versions.publications()[-1]
        assert (last.run, last.before, last.by, last.reason) == (FIRST, SECOND, "boss", "publish")

    def test_one_click_goes_back_to_what_answered_before_and_the_button_names_it(self, staff, versions):
        versions.publish(versions.get(THIRD), force=True)
        versions.publish(versions.get(FIRST))  # the third's parent is the second, and the first has none
        page = text(staff.get(INDEX))
        assert f"{THIRD} 버전으로 되돌리기" in page and f'name="to" value="{THIRD}"' in page
        staff.post(ROLLBACK, {"to": THIRD})
        assert versions.live_name() == THIRD
        assert versions.publications()[-1].reason == "rollback"
        assert f"{SECOND} 버전으로 되돌리기" in text(staff.get(INDEX))

    def test_a_rollback_that_leads_elsewhere_by_now_is_refused(self, staff, versions):
        versions.publish(versions.get(THIRD), force=True)
        assert "그사이에 답하는 모델이 바뀌어서" in text(staff.post(ROLLBACK, {"to": FIRST}, follow=True))
        assert versions.live_name() == THIRD

    def test_goes_back_although_the_live_version_is_damaged(self, staff, versions):
        (versions.models_dir / SECOND / "manifest.json").write_text("{")
        assert f"{FIRST} 버전으로 되돌리기" in text(staff.get(INDEX))
        staff.post(ROLLBACK, {"to": FIRST})
        assert versions.live_name() == FIRST

    def test_a_rollback_that_has_nowhere_to_go_says_so(self, staff, versions):
        staff.post(ROLLBACK)
        response = staff.post(ROLLBACK, follow=True)
        assert "되돌리지 못했어요." in text(response)
        assert versions.live_name() == FIRST

    def test_a_rejected_version_is_asked_about_first(self, staff, versions):
        response = staff.post(url("publish", THIRD))
        assert "그래도 내보낼까요?" in text(response) and "전에 맞던 답을 잃은 비율" in text(response)
        assert versions.live_name() == SECOND
        staff.post(url("publish", THIRD), {"force": "1"})
        assert versions.live_name() == THIRD
        assert versions.publications()[-1].reason == "force"

    def test_a_damaged_version_is_refused_and_the_live_one_stays(self, staff, versions):
        (versions.models_dir / FIRST / "model" / "hparams.json").write_text("changed")
        response = staff.post(url("publish", FIRST), follow=True)
        assert "내보내지 못했어요." in text(response) and "SHA-256" in text(response)
        (versions.models_dir / FIRST / "manifest.json").write_text("{")
        assert "파일이 손상되었거나" in text(staff.post(url("publish", FIRST), follow=True))
        assert versions.live_name() == SECOND

    def test_the_rollback_button_is_gone_with_its_version(self, staff, versions):
        assert ROLLBACK in text(staff.get(INDEX))
        prune(versions, Retention(newest=0, ancestors=0))
        assert ROLLBACK not in text(staff.get(INDEX))

    def test_a_server_that_is_fixed_to_one_model_says_so(self, staff, versions, settings, tmp_path):
        settings.OUT_DIR = tmp_path
        assert "OUT_DIR" in text(staff.get(INDEX))


class TestReceipt:
    def test_lists_what_was_learned_first_what_was_not(self, staff, versions):
        page = staff.get(url("receipt", SECOND))
        assert [(row.question, row.outcome) for row in page.context["page"]] == [
            ("<script>뭐 해?</script>", "missed"),
            ("안녕", "learned"),
        ]
        assert "<script>뭐" not in text(page)

    @pytest.mark.parametrize(
        ("filters", "questions"),
        [
            ({"list": "corrections", "outcome": "learned"}, ["안녕"]),
            ({"list": "changed"}, ["잘 가"]),
            ({"list": "changed", "outcome": "better"}, []),
            ({"list": "canaries"}, ["이름?", "누구야?"]),
            ({"list": "canaries", "q": " 자람이 "}, ["누구야?"]),
            ({"list": "nothing", "outcome": "worse", "page": "x"}, ["<script>뭐 해?</script>", "안녕"]),
        ],
    )
    def test_is_filtered_and_searched(self, staff, versions, filters, questions):
        page = staff.get(url("receipt", SECOND), filters)
        assert [row.question for row in page.context["page"]] == questions

    def test_a_row_opens_its_chat_while_it_is_there(self, staff, make_version, make_chat):
        chat = make_chat()
        make_version(FIRST, receipt=receipt_of(rows=[chat.pk]))
        link = reverse("admin:chat_chat_change", args=[chat.pk])
        assert link in text(staff.get(url("receipt", FIRST)))
        Chat.objects.all().delete()
        page = text(staff.get(url("receipt", FIRST)))
        assert link not in page and "(지워진 대화)" in page

    def test_ten_thousand_rows_come_fifty_at_a_time(self, staff, make_version, django_assert_max_num_queries):
        line = {"row": 1, "question": "안녕", "answer": "반가워요", "learned": True, "given": "반가워요"}
        content = {"run": FIRST, "parent": None, "pairs": [line] * 10_000}
        (make_version(FIRST).path / "receipt.json").write_text(json.dumps(content), encoding="utf-8")
        with django_assert_max_num_queries(8):
            response = staff.get(url("receipt", FIRST), {"page": 200})
        assert len(response.context["page"]) == 50
        assert len(response.content) < 200_000

    def test_a_missing_or_damaged_receipt_is_said(self, staff, versions):
        assert "남아 있지 않아요." in text(staff.get(url("receipt", FIRST)))
        assert staff.get(url("receipt_csv", FIRST)).status_code == 404
        (versions.models_dir / SECOND / "receipt.json").write_text('{"run": "x", "parent": null, "corr')
        for page in ("receipt", "detail"):
            assert "배운 기록 파일이 손상되어" in text(staff.get(url(page, SECOND)))

    def test_is_downloaded_as_a_table_that_no_spreadsheet_runs(self, staff, versions):
        response = staff.get(url("receipt_csv", SECOND))
        lines = b"".join(response.streaming_content).decode("utf-8-sig").splitlines()
        assert lines[0] == "목록,대화 번호,질문,배울 답,전의 답,지금 답,결과"
        assert lines[1] == "고친 답,,<script>뭐 해?</script>,쉬어요,,'=cmd(),못 배웠어요"
        assert len(lines) == 6
        assert f"receipt-{SECOND}.csv" in response["Content-Disposition"]

    def test_the_download_follows_the_filter(self, staff, versions):
        response = staff.get(url("receipt_csv", SECOND), {"list": "canaries", "outcome": "held"})
        assert len(b"".join(response.streaming_content).decode().splitlines()) == 2


class TestComparison:
    def test_shows_what_differs(self, staff, versions):
        response = staff.get(COMPARE, {"before": FIRST, "after": SECOND})
        comparison = response.context["comparison"]
        assert [(one.name, one.before, one.after) for one in comparison.hparams] == [("num_units", None, 256)]
        assert [(one.question, one.verdict) for one in comparison.lessons.changed] == [("안녕", "better")]
        assert comparison.lessons.added == (("잘 자", "네"),)
        assert comparison.lessons.removed == (("잘 가", "또 봐"),)
        assert "+1" in text(response)

    def test_the_live_version_is_compared_with_its_parent_unasked(self, staff, versions):
        context = staff.get(COMPARE).context
        assert (context["before"].name, context["after"].name) == (FIRST, SECOND)

    @pytest.mark.parametrize(("kind", "length"), [("changed", 1), ("added", 1), ("removed", 1)])
    def test_each_list_has_its_page(self, staff, versions, kind, length):
        page = staff.get(COMPARE, {"before": FIRST, "after": SECOND, "list": kind})
        assert len(page.context["page"]) == length

    def test_versions_without_their_lessons_are_compared_all_the_same(self, staff, versions):
        (versions.models_dir / FIRST / "train.hyp").unlink()
        page = text(staff.get(COMPARE, {"before": FIRST, "after": SECOND}))
        assert "num_units" in page and "필요한 파일이 없어요." in page

    def test_one_version_alone_is_compared_with_nothing(self, staff, make_version):
        make_version(FIRST)
        assert "비교할 두 버전을 골라 주세요." in text(staff.get(COMPARE, {"after": "<b>", "before": FIRST[:3]}))


class TestValidation:
    def finding(self, code, severity, value, rows=()):
        return {"code": code, "severity": severity, "text": f"about <b>{code}</b>", "rows": list(rows), "value": value}

    def test_what_was_found_is_listed_with_its_rows(self, staff, make_version, make_chat):
        chat = make_chat()
        findings = [
            self.finding("new_words", "info", 0.4),
            self.finding("one_visitor", "warning", 0.25, [chat.pk, 999_999]),
            self.finding("empty_sides", "error", 1200),
        ]
        make_version(FIRST, validation={"severity": "error", "findings": findings, "profile": {}})
        response = staff.get(url("detail", FIRST))
        validation = response.context["validation"]
        assert [(one.severity, one.value) for one in validation.problems] == [("error", "1,200"), ("warning", "25.0%")]
        assert [one.value for one in validation.measured] == ["40.0%"]
        page = text(response)
        assert reverse("admin:chat_chat_change", args=[chat.pk]) in page
        assert "#999999" in page and reverse("admin:chat_chat_change", args=[999_999]) not in page
        assert "about <b>" not in page

    def test_questions_with_different_answers_are_listed_for_the_reviewer(self, staff, make_version):
        conflict = {"question": "뭐 먹어?", "kept": ["햇빛"], "superseded": ["<i>물</i>"], "rows": [1, "2"]}
        corpus = {"conflicts": [conflict] * 51}
        make_version(FIRST, corpus=corpus, validation={"findings": []})
        page = text(staff.get(url("detail", FIRST)))
        assert "뭐 먹어?" in page and "햇빛" in page and "<i>물" not in page and "그 밖에 1개가 더 있어요." in page

    @pytest.mark.parametrize("validation", [{"findings": 3}, {"findings": [{"code": 1, "rows": 2, "value": "x"}]}, {}])
    def test_a_report_of_another_kind_breaks_nothing(self, staff, make_version, validation):
        make_version(FIRST, validation=validation, corpus={"conflicts": [{}, 1]})
        assert staff.get(url("detail", FIRST)).status_code == 200
