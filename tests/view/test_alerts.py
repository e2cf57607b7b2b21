from hypothesis import given
from hypothesis import strategies as st

from tuitrain.alerts.catalogue import KINDS
from tuitrain.config.schema import AlertsSection
from tuitrain.runs.rows import AlertRow
from tuitrain.view.alerts import alert_blocks, alert_details, alert_line, rule_table
from tuitrain.view.spans import SpanLine, line_width

ROWS = [
    AlertRow(41, 1_795_000_000.0, "hang", "no step for 84 s", "== worker ==\n  File x in step"),
    AlertRow(None, 1_795_000_100.0, "webhook", "it answered 500"),
]


def shown(line: SpanLine) -> str:
    return "".join(span.text for span in line)


def test_alerts_on_the_command_line_have_what_they_bring_with_them_below() -> None:
    first, *below, last = alert_blocks(ROWS).splitlines()
    assert first.endswith("step 41  hang (critical): no step for 84 s")
    assert below == ["    == worker ==", "      File x in step"]
    assert last.endswith("no step  webhook (warning): it answered 500")


def test_every_kind_and_every_limit_stands_in_the_table_of_rules() -> None:
    settings = AlertsSection(off=["plateau"], hang_s=7).model_dump()
    table = rule_table(settings)
    assert all(f"\n{kind.name} " in table for kind in KINDS)
    assert "hang_s = 7" in table
    assert "plateau     off " in table
    assert all(key in table for key in settings if key != "off")


texts = st.text(max_size=80)


@given(texts, texts, texts, st.integers(20, 200))
def test_nothing_of_an_alert_acts_on_a_terminal_or_is_wider_than_it(
    kind: str, text: str, detail: str, width: int
) -> None:
    row = AlertRow(1, 0.0, kind, text, detail)
    lines = [alert_line(row), *alert_details(row, width)]
    assert all(shown(line).isprintable() for line in lines)
    assert all(line.isprintable() for line in alert_blocks([row]).splitlines())
    body = alert_details(row, width)[1:]
    assert all(len(shown(line)) <= width + 1 for line in body)
    assert all(line_width(line) >= 0 for line in body)
