"""No user, password or query of a URL leaves, and no control character reaches a terminal."""

import time

import pytest

from src.core import redact


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:word@host:5000", "http://host:5000"),
        ("http://me:wo@rd@host/a.zip?x=word", "http://host/a.zip"),
        ("http://me:w/o@rd@host/x", "http://host/x"),
        ("http://me:w?ord@host/x", "http://host/x"),
        ("http://me:w#ord@host/x", "http://host/x"),
        ("http://me:w'ord@host/x", "http://host/x"),
        ("http://me:[w@ord@host/x", "http://host/x"),
        ("http://me:12/word@host/x", "http://host/x"),
        ("found 'https://word@host/a.zip?word'; try again", "found 'https://host/a.zip'; try again"),
        ("postgresql+psycopg://me@host/db?password=word", "postgresql+psycopg://host/db"),
        ("sqlite:///:memory:?password=word", "sqlite:///:memory:"),
        ("http://a:word@b\nhttp://c?d=word", "http://b\nhttp://c"),
        ("exceeded with url: /api?id=word (Caused by X)", "exceeded with url: /api (Caused by X)"),
        ("found me:word@host/db", "found host/db"),
        ("host=db password=word user=me", "host=db password=*** user=me"),
        ("/a.zip?access_token=word&b=1", "/a.zip?access_token=***&b=1"),
        ("at http://me:wo rd@host:80/x: no", "at http://host:80/x: no"),
        ("http://me:w o/r?d@x@host/x and http://a:word b@c", "http://host/x and http://c"),
        ("'http://me@org:wo\"r<d@[::1]:80/x'", "'http://[::1]:80/x'"),
        ("http://me:12 word@host/x", "http://host/x"),
        ("found 'http://me:word... (130 characters)", "found 'http://me:***... (130 characters)"),
        ("host=db password='my word' user=me", "host=db password=*** user=me"),
        ("+export AWS_SECRET_ACCESS_KEY=word", "+export AWS_SECRET_ACCESS_KEY=***"),
    ],
)  # fmt: skip
def test_a_secret_is_taken_out_and_the_rest_stays(text: str, shown: str) -> None:
    assert redact.secrets(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "http://host/@scope/a@b.zip",
        "http://host:80/@scope/a.zip",
        "(http://127.0.0.1:5000/#/experiments/1)",
        "sqlite:///a b.db",
        "http://server:5000/a is not b@c, http://127.0.0.1:5000 me@b.org",
        "http://[::1]:80/x",
        "kaggle:me/b",
        "a@b.c",
        "is it there? key=1",
    ],
)
def test_a_text_without_a_secret_is_not_changed(text: str) -> None:
    assert redact.terminal(text) == text


@pytest.mark.parametrize("text", ["http://" + ")" * 300_000, "a." * 200_000, "?" + "token" * 60_000, "x://" * 100_000])
def test_a_long_text_takes_no_time(text: str) -> None:
    start = time.monotonic()
    redact.terminal(text)
    assert time.monotonic() - start < 3


def test_control_characters_are_written_out_and_lines_stay() -> None:
    assert redact.control("a\x1b[2J\rb\x9b\u202ec\nd\te ü日") == "a\\x1b[2J\\rb\\x9b\\u202ec\nd\te ü日"


@pytest.mark.parametrize(
    "source",
    [
        "https://me:word@host/a.zip",
        "https://word@host/a.zip",
        "https://host/a.zip?token=word",
        "https://host/a.zip?a=1&X-Amz-Signature=word",
        "https://host/a.zip?sig=word",
        "https://host/a.zip?api_key=word",
        "https://host/a.zip?password=word",
        "https://me:wo rd@host/a.zip",
        "https://me:wo\nrd@host/a.zip",
        "https://me:?word@host/a.zip",
    ],
)
def test_a_source_with_a_secret_is_refused_with_what_to_do_instead(source: str) -> None:
    with pytest.raises(ValueError, match=r"~/\.netrc .* or download the file by hand") as error:
        redact.refuse_secrets(source)
    assert "word" not in str(error.value).replace("password", "")


@pytest.mark.parametrize(
    "source", ["data/me@home", "kaggle:me/b", "https://host/p@q.zip", "https://host/a?id=7&keyword=x."]
)
def test_a_source_without_a_secret_is_taken(source: str) -> None:
    assert redact.refuse_secrets(source) == source
