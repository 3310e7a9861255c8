"""What may leave in a text: no user, password or query of a URL, no control character for a terminal.

Console and tracking pass all that they write through here, so that no message has to think of it.
"""

import re

_URL = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]{0,30}://)([^\s\"<>]+)")
# Its password holds a blank, a quote or < and >, where a URL ends otherwise: it goes to the last @ of the line.
_UNESCAPED = re.compile(
    r"\b([A-Za-z][A-Za-z0-9+.-]{0,30}://)"
    r"(?:[^\s:/?#\[]*:(?!\d{1,5}(?:[^\w@%!$*+=~^-]|$))(?:(?!\w://)[^\n])*@|[^\s.:/?#@\[]+:\d+[ \t][^\s@]*@)(?=[\w\[])"
)
_CLOSING = "'`),.;:]}>"  # behind a URL they are the sentence's, within it they may be part of a password
_REQUEST = re.compile(r"(with url: [^\s?]*)\?[^\s)]*")  # urllib3 names the path and the query without the host
_VALUE = re.compile(
    r"((?:[?&;](?:[\w-]{0,40}(?:token|passw|pwd|secret|signature|key)[\w-]{0,40})|\bpassw(?:or)?d"
    r"|\b(?-i:[A-Z0-9_]{0,40}(?:TOKEN|PASSW|SECRET|_KEY)[A-Z0-9_]{0,40}))=)"  # of the environment
    r"(?:'[^'\n]*'|\"[^\"\n]*\"|[^\s&;'\"<>)]+)",
    re.IGNORECASE,
)
_USER = re.compile(r"(?<![\w/.+-])[\w.+-]{1,64}:[^\s@/'\"]{1,100}@(?=[\w\[])")  # of an address without its scheme://
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]*\]|[^:@/?#\[\]]*)(?::\d*)?")
_SECRET_NAME = re.compile(
    r"token|passw|pwd|secret|credential|signature|^sig$|auth|jwt|^x-(amz|goog)-|(^|[_-]|api|access|account)key([_-]?id)?$",
    re.IGNORECASE,
)
# Newline and tab stay: some messages have several lines. Marks that turn the direction of writing do not.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
HOW = (
    "put them into ~/.netrc (machine HOST login USER password PASSWORD), or download the file by hand and name that; "
    "params.yaml goes into git, dvc.lock and MLflow"
)


def secrets(text: str) -> str:
    """Return a text whose URLs have neither user, password nor query.

    >>> secrets("GET http://me:p@ss/word@host:80/a.zip?token=1: refused")
    'GET http://host:80/a.zip: refused'
    """
    text = _URL.sub(lambda match: match[1] + _bare(match[2]), _UNESCAPED.sub(r"\1", text))
    return _VALUE.sub(r"\1***", _REQUEST.sub(r"\1", _USER.sub("", text)))


def control(text: str) -> str:
    r"""Return a text with control characters written out, so that a terminal shows them and does not obey.

    >>> control("a\x1b[31m")
    'a\\x1b[31m'
    """
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def terminal(text: str) -> str:
    """Return a text as a terminal may show it: without secrets and control characters."""
    return control(secrets(text))


def refuse_secrets(source: str) -> str:
    """Return a source as it is if it may stand in params.yaml.

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
    """Take user, password and query from what follows `scheme://`.

    A password that is not escaped may hold @ and /: where the host is none, or a user stands before it, everything up
    to the last @ is taken for user and password.
    """
    rest = found.rstrip(_CLOSING)
    path = rest.partition("?")[0]
    authority = re.split("[/#]", path, maxsplit=1)[0]
    if not _HOST.fullmatch(authority) and "@" not in rest and authority[:1] != "[":  # a message cut it before the @
        return authority.partition(":")[0] + ":***" + found[len(rest) :]
    if not _HOST.fullmatch(authority) or (":" in authority and re.search("[^/]@", path)):
        # With a ? in the password the last @ stands in what looks like a query.
        whole = path if _HOST.fullmatch(authority.rpartition("@")[2]) else rest
        rest = rest[whole.rfind("@") + 1 :]
    return rest.partition("?")[0] + found[len(found.rstrip(_CLOSING)) :]
