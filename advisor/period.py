"""A period: from when to when, as people say it."""

import re
from datetime import datetime, timedelta, tzinfo

from advisor.errors import AdvisorError

# 7d  12h  2w
AGO = re.compile(r"(?P<number>\d{1,6})(?P<unit>[hdw])\Z")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def moment(text: str, option: str, now: datetime, zone: tzinfo) -> datetime:
    """Read `7d` (ago), `2026-11-22` or `2026-11-22T12:00`; a time without a zone is in `zone`."""
    if ago := AGO.match(text):
        return now - int(ago["number"]) * _UNITS[ago["unit"]]
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise AdvisorError(option, f"'{text}' is no time", "write 7d, 12h, 2w, or 2026-11-22") from None
    return found if found.tzinfo else found.replace(tzinfo=zone)
