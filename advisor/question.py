"""A question: which logs or which store, which period, whose configuration; and the functions that answer it.

These are the package's functions and the commands alike. What the parts right of the store must not reach for
themselves (the clock, the zone, this machine's Postfix) is looked up here and handed to them.
"""

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from advisor import excerpt, label, postconf
from advisor.advice import Situation
from advisor.advice import advise as _advise
from advisor.attempt import SCHEMA, attempts_of_hosts
from advisor.contrast import contrast
from advisor.deposit import Deposit
from advisor.depot import url
from advisor.effect import servers
from advisor.entry import ALIASES, parse_list, suggest
from advisor.errors import AdvisorError
from advisor.evidence import weigh
from advisor.forecast import Forecast, forecast
from advisor.greylist import replay
from advisor.history import History, open_store, parse_files
from advisor.intake import default_store, local_zone
from advisor.label import Labels
from advisor.mapfile import MapFile, tables_of
from advisor.muster import muster, mustered, of_postfix
from advisor.network import LOOPBACK
from advisor.period import moment
from advisor.postgrey import Options, Whitelists, parse_options, whitelists
from advisor.reasons import BY_NAME as REASONS
from advisor.recommendation import Advice, Contrast, Terms
from advisor.reports import render
from advisor.response import Responses
from advisor.restriction import ask
from advisor.restrictions import CATALOGUE, TIPS
from advisor.row import Ours
from advisor.shelf import stocked
from advisor.simulation import PARAMETERS, Simulation, ask_all, asked_for, whole
from advisor.simulation import simulate as _simulate
from advisor.source import default_logs
from advisor.store import parts
from advisor.worker import LARGE, Progress

if TYPE_CHECKING:
    import pandas as pd

    from advisor.mention import Named
    from advisor.plan import Plan
    from advisor.story import Trace
    from advisor.survey import Recorded


Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)
Waiting = Callable[[str], AbstractContextManager[Progress | None]]
"""Is told what takes long now, such as "reading", and gives what is told how far it is."""


