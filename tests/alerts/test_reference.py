from pathlib import Path

from tuitrain.alerts.reference import BEGIN_MARK, END_MARK, alerts_reference

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_holds_the_alerts_of_this_version() -> None:
    _, begin, rest = README.read_text("utf-8").partition(BEGIN_MARK)
    text, end, _ = rest.partition(END_MARK)
    assert begin and end, "README.md lacks the marks around the alerts"
    assert text.strip() == alerts_reference(), "python -m tuitrain.alerts.reference prints it"
