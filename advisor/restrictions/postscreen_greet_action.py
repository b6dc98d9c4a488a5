"""Early talkers: clients that do not wait for the greeting."""

import narwhals as nw

from advisor.restriction import restriction


@restriction(
    parameter="postscreen_greet_action",
    needs=("pregreet", "in_mynetworks"),
    reply="550 5.5.1",
    since="2.8",
)
def postscreen_greet_action() -> nw.Expr:
    """Refuse clients that speak before postscreen's greeting is over (postscreen_greet_action = enforce).

    What it catches
        Bots that send all they have at once. It needs no DNS and no list.

    Who it hurts
        Hardly anybody: a mail client waits. A new client waits for six seconds, too, once in a day.

    What the log shows
        `PREGREET`, where postscreen runs, also with the action `ignore`. Without postscreen smtpd's `improper command
        pipelining after CONNECT` shows the hastiest; smtpd greets at once, so its silence proves nothing.

    Gentler
        postscreen_greet_action = ignore, which only logs.
    """
    return nw.col("pregreet") & ~nw.col("in_mynetworks")
