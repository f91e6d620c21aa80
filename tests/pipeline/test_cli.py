"""What a person is told who has made a mistake: one clear line each, never a traceback."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline.cli import main

#: No broker is there.
FILE = """\
shops: [{domain: demo.myshopify.com, secrets: [{env: SHOPIFY_CLIENT_SECRET}]}]
teams: [{name: operations, people: [{name: desk, email: desk@example.com}]}]
opentext: {base_url: https://example.com/mra/v1, basic: {user: demo, password: {env: OPENTEXT_PASSWORD}}, prefix: demo}
kafka: {bootstrap: "127.0.0.1:1"}
"""


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PIPELINE_CONFIG", "KAFKA_BOOTSTRAP_SERVERS", "SHOPIFY_CLIENT_SECRET", "OPENTEXT_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def configured(tmp_path: Path) -> str:
    (tmp_path / "given.yaml").write_text(FILE)
    return "given.yaml"


def ended(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """The exit code."""
    monkeypatch.setattr(sys, "argv", ["pipeline", *arguments])
    with pytest.raises(SystemExit) as exit_:
        main()
    return exit_.value.code


@pytest.mark.parametrize("command", [("run",), ("check",), ("topics", "plan")])
def test_without_a_configuration_it_is_said_how_to_name_one(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, *command) == 2
    assert capsys.readouterr().err == (
        "pipeline: there is no pipeline.yaml; name a configuration by --config or PIPELINE_CONFIG\n"
    )


def test_a_file_without_a_mistake_is_said_to_be_so_where_its_secrets_are_not(
    configured: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "check", "--config", configured) == 2
    says = "pipeline: given.yaml has no mistake, but here are not all of the secrets that it names:\n"
    assert capsys.readouterr().err.startswith(says)


def test_every_secret_that_is_not_there_is_named_before_anything_runs(
    configured: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "run", "all", "--config", configured) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[1:] == [
        "shops[0].secrets[0]: the environment variable SHOPIFY_CLIENT_SECRET is not set",
        "opentext.basic.password: the environment variable OPENTEXT_PASSWORD is not set",
    ]


def test_what_a_file_holds_is_quoted_and_never_read_as_markup(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("given.yaml").write_text(FILE + "rules: {when: {order-high-risk: 'order.total > [/b] [red]5'}}\n")

    assert ended(monkeypatch, "check", "--config", "given.yaml") == 2
    assert "order.total > [/b] [red]5" in capsys.readouterr().err


def test_a_part_that_does_not_exist_is_answered_with_those_that_do(
    configured: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "run", "enrich", "sender", "--config", configured) == 2
    assert capsys.readouterr().err.startswith("pipeline: no such part: sender; there are: all, receiver, enrich, ")


def test_a_log_level_that_does_not_exist_is_answered_with_those_that_do(
    configured: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "run", "--config", configured, "--log-level", "loud") == 2
    said = capsys.readouterr().err
    assert all(f"'{word}'" in said for word in ("loud", "debug", "info", "warning", "error"))
