"""Who has which rows before them. Two reviewers never have the same; a claim that is not renewed runs out by itself.

Each function is one transaction. What holds a row for one reviewer is the database's unique row of it, so that it
does not matter which process a reviewer is talking to.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from chat.inbox.models import Claim
from chat.models import Chat

LEASE = timedelta(minutes=5)


@transaction.atomic
def take(*, user: AbstractBaseUser, rows: Iterable[int]) -> set[int]:
    """Claim rows, or renew the claims on them; return those that are now the user's."""
    # Held until the transaction ends, so that no row is deleted between being looked at and being claimed.
    wanted = set(Chat.objects.select_for_update(no_key=True).filter(pk__in=set(rows)).values_list("pk", flat=True))
    now = timezone.now()
    Claim.objects.filter(chat__in=wanted, expires_at__lte=now).delete()
    fresh = [Claim(chat_id=row, user=user, expires_at=now + LEASE) for row in sorted(wanted)]
    Claim.objects.bulk_create(fresh, ignore_conflicts=True)
    mine = Claim.objects.filter(chat__in=wanted, user=user)
    mine.update(expires_at=now + LEASE)
    return set(mine.values_list("chat_id", flat=True))


@transaction.atomic
def renew(*, user: AbstractBaseUser) -> int:
    """Keep what the user has for another while; return how many rows that are.

    One that has run out and that nobody else took meanwhile is kept as well.
    """
    return Claim.objects.filter(user=user).update(expires_at=timezone.now() + LEASE)


@transaction.atomic
def release(*, user: AbstractBaseUser, but: Collection[int] = (), until: datetime | None = None) -> None:
    """Give back what the user has, except for some rows; with ``until``, only what was not claimed anew since.

    A browser tells that a page is left when the next one is there already, and that may have claimed the same row.
    """
    mine = Claim.objects.filter(user=user).exclude(chat__in=but)
    if until is not None:
        mine = mine.filter(expires_at__lte=until)
    mine.delete()


def end_of(*, user: AbstractBaseUser) -> datetime | None:
    """Return when what the user has runs out unless it is renewed; None where they have nothing."""
    return Claim.objects.filter(user=user).aggregate(end=Max("expires_at"))["end"]


def others(*, user: AbstractBaseUser, rows: Collection[int]) -> set[int]:
    """Return the rows among some that somebody else has before them."""
    return set(Claim.objects.live().filter(chat__in=rows).exclude(user=user).values_list("chat_id", flat=True))
