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


@dataclass(frozen=True)
class Configuration:
    """One run of the lab.

    `main` are settings of main.cf beside the baseline's, `companions` the programs that run beside Postfix. What the
    advisor is asked is the whole of it: the lists of main.cf, `first` before them all (postscreen, with its argument),
    and `last` after them (a milter). `shows` is the row of the table that it belongs to. `knob` marks a baseline:
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
