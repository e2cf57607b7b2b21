"""How often diagnoses of training are right, on real runs: false alarms and hits.

`python -m tests.benchmarks.bench_diagnosis [SEEDS]` trains the small shipped presets as they are,
and the same broken on purpose, and holds the diagnoses against what was broken. Of healthy runs
every diagnosis counts as a false alarm, also one at ten moments along the way.
"""

import os
import sys
import warnings
from collections import Counter

from tests.benchmarks.diagnosis_runs import Recorded, history_of, record, wanted_runs
from tuitrain.analysis.diagnosis.rules import diagnose_training

EXPECTED = {
    "rate too high": {"rate too high", "underfitting"},
    "rate too low": {"rate too low", "underfitting"},
    "overfitting": {"overfitting"},
    "imbalance": {"imbalance", "dead outputs"},
}
"""A rate of a thousandth that leaves the model where it began is seen as no better than guessing:
find-lr is the advice either way."""
MOMENTS = (0.05, 0.1, 0.15, 0.25, 0.33, 0.4, 0.5, 0.6, 0.75, 0.9)


def kinds_seen(recorded: Recorded, until: int | None = None) -> set[str]:
    """Return the kinds of warnings; information is none."""
    found = diagnose_training(history_of(recorded, until))
    return {each.kind for each in found if each.severity == "warning"}


def main(seeds: int) -> None:
    """Train, diagnose, and print a line for each kind of fault."""
    warnings.simplefilter("ignore")
    made: Counter[str] = Counter()
    right: Counter[str] = Counter()
    by_name: Counter[str] = Counter()
    early = moments = 0
    for wanted in wanted_runs(seeds):
        recorded = record(wanted)
        seen = kinds_seen(recorded)
        made[wanted.fault] += 1
        is_right = bool(seen & EXPECTED[wanted.fault]) if wanted.fault != "none" else not seen
        right[wanted.fault] += is_right
        by_name[wanted.fault] += wanted.fault in seen
        if not is_right:
            print(f"  {wanted.fault}, {wanted.preset}, seed {wanted.seed}: {sorted(seen)}")
        if wanted.fault == "none":
            for share in MOMENTS:
                moments += 1
                early += bool(kinds_seen(recorded, int(recorded.total_steps * share)))
    healthy = made.pop("none")
    print(f"healthy runs with a false alarm: {healthy - right['none']} of {healthy}")
    print(f"moments within them with a false alarm: {early} of {moments}")
    for fault, number in made.items():
        print(f"{fault}: told in {right[fault]} of {number}, by this name in {by_name[fault]}")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
