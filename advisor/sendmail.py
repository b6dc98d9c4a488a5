"""Sendmail: hands a message to the mail system of this machine, which is Postfix on the machines that we are for.

sendmail(1): `-t` takes the recipients from the header, `-i` a line with a single dot for text, `-f` sets the sender of
the envelope. An empty message would make it exit with 75, so it is only run when there is one.
"""

import subprocess
from email import message_from_bytes
from email.policy import SMTP
from email.utils import parseaddr
from pathlib import Path

from advisor.errors import AdvisorError
from advisor.reports.visible import visible

PROGRAMS = (Path("/usr/sbin/sendmail"), Path("/usr/lib/sendmail"))
"""Where it is: cron's PATH has neither folder on every system."""
_PATIENCE = 60


def send(message: str | bytes, programs: tuple[Path, ...] = PROGRAMS) -> None:
    """Send a message to those in its header; AdvisorError where there is no sendmail, or it refuses."""
    message = message if isinstance(message, bytes) else message.encode()
    program = next((path for path in programs if path.exists()), None)
    if program is None:
        todo = "install Postfix, or write the mail to a file with -o"
        raise AdvisorError("--send", f"there is no {programs[0]}", todo)
    sender = parseaddr(str(message_from_bytes(message, policy=SMTP)["From"]))[1]
    command = [str(program), "-t", "-i", "-f", sender]
    try:
        # S603: the only word that is not ours is an address that reports.mail has looked at.
        done = subprocess.run(command, input=message, capture_output=True, timeout=_PATIENCE, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AdvisorError(str(program), f"cannot be run: {error}", "try it by hand") from None
    if done.returncode:
        said = visible(done.stderr.decode(errors="replace").strip().rpartition("\n")[2]) or "nothing"
        todo = "look at the mail log of this machine"
        raise AdvisorError(str(program), f"exited with {done.returncode} and said: {said}", todo)
