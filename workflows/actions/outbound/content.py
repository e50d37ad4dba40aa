"""The body of a response as JSON, by its content type."""

import base64
import codecs
import json
import re
from email.message import Message

from workflows.actions.context import ActionError
from workflows.documents import Json
from workspaces.masking import masked

# Python's codecs include some that inflate or take quadratic time (idna, unicode_escape): not for a server to choose.
CHARSETS = re.compile(
    r"ascii|utf-(8|8-sig|16|16-[bl]e|32|32-[bl]e)|iso8859-\d+|cp\d+|koi8-[rtu]|mac-\w+|tis-620"
    r"|big5\w*|gb\w+|shift_jis\w*|euc_\w+|iso2022_\w+"
)


def parsed(body: bytes, content_type: str) -> Json:
    """JSON for JSON, text for text and XML, None for nothing, else `{"base64", "contentType"}`.

    Raises ActionError INVALID_RESPONSE for JSON that isn't.
    """
    if not body:
        return None
    kind = _header(content_type).get_content_type() if content_type else ""
    if kind == "application/json" or kind.endswith("+json"):
        return _json(body, content_type)
    if kind.startswith("text/") or kind == "application/xml" or kind.endswith("+xml"):
        return as_text(body, content_type)
    return {"base64": base64.b64encode(_masked(body)).decode(), "contentType": content_type or None}


def _masked(body: bytes) -> bytes:
    """What is escaped in it, as in a form, would be another text in base64."""
    text = body.decode("utf-8", "surrogateescape")
    shown = masked(text)
    return body if shown == text else shown.encode("utf-8", "surrogateescape")


def as_text(body: bytes, content_type: str) -> str:
    """`body` in the charset that was declared, in UTF-8 when there is none or none that is known; never an error."""
    charset = _header(content_type).get_param("charset", "utf-8")
    return storable(body.decode(_codec(str(charset)), "replace"))


def storable(text: str) -> str:
    """`text` without the one character that no database keeps in a document."""
    return text.replace("\x00", "\ufffd")


def _header(content_type: str) -> Message:
    header = Message()
    header["content-type"] = content_type
    return header


def _codec(charset: str) -> str:
    try:
        name = codecs.lookup(charset.strip("\"' ")).name
    except (LookupError, ValueError):
        return "utf-8"
    return name if CHARSETS.fullmatch(name) else "utf-8"


def _json(body: bytes, content_type: str) -> Json:
    try:
        text = body.decode(json.detect_encoding(body))
    except UnicodeDecodeError:
        text = as_text(body, content_type)
    try:
        value: Json = json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        message = f"The response says that it is JSON, but it isn't: {error}."
        raise ActionError("INVALID_RESPONSE", message) from error
    return value


def _refused(constant: str) -> Json:
    raise ValueError(f"{constant} isn't JSON")
