"""A configuration: what is switched on in one run, and the question whose answer the run is."""

from dataclasses import dataclass, field

CLIENT, HELO, SENDER = "smtpd_client_restrictions", "smtpd_helo_restrictions", "smtpd_sender_restrictions"
RELAY, RECIPIENT = "smtpd_relay_restrictions", "smtpd_recipient_restrictions"
DATA, END = "smtpd_data_restrictions", "smtpd_end_of_data_restrictions"
LISTS = (CLIENT, HELO, SENDER, RELAY, RECIPIENT, DATA, END)
"""In the order in which Postfix asks them."""

RELAY_CONTROL = "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"
SPF_POLICY = "check_policy_service unix:private/policyd-spf"
POSTGREY_POLICY = "check_policy_service inet:127.0.0.1:10023"
_UNKNOWN_USERS = "reject_unlisted_recipient"
_SHORT_NAMES = {SPF_POLICY: "policyd-spf", POSTGREY_POLICY: "postgrey"}


@dataclass(frozen=True)
class Configuration:
    """One run of the lab.

    `main` are settings of main.cf beside the baseline's, `companions` the programs that run beside Postfix. What the
    advisor is asked is the whole of it: `first` is what is asked before all lists (postscreen, a missing HELO), `last`
    what is asked after them (milters). `shows` is the row of the table that it belongs to. `knob` marks a baseline:
    nothing is refused that the plain one accepts, but more is logged. `long`: left out of the short run.
    """

    name: str
    main: dict[str, str] = field(default_factory=dict)
    companions: tuple[str, ...] = ()
    shows: str = ""
    first: str = ""
    last: str = ""
    knob: bool = False
    long: bool = False

    @property
    def codes(self) -> dict[str, str]:
        """The settings that are no lists: reply codes and the like."""
        return {name: value for name, value in self.main.items() if name not in LISTS}

    @property
    def lists(self) -> tuple[tuple[str, str], ...]:
        """All that is asked, in order: the list's name, and its entries as `advisor simulate` spells them."""
        named = {RELAY: RELAY_CONTROL, **self.main}
        before = [("before", self.first), *((name, _spelled(named.get(name, ""))) for name in LISTS[:5])]
        # Whatever a list permits, nobody gets mail who does not exist; but that is asked after the lists of RCPT TO
        # have come to their end, defer_if_permit included (smtpd_check_rcpt()), so it stands with those of DATA.
        after = [(DATA, _joined(_UNKNOWN_USERS, named.get(DATA, ""))), (END, _joined(named.get(END, ""), self.last))]
        return tuple((name, text) for name, text in (*before, *after) if text)


def _joined(*texts: str) -> str:
    return ", ".join(filter(None, texts))


def _spelled(entries: str) -> str:
    for policy, name in _SHORT_NAMES.items():
        entries = entries.replace(policy, name)
    return entries
