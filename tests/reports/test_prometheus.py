from datetime import datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from advisor.recommendation import Advice
from advisor.reports import render


def samples(advice: Advice, now: datetime) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels, as Prometheus' own client reads them."""
    text = str(render(advice, "prometheus", now=now))
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.type == "gauge"
        assert family.documentation
        for sample in family.samples:
            key = (sample.name.removeprefix("maillog_advisor_"), *sample.labels.values())
            assert key not in found
            found[key] = sample.value
    return found


def test_prometheus_reads_it(any_advice: Advice, now: datetime) -> None:
    found = samples(any_advice, now)

    assert found["attempts", "accept"] == any_advice.traffic.accepted
    assert found["lines", "unrecognised"] == any_advice.coverage["unrecognised"]
    assert found["period_seconds", "made"] == now.timestamp()


def test_the_numbers_are_those_of_the_advice(rich_advice: Advice, now: datetime) -> None:
    found = samples(rich_advice, now)

    first = rich_advice.recommendations[0]
    assert found["restriction_attempts", first.name, "stopped"] == first.stopped.attempts
    assert found["restriction_attempts", first.name, "no_evidence"] == first.no_evidence.attempts
    assert found["restriction_advice", first.name, "off", "enforce"] == 1
    assert first.harm_interval is not None
    assert found["restriction_harm_limit", first.name] == first.harm_interval[1]
    assert found["findings", "fix"] == 1


def test_what_is_not_known_is_not_there(rich_advice: Advice, now: datetime) -> None:
    found = samples(rich_advice, now)

    assert ("restriction_harm_limit", "reject_unknown_helo_hostname") not in found


def test_the_harm_is_told_alone_and_with_the_known_hosts_allowed(weekly_advice: Advice, now: datetime) -> None:
    found = samples(weekly_advice, now)

    first, second, *_ = (one.spelled for one in weekly_advice.recommendations)
    bounds = {key[-1]: value for key, value in found.items() if key[:3] == ("restriction_harm", first, "yes")}
    assert bounds == {"low": 0.00008, "counted": pytest.approx(2 / 2390), "high": 0.0087, "at_most": 0.0079}
    assert found["restriction_harm", first, "no", "counted"] == pytest.approx(61 / 2400)
    # Two lists are the same restriction with another argument.
    assert found["restriction_advice", second, "off", "enforce"] == 1
    # Of the list no wanted client could be judged.
    assert not [key for key in found if key[:2] == ("restriction_harm", second)]
    assert (found["terms", "max_harm"], found["terms", "confidence"]) == (0.005, 0.9)
    assert found["list_attempts", "zen.spamhaus.org", "refused"] == 19704


def test_hostile_text_makes_no_line_of_its_own(hostile_advice: Advice, now: datetime) -> None:
    text = str(render(hostile_advice, "prometheus", now=now))

    assert all(line.startswith(("maillog_advisor_", "# HELP maillog_advisor_", "# TYPE")) for line in text.splitlines())
