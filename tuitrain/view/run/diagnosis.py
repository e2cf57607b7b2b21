"""What a run's curves show, in words: for the command line, the run screen and the list of alerts.

Pure functions of diagnoses; knows neither files nor widgets.
"""

from collections.abc import Sequence

from tuitrain.analysis.diagnosis.diagnosis import Advice, Diagnosis
from tuitrain.lang import said, tr
from tuitrain.units import NOTHING
from tuitrain.view.format import display_width, metric_value, pad, sanitise, shorten
from tuitrain.view.spans import Span, SpanLine, wrap_plain

STYLES = {"info": "quiet", "warning": "alert"}
_KIND_WIDTH = 10
_CLOCK_WIDTH = 8


def diagnosis_block(diagnoses: Sequence[Diagnosis]) -> str:
    """Return diagnoses as indented lines, with what they rest on and what to do."""
    lines = []
    for each in diagnoses:
        lines += [f"  {sanitise(each.text)}", f"    seen in {_evidence(each)}"]
        lines += [f"    try {_advice(advice)}" for advice in each.advice]
    return "\n".join(["DIAGNOSIS", *lines]) if lines else ""


def diagnosis_note(diagnoses: Sequence[Diagnosis], width: int) -> list[SpanLine]:
    """Return one line for the run screen of the gravest one; nothing for mere information."""
    serious = [each for each in diagnoses if each.severity == "warning"]
    if not serious:
        return []
    more = f" +{len(serious) - 1}" if len(serious) > 1 else ""
    tail = f"{more}  {tr('(A explains)')}"
    room = width - 2 - display_width(tail)
    return [
        (Span(f" {shorten(said(sanitise(serious[0].text)), room)}", "alert"), Span(tail, "quiet"))
    ]


def diagnosis_line(diagnosis: Diagnosis) -> SpanLine:
    """Return a diagnosis as a line in the list of alerts."""
    step = f"{diagnosis.step:,}" if diagnosis.step else NOTHING
    return (
        Span(f" {pad(tr('now'), _CLOCK_WIDTH)} ", "quiet"),
        Span(f"{step:>9} "),
        Span(f"{pad(tr('curves'), _KIND_WIDTH)} ", STYLES[diagnosis.severity]),
        Span(said(sanitise(diagnosis.text))),
    )


def diagnosis_details(diagnosis: Diagnosis, width: int) -> list[SpanLine]:
    """Return all there is to read of one: the sentence, its evidence, what to do."""
    head = tr(
        "{kind} ({severity}), seen in the curves up to step ",
        kind=tr(diagnosis.kind),
        severity=tr(diagnosis.severity),
    )
    lines: list[SpanLine] = [(Span(f" {head}{diagnosis.step:,}", "strong"),)]
    lines += [(Span(" "), *line) for line in wrap_plain(said(diagnosis.text), width - 2)]
    lines.append(())
    lines += [
        (
            Span(
                tr(
                    " {metric} {value} at step {step:,}",
                    metric=said(sanitise(one.metric)),
                    value=metric_value(one.value),
                    step=one.step,
                )
            ),
        )
        for one in diagnosis.evidence
    ]
    lines.append(())
    for advice in diagnosis.advice:
        key = f"{advice.key}  " if advice.key else ""
        lines += [(Span(" "), *line) for line in wrap_plain(f"{key}{said(advice.text)}", width - 2)]
        if advice.command:
            lines += [
                (Span("   "), *line) for line in wrap_plain(advice.command, width - 4, "quiet")
            ]
    return lines


def _evidence(diagnosis: Diagnosis) -> str:
    return "; ".join(
        f"{sanitise(one.metric)} {metric_value(one.value)} at step {one.step:,}"
        for one in diagnosis.evidence
    )


def _advice(advice: Advice) -> str:
    return sanitise(f"{advice.text}: {advice.command}" if advice.command else advice.text)
