import pytest
from django.urls import reverse


@pytest.mark.django_db
def test_admin_may_run_its_theme_and_nothing_from_elsewhere(client):
    policy = client.get(reverse("admin:login")).headers["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-inline' 'unsafe-eval'" in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy


def test_refused_host_gets_a_page_that_connects_nowhere(client):
    response = client.get("/healthz", headers={"host": "evil.example"})
    assert response.status_code == 400
    assert "evil" not in response.headers["Content-Security-Policy"]


def test_every_answer_says_how_it_may_be_used(client):
    headers = client.get("/healthz").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
