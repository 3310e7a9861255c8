"""Remove secrets from texts: user, password and query of URLs; and escape control characters for the terminal.

Console and tracking pass everything they write through this module, so that no message has to take care of it.
"""

import re

_URL = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]{0,30}://)([^\s\"<>]+)")
# A URL whose password contains a space, a quote, < or >, which normally end a URL: up to the last @ of the line.
_UNESCAPED = re.compile(
    r"\b([A-Za-z][A-Za-z0-9+.-]{0,30}://)"
    r"(?:[^\s:/?#\[]*:(?!\d{1,5}(?:[^\w@%!$*+=~^-]|$))(?:(?!\w://)[^\n])*@|[^\s.:/?#@\[]+:\d+[ \t][^\s@]*@)(?=[\w\[])"
)
_CLOSING = "'`),.;:]}>"  # after a URL they belong to the sentence; inside it they may be part of a password
_REQUEST = re.compile(r"(with url: [^\s?]*)\?[^\s)]*")  # urllib3 writes the path and query without the host
_VALUE = re.compile(
    r"((?:[?&;](?:[\w-]{0,40}(?:token|passw|pwd|secret|signature|key)[\w-]{0,40})|\bpassw(?:or)?d"
    r"|\b(?-i:[A-Z0-9_]{0,40}(?:TOKEN|PASSW|SECRET|_KEY)[A-Z0-9_]{0,40}))=)"  # environment variables
    r"(?:'[^'\n]*'|\"[^\"\n]*\"|[^\s&;'\"<>)]+)",
    re.IGNORECASE,
)
_USER = re.compile(r"(?<![\w/.+-])[\w.+-]{1,64}:[^\s@/'\"]{1,100}@(?=[\w\[])")  # in an address without scheme://
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]*\]|[^:@/?#\[\]]*)(?::\d*)?")
_SECRET_NAME = re.compile(
    r"token|passw|pwd|secret|credential|signature|^sig$|auth|jwt|^x-(amz|goog)-|(^|[_-]|api|access|account)key([_-]?id)?$",
    re.IGNORECASE,
)
# Newline and tab are kept: some messages have several lines. Bidirectional control characters are escaped.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
HOW = (
    "put them into ~/.netrc (machine HOST login USER password PASSWORD), or download the file by hand and name that; "
    "params.yaml goes into git, dvc.lock and MLflow"
)


def secrets(text: str) -> str:
    """Return a text without the user, password and query of its URLs, and with other secret values as ***.

    >>> secrets("GET http://me:p@ss/word@host:80/a.zip?token=1: refused")
    'GET http://host:80/a.zip: refused'
    """
    text = _URL.sub(lambda match: match[1] + _bare(match[2]), _UNESCAPED.sub(r"\1", text))
    return _VALUE.sub(r"\1***", _REQUEST.sub(r"\1", _USER.sub("", text)))


def control(text: str) -> str:
    r"""Return a text with control characters escaped, so that a terminal shows them instead of obeying them.

    >>> control("a\x1b[31m")
    'a\\x1b[31m'
    """
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def terminal(text: str) -> str:
    """Return a text that is safe to show in a terminal: without secrets, control characters escaped."""
    return control(secrets(text))


def refuse_secrets(source: str) -> str:
    """Return a data source unchanged if it may be written in params.yaml.

    Raises:
        ValueError: it is a URL with a user, a password, or a query that looks like a secret.
    """
    if "://" not in source:
        return source
    one_line = re.sub(r"\s", "_", source)
    address, _, query = one_line.partition("?")
    if secrets(one_line.rstrip(_CLOSING)) != address.rstrip(_CLOSING):
        raise ValueError(f"expected a URL without user and password: {HOW}")
    names = [pair.partition("=")[0] for pair in re.split("[&;]", query)]
    if named := [name for name in names if _SECRET_NAME.search(name)]:
        raise ValueError(f"expected a URL without a secret ({', '.join(named)}): {HOW}")
    return source


def _bare(found: str) -> str:
    """Remove user, password and query from the part of a URL after `scheme://`.

    An unescaped password may contain @ and /. If the host is not valid, or what looks like host:port is
    followed by an @, everything up to the last @ is treated as user and password.
    """
    rest = found.rstrip(_CLOSING)
    path = rest.partition("?")[0]
    authority = re.split("[/#]", path, maxsplit=1)[0]
    if not _HOST.fullmatch(authority) and "@" not in rest and authority[:1] != "[":  # truncated before the @
        return authority.partition(":")[0] + ":***" + found[len(rest) :]
    if not _HOST.fullmatch(authority) or (":" in authority and re.search("[^/]@", path)):
        # If the password contains a ?, the last @ is in what looks like the query.
        whole = path if _HOST.fullmatch(authority.rpartition("@")[2]) else rest
        rest = rest[whole.rfind("@") + 1 :]
    return rest.partition("?")[0] + found[len(found.rstrip(_CLOSING)) :]
