from datetime import datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from chat.models import Chat

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitor(client):
    """Visit the page once, and return who one is then."""
    client.get("/")
    return client.session["visitor"]


class TestPage:
    def test_gives_what_the_page_needs(self, client):
        response = client.get("/")
        assert response.status_code == 200
        assert response.context["room"] == "main"
        assert response.context["max_message_length"] == 600

    def test_a_visitor_stays_the_same_for_a_year(self, client, visitor):
        client.get("/")
        assert client.session["visitor"] == visitor
        assert client.cookies["sessionid"]["max-age"] == 365 * 24 * 3600

    def test_two_browsers_are_two_visitors(self, client, visitor, django_user_model):
        from django.test import Client

        other = Client()
        other.get("/")
        assert other.session["visitor"] != visitor

    def test_cookies_are_out_of_reach_for_scripts_and_other_sites(self, client):
        cookie = client.get("/").cookies["sessionid"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"

    def test_a_login_does_not_last_a_year(self, client, visitor, boss):
        client.post(reverse("admin:login"), {"username": "boss", "password": "boss", "next": "/admin/"})
        assert client.session["visitor"] == visitor
        assert client.session.get_expiry_age() == 14 * 24 * 3600

    def test_speaks_korean_unless_the_browser_prefers_english(self, client):
        assert '<html lang="ko"' in client.get("/").content.decode()
        assert '<html lang="ko"' in client.get("/", HTTP_ACCEPT_LANGUAGE="de,fr;q=0.5").content.decode()
        assert '<html lang="en"' in client.get("/", HTTP_ACCEPT_LANGUAGE="en-GB,en").content.decode()

    def test_language_can_be_chosen(self, client):
        client.post(reverse("set_language"), {"language": "en", "next": "/"})
        assert '<html lang="en"' in client.get("/").content.decode()

    def test_runs_no_script_but_its_own(self, client):
        policy = client.get("/").headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "ws://testserver" in policy


class TestHistory:
    def get(self, client):
        response = client.get("/history/")
        assert "no-store" in response.headers["Cache-Control"]
        return response.json()

    def test_is_empty_for_somebody_new(self, client):
        assert self.get(client) == {"messages": [], "more": False}

    def test_tells_what_was_said(self, client, visitor, make_chat):
        chat = make_chat("안녕", "반가워요", session=visitor, client_id="m1")
        (message,) = self.get(client)["messages"]
        assert (message["chat"], message["id"]) == (chat.pk, "m1")
        assert (message["question"], message["answer"]) == ("안녕", "반가워요")
        assert datetime.fromisoformat(message["asked_at"]) == chat.created_at
        assert datetime.fromisoformat(message["answered_at"]) == chat.answered_at

    def test_answer_that_is_owed_is_null(self, client, visitor, make_chat):
        make_chat("안녕", "", session=visitor)
        (message,) = self.get(client)["messages"]
        assert (message["answer"], message["answered_at"], message["id"]) == (None, None, "")

    def test_shows_the_last_fifty_oldest_first_and_says_there_are_more(self, client, visitor, make_chat):
        for number in range(51):
            make_chat(str(number), session=visitor)
        history = self.get(client)
        assert [message["question"] for message in history["messages"]] == [str(n) for n in range(1, 51)]
        assert history["more"] is True

    def test_exactly_fifty_are_all(self, client, visitor, make_chat):
        for number in range(50):
            make_chat(str(number), session=visitor)
        assert self.get(client)["more"] is False

    def test_shows_nothing_of_others(self, client, visitor, make_chat):
        make_chat("남의 말", session="somebody else")
        make_chat("가져온 말", session="", origin="import")
        assert self.get(client)["messages"] == []

    def test_shows_the_answer_as_it_was_given(self, client, visitor, make_chat):
        make_chat("안녕", "반가워요", correction="어서 와요", session=visitor)
        assert self.get(client)["messages"][0]["answer"] == "반가워요"

    def test_only_reads(self, client):
        assert client.post("/history/").status_code == 405


class TestHealth:
    def test_is_up_before_there_is_a_model(self, client, data_dir):
        response = client.get("/healthz")
        assert response.status_code == 200
        assert response.json() == {"status": "ok", "model": None, "ready": False}

    def test_says_when_the_model_is_loaded(self, client, data_dir, fake):
        assert client.get("/healthz").json()["ready"] is True

    def test_names_the_live_model(self, client, data_dir, publish_run):
        run = publish_run()
        assert client.get("/healthz").json()["model"] == run.name

    def test_a_damaged_link_does_not_bring_it_down(self, client, data_dir):
        (data_dir / "current").symlink_to("models/nowhere")
        response = client.get("/healthz")
        assert (response.status_code, response.json()["model"]) == (200, None)

    def test_names_the_model_that_overrides(self, client, data_dir, settings):
        settings.OUT_DIR = data_dir / "models" / "mine" / "model"
        assert client.get("/healthz").json()["model"] == "mine"


def test_history_is_read_with_one_query(client, visitor, make_chat, django_assert_num_queries):
    for number in range(20):
        make_chat(str(number), session=visitor)
    with django_assert_num_queries(2):  # the session and the exchanges
        client.get("/history/")


def test_rows_are_stamped_with_the_moment(make_chat):
    assert timezone.now() - make_chat().created_at < timedelta(seconds=5)
    assert Chat.objects.count() == 1