def _silent(_: str) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True)
class Greylisting:
    """How postgrey would be set: without its whitelists, unless somebody names them."""

    options: Options = field(default_factory=lambda: Options(client_files=(), recipient_files=()))
    whitelists: Whitelists = field(default_factory=Whitelists)

    @classmethod
    def of(cls, text: str) -> "Greylisting":
        """Read postgrey's own options, and the files that they name; AdvisorError where one cannot be read."""
        options = parse_options(text)
        # Those of the package are of another machine, perhaps; only what is named counts.
        named = replace(
            options,
            client_files=options.client_files if "--whitelist-clients" in text else (),
            recipient_files=options.recipient_files if "--whitelist-recipients" in text else (),
        )
        return cls(named, whitelists(named, lambda name: Path(name).read_bytes() if Path(name).is_file() else None))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader has to know of it."""
        found = [f"postgrey: {name} is not there; it warns and goes on without" for name in self.whitelists.missing]
        found += [f"postgrey: passed over in a whitelist: {line}" for line in self.whitelists.ignored]
        if not self.options.client_files and not self.options.recipient_files:
            found.append("postgrey: no whitelist was given, so none is used (--postgrey-opts)")
        found.append("postgrey: its answers to the attempts as they were; the forecast says what would become of them")
        return tuple(found)


@dataclass(frozen=True)
class Question:
    """What is asked about.

    `files` are logs; without them the store is read, or this machine's own logs where there is none. `syslog_name`
    asks about one Postfix of several, called as it calls itself in the log. `since` and `until` are as in
    advisor.period. `config` is a configuration folder, a main.cf or saved `postconf -n` output; without it this
    machine's Postfix is asked, if the log is this machine's. `labels` is a file of verdicts of one's own, as in
    advisor.label. `waiting` may show who waits what for. `terms` are those under which changes are recommended.
    With a `session` of Spark (advisor.cluster.connected) the attempts of a store are joined on its cluster.
    """

    files: Sequence[str | Path] = ()
    store: Path | None = None
    syslog_name: str | None = None
    since: str | None = None
    until: str | None = None
    config: Path | None = None
    labels: Path | None = None
    year: int | None = None
    zone: tzinfo = field(default_factory=local_zone)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    waiting: Waiting = _silent
    terms: Terms = field(default_factory=Terms)
    session: Any = None

    @cached_property
    def history(self) -> History:
        """All events, before and after the period too: a session may begin before it."""
        if self.files and self.store:
            raise AdvisorError("--store", "was given together with log files", "give one of the two")
        if self.store is not None and url(self.store) is None and not self.store.is_dir():
            todo = "give log files, or make it with: advisor ingest FILE..."
            raise AdvisorError(str(self.store), "there is no store", todo)
        if self._kept is not None:
            with self.waiting("reading"):
                return open_store(self._kept)
        today = self.now.astimezone(self.zone).date()
        with self.waiting("reading") as progress:
            files = self.files or default_logs()
            return parse_files(files, year=self.year, zone=self.zone, today=today, progress=progress)

    @property
    def _kept(self) -> Path | None:
        """The store that is asked about; None where logs are."""
        if self.files:
            return None
        store = self.store or default_store()
        # A store that lookup began and nobody has added logs to holds no history.
        return store if self.store or any(store.glob("*.parquet")) else None

    @cached_property
    def configuration(self) -> postconf.Postconf | None:
        """The Postfix configuration, where it is known to be that of the log."""
        if self.config is not None:
            return postconf.read(self.config)
        own = socket.gethostname()
        return postconf.running() if self.history.hosts & {own, own.partition(".")[0]} else None

    @cached_property
    def domains(self) -> frozenset[str]:
        """The domains that the configuration names ours; none where it is not known."""
        return frozenset() if self.configuration is None else self.configuration.local_domains()

    @cached_property
    def map_files(self) -> Mapping[str, MapFile]:
        """The tables of the configuration as they lie beside it; saved `postconf -n` output has none."""
        config = self.configuration
        if config is None or (self.config is not None and not config.text):
            return {}
        folder = self.config if self.config is not None else Path(config.value("config_directory"))
        return tables_of(config, folder if folder.is_dir() else folder.parent)

    @cached_property
    def codes(self) -> Mapping[str, str]:
        """The settings of the configuration that change what a restriction answers, by parameter."""
        config = self.configuration
        if config is None:
            return {}
        return {name: config.value(name) for name in PARAMETERS if config.is_set(name)}

    @cached_property
    def attempts(self) -> pa.Table:
        """The attempts of the period (columns of advisor.attempt.SCHEMA)."""
        return self._in_period(self._attempts)

    @cached_property
    def _attempts(self) -> pa.Table:
        history, ours = self.history, self._ours
        with self.waiting("joining"):
            if self.session is not None:
                from advisor.levy import collected  # noqa: PLC0415 - few sites have a cluster

                return collected(self._raised, self._shared)
            if self._kept is not None:
                return muster(self._kept, ours, self.syslog_name)
            events = self._of_one_postfix(history.events).to_batches(max_chunksize=1 << 16)
            return pa.Table.from_batches(attempts_of_hosts(events, ours), SCHEMA)

    @property
    def _long(self) -> bool:
        """Whether the history is so long that its attempts had better stay on the disk."""
        if self._kept is None or "_attempts" in self.__dict__:
            return False
        return sum(part.size for part in parts(self._kept)) > LARGE

    @cached_property
    def _deposit(self) -> Deposit:
        """The attempts of the period on the disk."""
        assert self._kept is not None
        with self.waiting("joining"):
            found = mustered(self._kept, self._ours, self.syslog_name)
            return Deposit((self._in_period(batch) for batch in found), SCHEMA)

    @cached_property
    def _ours(self) -> Ours:
        """What the configuration calls its own."""
        config = self.configuration
        if config is None:
            return Ours.of(LOOPBACK, self.domains, ())
        return Ours.of(config.networks().ours(), self.domains, config.relayed_domains())

    @property
    def _shared(self) -> Path:
        """The store that a cluster is asked about; AdvisorError where there are only logs."""
        if self._kept is None:
            raise AdvisorError("--engine spark", "reads a store", "advisor ingest --engine spark FILE... makes one")
        return self._kept

    @cached_property
    def _raised(self) -> Any:  # noqa: ANN401 - a Spark frame
        """The attempts of all times on the cluster, which keeps them for what is asked next."""
        from advisor.levy import raised  # noqa: PLC0415 - few sites have a cluster

        return raised(self.session, self._shared, self._ours, self.syslog_name).persist()

    def _frame(self) -> Any:  # noqa: ANN401 - a Spark frame
        """The attempts of the period on the cluster."""
        from advisor.levy import within  # noqa: PLC0415 - few sites have a cluster

        return within(self._raised, *self._bounds)

    @cached_property
    def events(self) -> pa.Table:
        """The events of the period (columns of advisor.event.SCHEMA)."""
        return self._in_period(self._of_one_postfix(self.history.events))

    @cached_property
    def _excerpt(self) -> pa.Table:
        """The events that advice is made of, of all times; of a store no others are read."""
        if self._kept is None:
            return self._of_one_postfix(self.history.events)
        with self.waiting("reading"):
            return excerpt.read(self._kept, excerpt.Period(*self._bounds), self.syslog_name, self.session)

    @property
    def _bounds(self) -> tuple[datetime | None, datetime | None]:
        """The moments of --since and --until."""
        since, until = (
            None if text is None else moment(text, option, self.now, self.zone)
            for text, option in ((self.since, "--since"), (self.until, "--until"))
        )
        return since, until

    def _of_one_postfix(self, events: pa.Table) -> pa.Table:
        """The events of the Postfix that is asked about, and of what is no Postfix."""
        if self.syslog_name is None:
            return events
        return events.filter(of_postfix(events["syslog_name"], self.syslog_name))

    def _in_period(self, table: Rows) -> Rows:
        if self.since is not None:
            table = table.filter(pc.field("time") >= self._moment(self.since, "--since"))
        return self._until(table)

    def _until(self, table: Rows) -> Rows:
        return table if self.until is None else table.filter(pc.field("time") < self._moment(self.until, "--until"))

    def _moment(self, text: str, option: str) -> pa.Scalar:
        return pa.scalar(moment(text, option, self.now, self.zone), pa.timestamp("us", "UTC"))

    def advise(self) -> Advice:
        """The advice for the period."""
        # The attempts are read before the weighing begins, which would else be shown as waiting for that, too.
        history, events, _ = self.history, self._in_period(self._excerpt), self._attempts
        notes = (*history.notes, *(str(error) for error in history.bad), *self._unused_labels())
        since = None if self.since is None else moment(self.since, "--since", self.now, self.zone)
        with self.waiting("weighing"):
            found = _advise(
                Situation(
                    self._until(self._weighed),
                    events,
                    history.coverage,
                    self.configuration,
                    self.zone,
                    notes,
                    self.responses,
                    self.map_files,
                    self.terms,
                    since,
                )
            )
            return replace(found, contrast=self._contrast())

    def _contrast(self) -> Contrast | None:
        """The period against as long a time before; None where no one said when it begins."""
        if self.since is None:
            return None
        until = self.now if self.until is None else moment(self.until, "--until", self.now, self.zone)
        return contrast(self._weighed, moment(self.since, "--since", self.now, self.zone), until)

    @cached_property
    def weighed(self) -> pa.Table:
        """The attempts of the period with their `reasons`: of who writes to whom all that is known tells."""
        return self._in_period(self._weighed)

    @cached_property
    def _weighed(self) -> pa.Table:
        return weigh(self._attempts, self._excerpt, self.domains, dns=self.responses, labels=self._labels)

    def _unused_labels(self) -> Iterator[str]:
        """The labels that fit no mail of the whole history: a typing error, or old."""
        labels = self._labels
        if labels is not None and (unused := labels.unused(self._attempts)):
            named = ", ".join(str(each) for each in unused[:3]) + (", ..." if len(unused) > 3 else "")
            yield f"{len(unused)} labels of {self.labels} fit no mail: {named}."

    @cached_property
    def _labels(self) -> Labels | None:
        return None if self.labels is None else label.read(self.labels)

    @cached_property
    def responses(self) -> Responses:
        """What `advisor lookup` recorded; nothing is asked."""
        from advisor.archive import read  # noqa: PLC0415 - as in the function lookup

        return read(self.store or default_store())

    def simulate(
        self, restrictions: str, greylisting: "Greylisting | None" = None, *, here: bool = False
    ) -> Simulation:
        """What a list would have answered to the attempts of the period, computed by DuckDB.

        `main.cf` stands for all lists of the configuration, as port 25 has them. Access tables are read as they are
        now. `greylisting` is how postgrey would be set where the list asks it. With a session
        of Spark its frames are answered there, in no order, unless they are wanted `here`.
        """
        import duckdb  # noqa: PLC0415 - a tenth of a second that the other commands need not pay

        config = self.configuration
        if restrictions.strip() == "main.cf":
            if config is None:
                raise AdvisorError("simulate main.cf", "there is no configuration", "name one with --config")
            # As the smtpd sees it that hears the world: master.cf may give it lists of its own.
            server = next(iter(servers(config)), None)
            config = config if server is None else config.seen_by(server)
            entries = [entry for entries in config.lists().values() for entry in entries]
        else:
            entries = list(parse_list(restrictions))
        folder = None if self.config is None else self.config if self.config.is_dir() else self.config.parent
        shelf = stocked(entries, folder, config.value("config_directory") if config else "/etc/postfix")
        asked = (
            whole(config, shelf.tables)
            if config is not None and restrictions.strip() == "main.cf"
            else asked_for(entries, self.codes, shelf.tables)
        )
        notes, chosen = shelf.notes, greylisting or Greylisting()
        greylists = any(one.restriction.name == "postgrey" for one in asked)
        if self.session is not None and not here:
            from advisor.levy import greylisted  # noqa: PLC0415 - few sites have a cluster

            frame = self._frame()
            if greylists:
                frame = greylisted(frame, self._shared, (chosen.options, chosen.whitelists), self.zone)
                notes = (*notes, *chosen.notes)
            return replace(ask_all(asked, frame, self.responses), notes=notes)
        if self._long and not greylists and not here:
            return replace(ask_all(asked, self._deposit.frame, self.responses), notes=notes, kept=self._deposit)
        attempts = self.attempts
        if greylists:
            answered = replay(attempts, chosen.options, chosen.whitelists, self.zone)["answer"]
            at = attempts.schema.get_field_index("greylist_answer")
            attempts, notes = attempts.set_column(at, "greylist_answer", answered), (*notes, *chosen.notes)
        return replace(ask_all(asked, duckdb.from_arrow(attempts), self.responses), notes=notes)

    def forecast(self, greylisting: "Greylisting | None" = None) -> Forecast:
        """What greylisting would do: who would come late, who would be lost, and what nobody can know."""
        chosen = greylisting or Greylisting()
        return forecast(self.attempts, chosen.options, chosen.whitelists, self.zone)

    def trace(self, key: str) -> "Trace":
        """The whole story of a client, an address or a message; AdvisorError for what can be none of these."""
        from advisor.story import kind_of, trace  # noqa: PLC0415 - few commands need it

        kind_of(key)
        asked = [ask(CATALOGUE[name], self.codes) for name in TIPS]
        return trace(key, self.events, self.weighed, asked, self.responses)

    def lookup(self, plan: "Plan", store: Path | None = None) -> "Recorded":
        """Ask the DNS about the attempts of the period; the answers go into the store, or into another one."""
        from advisor.inquiry import Seen  # noqa: PLC0415 - as in the function lookup
        from advisor.survey import look_up  # noqa: PLC0415 - as above

        seen = Seen.of(self.attempts)
        with self.waiting("asking") as progress:
            told = {"progress": progress} if progress else {}
            return look_up(seen, store or self.store or default_store(), plan, lambda: datetime.now(UTC), **told)


def _frame(table: pa.Table) -> "pd.DataFrame":
    """A pandas frame with Arrow-backed columns: with pandas' own strings a missing HELO would answer for itself."""
    import pandas as pd  # noqa: PLC0415 - notebooks have it; the commands need not wait for it

    frame: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype)
    return frame


