"""When people say from when to when."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from advisor.errors import AdvisorError
from advisor.period import moment

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7d", NOW - timedelta(days=7)),
        ("12h", NOW - timedelta(hours=12)),
        ("2w", NOW - timedelta(weeks=2)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=BERLIN)),
        ("2026-11-01T08:30", datetime(2026, 11, 1, 8, 30, tzinfo=BERLIN)),
        ("2026-11-01T08:30:00Z", datetime(2026, 11, 1, 8, 30, tzinfo=UTC)),
    ],
)
def test_a_moment(text: str, expected: datetime) -> None:
    assert moment(text, "--since", NOW, BERLIN) == expected


@pytest.mark.parametrize("text", ["", "7", "d", "7 days", "yesterday", "2026-13-01", "-7d"])
def test_no_moment(text: str) -> None:
    with pytest.raises(AdvisorError, match="is no time; write 7d"):
        moment(text, "--since", NOW, BERLIN)
