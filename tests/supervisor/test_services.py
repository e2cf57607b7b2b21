"""What services on the web get of an alert, and where their secrets are."""

from pathlib import Path
from typing import Any

import pytest

from tuitrain.config.user import NotifySection
from tuitrain.errors import UsageError
from tuitrain.supervisor.observers.services import Post, form_of, read_secret

MESSAGE: dict[str, Any] = {
    "run": "night", "kind": "hang", "severity": "critical", "text": "no step for 120 s @everyone",
    "step": 7, "time": 1.0, "host": "gpu1",
}  # fmt: skip
SENTENCE = "night on gpu1: no step for 120 s @everyone"


def posted(environ: dict[str, str] | None = None, **notify: Any) -> Post:
    form = form_of(NotifySection(**notify), environ or {})
    assert form is not None
    return form(MESSAGE)


def test_each_service_gets_its_own_form() -> None:
    environ = {"SECRET": "s3cret"}
    secret = "env:SECRET"
    own = posted(environ, webhook="https://example.org/hook", secret=secret)
    assert own == Post("https://example.org/hook", MESSAGE, {"Authorization": "Bearer s3cret"})
    assert posted(webhook="https://example.org/hook").headers == {}
    ntfy = posted(environ, service="ntfy", webhook="https://ntfy.sh/my-runs", secret=secret)
    assert (ntfy.address, ntfy.headers) == (
        "https://ntfy.sh/", {"Authorization": "Bearer s3cret"},
    )  # fmt: skip
    assert ntfy.body == {
        "topic": "my-runs", "title": "night: hang", "priority": 5,
        "message": "no step for 120 s @everyone (gpu1)",
    }  # fmt: skip
    assert posted(service="ntfy", webhook="http://box:80/a/topic/").address == "http://box:80/a/"
    slack = posted(service="slack", webhook="https://hooks.slack.com/services/x")
    assert slack == Post("https://hooks.slack.com/services/x", {"text": SENTENCE})
    discord = posted({"SECRET": "https://discord.com/api/webhooks/1/x"}, service="discord",
                     secret=secret)  # fmt: skip
    assert discord.address == "https://discord.com/api/webhooks/1/x"
    assert discord.body == {"content": SENTENCE, "allowed_mentions": {"parse": []}}
    telegram = posted(environ, service="telegram", secret=secret, chat="-42")
    assert telegram.address == "https://api.telegram.org/bots3cret/sendMessage"
    assert telegram.body == {"chat_id": "-42", "text": SENTENCE}


def test_without_an_address_nobody_is_told() -> None:
    assert form_of(NotifySection(), {}) is None


@pytest.mark.parametrize(
    ("notify", "said"),
    [
        ({"service": "ntfy"}, "needs an address: notify.webhook"),
        ({"service": "slack"}, "needs an address: notify.webhook"),
        ({"service": "telegram", "chat": "1"}, "needs notify.chat, and notify.secret"),
        ({"service": "telegram", "secret": "env:HAVE"}, "needs notify.chat, and notify.secret"),
        ({"webhook": "http://a/", "secret": "env:NONE"}, "no such environment variable"),
        ({"webhook": "http://a/", "secret": "file:/none/there"}, "it can't be read"),
    ],
)
def test_what_a_service_lacks_is_told(notify: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        form_of(NotifySection(**notify), {"HAVE": "x"})
    assert said in str(caught.value)


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    file.chmod(0o644)
    with pytest.raises(UsageError, match=r"mode 644\); chmod 600"):
        read_secret(f"file:{file}", {})
    file.chmod(0o600)
    assert read_secret(f"file:{file}", {}) == "s3cret"
    assert read_secret("", {}) == ""