def events(*files: str | Path, **options: Any) -> "pd.DataFrame":  # noqa: ANN401 - the fields of Question
    """What Postfix said: one row an event, as a pandas frame (columns of advisor.event.SCHEMA)."""
    return _frame(Question(files, **options).events)


def attempts(*files: str | Path, **options: Any) -> "pd.DataFrame":  # noqa: ANN401 - the fields of Question
    """Who asked for what, and what became of it: one row an attempt (columns of advisor.attempt.SCHEMA)."""
    return _frame(Question(files, **options).attempts)


def simulate(
    restrictions: str,
    attempts: Any,  # noqa: ANN401 - a frame of any engine
    codes: Mapping[str, str] | None = None,
    dns: Responses | None = None,
) -> Simulation:
    """What a restriction list, spelled as in main.cf, would have answered to attempts (a frame of any engine)."""
    return _simulate(restrictions, attempts, codes, dns)


def advise(*files: str | Path, **options: Any) -> Advice:  # noqa: ANN401 - the fields of Question
    """What to change, what it would have stopped and whom it would have hurt."""
    return Question(files, **options).advise()


def report(*files: str | Path, format: str = "terminal", **options: Any) -> str | bytes:  # noqa: A002, ANN401
    """The whole story, as `terminal`, `html`, `mail` or `json`."""
    question = Question(files, **options)
    return render(question.advise(), format, now=question.now)


