"""dovecot: the bulk of what it says, which is about reading mail, and is ignored."""

from advisor.family import IGNORED
from advisor.template import template

TEMPLATES = tuple(
    template(IGNORED, f"{begin}{{:*}}")
    for begin in ("imap-login: Login: user=<", "pop3-login: Login: user=<", "imap(", "pop3(")
)
