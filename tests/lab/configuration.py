"""A configuration: what is switched on in one run, and the question whose answer the run is."""

from dataclasses import dataclass, field

LISTS = (
    "smtpd_client_restrictions",
    "smtpd_helo_restrictions",
    "smtpd_sender_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
    "smtpd_data_restrictions",
    "smtpd_end_of_data_restrictions",
)
"""In the order in which Postfix asks them."""


@dataclass(frozen=True)
class Configuration:
    """One run of the lab.

    `main` are settings of main.cf beside the baseline's, `companions` the programs that run beside Postfix, `asks` the
    list that the advisor is asked, spelled as for `advisor simulate` ('' for the settings in `main` that are lists),
    `knob` marks a baseline: nothing is refused that the plain one accepts, but more is logged.
    """

    name: str
    main: dict[str, str] = field(default_factory=dict)
    companions: tuple[str, ...] = ()
    asks: str = ""
    knob: bool = False
    long: bool = False

    @property
    def lists(self) -> dict[str, str]:
        """The restriction lists that it sets."""
        return {name: self.main[name] for name in LISTS if name in self.main}

    @property
    def codes(self) -> dict[str, str]:
        """The settings that are no lists: reply codes and the like."""
        return {name: value for name, value in self.main.items() if name not in LISTS}
