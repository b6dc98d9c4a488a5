"""postgrey: who was asked to come back, and who did."""

from advisor.template import template

_ANSWERS = (
    ("pass", "triplet found", " delay={delay},"),
    ("pass", "triplet found", ""),
    ("pass", "client AWL", ""),
    ("pass", "client whitelist", ""),
    ("pass", "recipient whitelist", ""),
    ("greylist", "new", ""),
    ("greylist", "early-retry", ""),
)
_MISSING = {"early-retry": " ({text: })"}

TEMPLATES = tuple(
    template(
        "greylist",
        f"{begin}action={action}, reason={reason}{_MISSING.get(reason, '')},{delay} client_name={{client_name}}, "
        f"client_address={{client_address}},{sender} recipient={{recipient}}",
        constants={"action": action, "reason": reason, **({} if sender else {"sender": ""})},
        where={"text": "[^)]*"},
        without={"client_name": ","},
    )
    for action, reason, delay in _ANSWERS
    for begin in ("", "{queue_id}: ")
    for sender in (" sender={sender},", "")
)
