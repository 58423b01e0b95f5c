"""Two reviewers never have the same row before them, and no row is lost with the one who had it."""

import threading

import pytest
from django.db import connection, connections

from chat.inbox import claims
from chat.inbox.claims import LEASE
from chat.models import Claim

pytestmark = pytest.mark.django_db


def test_a_row_that_somebody_has_is_nobody_elses(kim, lee, make_chat):
    first, second = make_chat().pk, make_chat().pk
    assert claims.take(user=kim, rows=[first]) == {first}
    assert claims.take(user=lee, rows=[first, second]) == {second}
    assert claims.others(user=lee, rows=[first, second]) == {first}


def test_a_claim_runs_out(clock, kim, lee, make_chat):
    row = make_chat().pk
    claims.take(user=kim, rows=[row])
    clock.pass_by(seconds=LEASE.total_seconds() - 1)
    assert claims.take(user=lee, rows=[row]) == set()
    clock.pass_by(seconds=1)
    assert claims.take(user=lee, rows=[row]) == {row}
    assert claims.take(user=kim, rows=[row]) == set()


def test_a_claim_that_is_renewed_stays(clock, kim, lee, make_chat):
    row = make_chat().pk
    claims.take(user=kim, rows=[row])
    for _ in range(3):
        clock.pass_by(minutes=4)
        assert claims.renew(user=kim) == 1
    assert claims.take(user=lee, rows=[row]) == set()


def test_what_was_lost_is_not_renewed(clock, kim, lee, make_chat):
    row = make_chat().pk
    claims.take(user=kim, rows=[row])
    clock.pass_by(minutes=6)
    claims.take(user=lee, rows=[row])
    assert claims.renew(user=kim) == 0


def test_giving_back_keeps_what_is_named(kim, make_chat):
    rows = [make_chat().pk for _ in range(3)]
    claims.take(user=kim, rows=rows)
    claims.release(user=kim, but=rows[:1])
    assert list(Claim.objects.values_list("chat", flat=True)) == rows[:1]


def test_a_row_that_was_deleted_is_claimed_by_nobody(kim, make_chat):
    chat = make_chat()
    row = chat.pk
    chat.delete()
    assert claims.take(user=kim, rows=[row]) == set()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("expired", [False, True], ids=["free", "run out"])
def test_of_two_at_once_one_gets_the_row(django_user_model, make_chat, expired):
    users = [django_user_model.objects.create_user(name) for name in ("kim", "lee", "park", "choi")]
    rows = [make_chat(f"질문 {number}").pk for number in range(5)]
    if expired:
        claims.take(user=users[0], rows=rows)
        Claim.objects.update(expires_at="2020-01-01T00:00Z")
    taken, barrier = {}, threading.Barrier(len(users))

    def work(user):
        try:
            barrier.wait()
            taken[user.pk] = claims.take(user=user, rows=rows)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=[user]) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    connection.close()
    assert sorted(row for got in taken.values() for row in got) == rows
