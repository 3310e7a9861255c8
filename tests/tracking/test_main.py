"""What `python -m src.tracking` does."""

import logging
import sys
from pathlib import Path

import pytest

from src.tracking import __main__ as face
from src.tracking import store
from tests.tracking.test_session import evaluate, runs, train


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["tracking", *arguments])
    face.main()


def test_ready_makes_database_and_experiment(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call(monkeypatch, "ready")
    with store.connected(ready) as client:
        assert client.get_experiment_by_name("covid_ct") is not None


def test_send_sends_what_waits_and_counts_it(
    ready: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv(store.VARIABLE, "http://127.0.0.1:9")
    train()
    evaluate()
    monkeypatch.delenv(store.VARIABLE)
    call(monkeypatch, "send")
    assert "2 record(s) sent" in caplog.text
    call(monkeypatch, "send")
    assert "0 record(s) sent" in caplog.text
    assert len(runs(ready)) == 1


def test_record_makes_the_run_of_the_outputs(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train()
    with store.connected(ready) as client:
        client.delete_run(runs(ready)[0].info.run_id)
    call(monkeypatch, "record")
    assert len(runs(ready)) == 1


def test_an_unknown_word_lists_the_known_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        call(monkeypatch, "sned")
    assert "send" in capsys.readouterr().err
