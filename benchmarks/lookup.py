"""How fast the DNS is asked: `advisor lookup` as a whole process against a BIND of its own, in turns with its peers.

`python -m benchmarks.lookup [--lines N] [--turns N]`. The peers get the very questions that the lookup asked: `dig -f`,
and dnspython's own resolver calls one after the other. Prints Markdown; exits 1 when the gate fails, and names it.
Needs BIND and dig (Debian: bind9, bind9-dnsutils).
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median

import dns.exception
import dns.message
import dns.query

from advisor import archive
from advisor.resolver import Server
from benchmarks import generated_log
from tests.named import named

ROOT = Path(__file__).resolve().parent.parent
LINES, TURNS = 100_000, 5
WANTED = 1_000
"""Answers a second at least, start-up and the reading of the log included."""

LIST = "zen.list.test"
ZONES = {
    ".": "",
    "example": '* A 192.0.2.1\n* MX 10 mail.x.example.\n* TXT "v=spf1 ip4:198.18.0.0/16 -all"\n',
    "in-addr.arpa": "* PTR host.x.example.\n",
    "ip6.arpa": "* PTR host.x.example.\n",
    LIST: "2.0.0.127 A 127.0.0.2\n*.19.198 A 127.0.0.4\n",
}


def lookup(log: Path, store: Path, server: Server) -> float:
    """Run the command; the seconds it took."""
    limits = ("--rate", "0", "--budget", "0", "--list", LIST)
    command = (sys.executable, "-m", "advisor", "lookup", str(log), "--store", str(store), "--resolver", str(server))
    began = time.perf_counter()
    subprocess.run((*command, *limits), check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def dig(questions: list[tuple[str, str]], server: Server, folder: Path) -> float:
    """Have dig ask the questions of a file; the seconds it took."""
    batch = folder / "questions"
    batch.write_text("".join(f"{name} {kind}\n" for name, kind in questions))
    command = ("dig", f"@{server.address}", "-p", str(server.port), "-f", str(batch), "+noall", "+answer")
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def one_by_one(questions: list[tuple[str, str]], server: Server) -> float:
    """Ask with dnspython, each question after the answer to the one before; the seconds it took."""
    began = time.perf_counter()
    for name, kind in questions:
        query = dns.message.make_query(name, kind)
        try:
            dns.query.udp(query, server.address, timeout=2, port=server.port)
        except dns.exception.Timeout:
            print(f"dnspython: no answer to {name} {kind}", file=sys.stderr)
    return time.perf_counter() - began


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--lines", type=int, default=LINES, help="lines of the log that raises the questions")
    options.add_argument("--turns", type=int, default=TURNS)
    wishes = options.parse_args()
    rates: dict[str, list[float]] = {"advisor lookup": [], "dig -f": [], "dnspython, one by one": []}
    with tempfile.TemporaryDirectory() as name, named(Path(name) / "named", ZONES) as server:
        folder = Path(name)
        log = folder / "maillog"
        log.write_text("".join(f"{line}\n" for line in generated_log.log(wishes.lines)))
        for turn in range(wishes.turns):
            took = lookup(log, folder / f"store{turn}", server)
            answers = list(archive.read(folder / f"store{turn}"))
            lost = sum(answer.status == "temporary" for answer in answers)
            if lost:
                sys.exit(f"{lost} of {len(answers)} questions had no answer: this measures nothing")
            asked = [(answer.name, answer.type) for answer in answers]
            rates["advisor lookup"].append(len(asked) / took)
            rates["dig -f"].append(len(asked) / dig(asked, server, folder))
            rates["dnspython, one by one"].append(len(asked) / one_by_one(asked, server))
    print(f"{len(asked):,} questions raised by {wishes.lines:,} lines; {platform.machine()}, {os.cpu_count()} CPUs,")
    print(f"Python {platform.python_version()}, dnspython {version('dnspython')}, {wishes.turns} turns\n")
    print("| | answers a second: median | least | most | as fast as `dig -f` (median of the turns) |")
    print("|---|---:|---:|---:|---:|")
    for who, found in rates.items():
        ratio = median(ours / peer for ours, peer in zip(found, rates["dig -f"], strict=True))
        print(f"| {who} | {median(found):,.0f} | {min(found):,.0f} | {max(found):,.0f} | {ratio:.2f} |")
    slow = min(rates["advisor lookup"]) < WANTED
    print(f"\n{'FAILED' if slow else 'kept'}: at least {WANTED:,} answers a second, the whole process")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
