"""postfwd and policyd-weight: policy services with the tag `postfix/postfwd`; smtpd says what follows."""

from advisor.family import REST

PROGRAMS = ("postfwd", "postfwd2", "postfwd3", "policyd-weight")
POSTFIX = True

FAMILIES = (REST,)