def lookup(*what: str | Path, store: str | Path | None = None, **options: Any) -> "Recorded | Named":  # noqa: ANN401
    """Ask the DNS about the clients, HELO names and senders of logs, or which lists name one name or address.

    The answers about logs are kept in the store, dated. Options are those of advisor.plan (resolver, lists, rate,
    budget, stale, seed) and the fields of Question.
    """
    from advisor.mention import named  # noqa: PLC0415 - nothing that can ask is loaded for what may not ask
    from advisor.plan import asked_about, plan  # noqa: PLC0415 - as above

    wishes = ("resolver", "lists", "rate", "budget", "stale", "seed")
    planned = plan(**{name: options.pop(name) for name in wishes if name in options})
    target = asked_about(what)
    if target is not None:
        return named(target, planned)
    kept = None if store is None else Path(store)
    return Question(what, store=None if what else kept, **options).lookup(planned, kept)


def trace(key: str, *files: str | Path, **options: Any) -> "Trace":  # noqa: ANN401 - the fields of Question
    """The whole story of a client, an address or a message (advisor.story)."""
    return Question(files, **options).trace(key)


def explain(name: str) -> str:
    """What a restriction is, whom it hurts, and what a log shows of it."""
    if name in REASONS:
        return _reason_page(name)
    found = CATALOGUE.get(ALIASES.get(name, name))
    if found is None:
        near = suggest(name, [*CATALOGUE, *REASONS])
        todo = f"did you mean {near}?" if near else "'advisor explain' lists the names"
        raise AdvisorError("explain", f"there is no page on '{name}'", todo)
    title = f"{found.name}\n{'=' * len(found.name)}\n\n"
    facts = [f"In          {found.parameter}", f"Since       Postfix {found.since}"]
    if found.reply:
        code = f" (code: {found.code_parameter})" if found.code_parameter else ""
        facts.append(f"Answers     {found.reply}{code}")
    if found.says:
        facts.append(f"Says        {found.says}")
    facts.append(f"Needs       {', '.join(dict.fromkeys((*found.needs, *found.of))) or 'nothing'}")
    return f"{title}{found.page}\n\n" + "\n".join(facts) + "\n"


def _reason_page(name: str) -> str:
    reason = REASONS[name]
    facts = [f"Speaks for   {'wanted' if reason.wanted else 'unwanted'} mail", f"Says         {reason.says}"]
    if reason.silent_on:
        facts.append(f"Silent on    {', '.join(sorted(reason.silent_on))}")
    return f"{name}\n{'=' * len(name)}\n\n{reason.page}\n\n" + "\n".join(facts) + "\n"


def names() -> dict[str, str]:
    """Every restriction that has a page, with its first sentence, the tips first; then the reasons of evidence."""
    order = [*TIPS, *(name for name in CATALOGUE if name not in TIPS)]
    pages = {name: CATALOGUE[name].page for name in order} | {name: each.page for name, each in REASONS.items()}
    return {name: page.partition("\n")[0] for name, page in pages.items()}
