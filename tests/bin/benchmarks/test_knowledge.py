"""What `bin/bench knowledge` measures, on a few rows."""

import pytest
from benchmarks import knowledge

from chat.models import Chat, Forgotten


@pytest.mark.django_db
def test_every_row_goes_through_the_database_and_is_known(capsys):
    taught = [(f"{number}번 버스는 어디로 가?", f"{number}번 종점이에요.") for number in range(12)]
    rows = knowledge._measure(taught[:8], taught[8:])
    assert [count for _name, count, _seconds in rows] == [8, 1, 3, 4, 4]
    assert (Chat.objects.count(), Forgotten.objects.count()) == (8, 4)
    assert "8 rows loaded" in capsys.readouterr().out
