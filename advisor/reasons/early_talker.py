"""Unwanted: the client speaks before its turn."""

from advisor.case import Case, Mask
from advisor.reason import reason


@reason(
    wanted=False,
    says="the client spoke before its turn",
    silent_on=frozenset({"postscreen_greet_action", "reject_unauth_pipelining"}),
)
def early_talker(case: Case) -> Mask:
    """The client spoke before the greeting, or sent commands together that must wait for answers.

    What it rests on
        postscreen's PREGREET and smtpd's lines about improper pipelining, of any visit of the client.

    What may deceive it
        Little: mail servers wait (RFC 5321, RFC 2920). A firewall that meddles with SMTP may look so.
    """
    talkers = case.clients("pregreet")
    clients, talked = case.column("client_address"), case.column("pipelined")
    talkers |= {client for client, early in zip(clients, talked, strict=True) if early and client}
    return case.where("client_address", talkers)
