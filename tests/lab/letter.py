"""A letter: the weekly mail, sent as the packaged service sends it, through the Postfix of the lab into a mailbox.

Runs inside the namespaces: `python -m tests.lab.letter FOLDER LOG MAIN_CF`, started by `namespace.enter`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT, real
from tests.lab import maillog, namespace, world
from tests.lab.postfix import Postfix
from tests.lab.signature import certificate

# What the unit says: a user of its own, the group that may drop mail, no new privileges, one capability.
_AS_THE_SERVICE = (
    "--reuid=nobody",
    "--regid=nogroup",
    "--groups=postdrop",
    "--no-new-privs",
    "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=-all,+dac_read_search",
    "--bounding-set=-all,+dac_read_search",
)
_PLACE = "/mnt"


def main(arguments: list[str]) -> None:
    """Send a report of a log to root; the mailbox is put into the folder."""
    folder, log, config = (Path(word) for word in arguments)
    namespace.furnish(folder / "work")
    (folder / "postfix").mkdir(mode=0o755)
    certificate(folder / "postfix")
    with namespace.mounted({folder / "postfix": _PLACE}):
        postfix = Postfix(Path(_PLACE), {})
        with maillog.written(folder / "maillog"), postfix.running():
            report = ("report", str(log), "--config", str(config), "--send", "--to", f"root@{world.OWN_DOMAIN}")
            command = [real("setpriv"), *_AS_THE_SERVICE, sys.executable, "-m", "advisor", *report]
            subprocess.run(command, cwd=ROOT, env={**os.environ, "HOME": "/tmp"}, check=True)
        mailbox = postfix.folder / "mail" / "box"
        for path in sorted(mailbox.glob("new/*")):
            shutil.copy(path, folder / "letter")


if __name__ == "__main__":
    main(sys.argv[1:])
