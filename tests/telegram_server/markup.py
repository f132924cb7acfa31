"""Marked-up text and keyboards: parsed as strictly as Telegram does, and rendered back.

* https://core.telegram.org/bots/api#formatting-options, HTML style. Offsets and lengths of
  entities are in UTF-16 code units, those in refusals in bytes of UTF-8.
* https://core.telegram.org/bots/api#inlinekeyboardbutton
"""

import html
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.telegram_server.api import MAX_CALLBACK_DATA_BYTES, Json, bad_request

_TYPE_OF_TAG = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline",
    "ins": "underline", "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough",
    "tg-spoiler": "spoiler", "span": "spoiler", "code": "code", "pre": "pre", "a": "text_link",
    "blockquote": "blockquote", "tg-emoji": "custom_emoji",
}  # fmt: skip
_TAG_OF_TYPE = {
    "bold": "b", "italic": "i", "underline": "u", "strikethrough": "s", "spoiler": "tg-spoiler",
    "code": "code", "pre": "pre", "blockquote": "blockquote",
}  # fmt: skip
_TYPED_BY_PEOPLE = {"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number"}
_CHARACTER = re.compile(r"&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|(lt|gt|amp|quot)(?![a-zA-Z]));?")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_ATTRIBUTE = re.compile(
    r"\s+([^\s=>]+)(?:\s*(=)\s*(?:\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9.\-]+)(?=[\s>])))?"
)
_DETECTED = re.compile(
    r"(?P<url>https?://[^\s<>\"'、。」』）]+)"
    r"|(?<![\w/@])(?P<mention>@[A-Za-z]\w{2,31})"
    r"|(?<![\w/])(?P<bot_command>/[A-Za-z0-9_]{1,64}(?:@[A-Za-z]\w{2,31})?)(?![\w/])",
    re.ASCII,
)


def utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut_utf16(text: str, offset: int, length: int) -> str:
    """Return the part of `text` that an entity covers."""
    units = text.encode("utf-16-le", "surrogatepass")
    return units[2 * offset : 2 * (offset + length)].decode("utf-16-le", "surrogatepass")


def _unescape(source: str) -> str:
    def replace(match: re.Match[str]) -> str:
        hexadecimal, decimal, name = match.groups()
        if name:
            return _NAMED[name]
        code = int(hexadecimal, 16) if hexadecimal else int(decimal)
        return chr(code) if 0 < code < 0x110000 else match.group()

    return _CHARACTER.sub(replace, source)


@dataclass(slots=True)
class _Open:
    tag: str
    attributes: dict[str, str]
    offset: int
    begins: int  # index into the parts of the plain text


@dataclass(slots=True)
class _HtmlReader:
    source: str
    parts: list[str] = field(default_factory=list)
    entities: list[Json] = field(default_factory=list)
    length: int = 0  # of the plain text so far, in UTF-16 code units
    stack: list[_Open] = field(default_factory=list)

    def read(self) -> tuple[str, list[Json]]:
        position = 0
        while position < len(self.source):
            begin = self.source.find("<", position)
            self._text(self.source[position : begin if begin >= 0 else len(self.source)])
            if begin < 0:
                break
            closes = self.source.startswith("/", begin + 1)
            position = self._end_tag(begin) if closes else self._start_tag(begin)
        if self.stack:
            raise _unparsable(
                f'Can\'t find end tag corresponding to start tag "{self.stack[-1].tag}"'
            )
        return "".join(self.parts), self.entities

    def _text(self, raw: str) -> None:
        text = _unescape(raw)
        self.parts.append(text)
        self.length += utf16_length(text)

    def _at(self, begin: int) -> str:
        return f"at byte offset {len(self.source[:begin].encode())}"

    def _start_tag(self, begin: int) -> int:
        named = re.compile(r"[^\s>]*").match(self.source, begin + 1)
        tag = named.group().lower() if named else ""
        position = named.end() if named else begin
        if position >= len(self.source):
            raise _unparsable(f"Unclosed start tag {self._at(begin)}")
        if tag not in _TYPE_OF_TAG:
            raise _unparsable(f'Unsupported start tag "{tag}" {self._at(begin)}')
        attributes: dict[str, str] = {}
        while match := _ATTRIBUTE.match(self.source, position):
            name, equals, *values = match.groups()
            if not equals and (tag, name) != ("blockquote", "expandable"):
                raise _unparsable(
                    "Expected equal sign in declaration of an attribute of the tag "
                    f'"{tag}" {self._at(begin)}'
                )
            attributes[name.lower()] = _unescape(next((v for v in values if v is not None), ""))
            position = match.end()
        closing = re.compile(r"\s*>").match(self.source, position)
        if not closing:
            raise _unparsable(f'Unclosed start tag "{tag}" {self._at(begin)}')
        if tag == "span" and attributes.get("class") != "tg-spoiler":
            raise _unparsable(f'Tag "span" must have class "tg-spoiler" {self._at(begin)}')
        self.stack.append(_Open(tag, attributes, self.length, len(self.parts)))
        return closing.end()

    def _end_tag(self, begin: int) -> int:
        if not self.stack:
            raise _unparsable(f"Unexpected end tag {self._at(begin)}")
        match = re.compile(r"([^\s>]*)\s*>").match(self.source, begin + 2)
        if not match:
            raise _unparsable(f"Unclosed end tag {self._at(begin)}")
        opened, found = self.stack.pop(), match.group(1).lower()
        if found not in {"", opened.tag}:
            raise _unparsable(
                f'Unmatched end tag {self._at(begin)}, expected "</{opened.tag}>", '
                f'found "</{found}>"'
            )
        if self.length > opened.offset:
            self._close(opened)
        return match.end()

    def _close(self, opened: _Open) -> None:
        entity: Json = {
            "type": _TYPE_OF_TAG[opened.tag],
            "offset": opened.offset,
            "length": self.length - opened.offset,
        }
        match opened.tag:
            case "a":
                url = opened.attributes.get("href") or "".join(self.parts[opened.begins :])
                if (checked := _checked_url(url)) is None:
                    return  # as Telegram does: the words stay, the link is dropped
                entity["url"] = checked
            case "blockquote" if "expandable" in opened.attributes:
                entity["type"] = "expandable_blockquote"
            case "tg-emoji":
                entity["custom_emoji_id"] = opened.attributes.get("emoji-id", "")
            case "code":
                entity["language"] = opened.attributes.get("class", "").removeprefix("language-")
            case "pre" if self._is_code_with_language(entity):
                self.entities[-1]["type"] = "pre"
                return
        self.entities.append({name: value for name, value in entity.items() if value != ""})

    def _is_code_with_language(self, entity: Json) -> bool:
        if not self.entities:
            return False
        last = self.entities[-1]
        return (
            last["type"] == "code"
            and "language" in last
            and (last["offset"], last["length"]) == (entity["offset"], entity["length"])
        )


def _unparsable(reason: str) -> Exception:
    return bad_request(f"can't parse entities: {reason}")


def parse_html(source: str) -> tuple[str, list[Json]]:
    """Return the plain text and its entities, outermost first at one place.

    Raises 400 "can't parse entities" with Telegram's reason.
    """
    text, entities = _HtmlReader(source).read()
    return text, _in_order(entities[::-1])  # the inner one closes first


def trimmed(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Take white space off both ends, and off the entities that covered it."""
    start = utf16_length(text) - utf16_length(text.lstrip())
    plain = text.strip()
    end = utf16_length(plain)
    kept = []
    for entity in entities:
        begins = max(entity["offset"] - start, 0)
        ends = min(entity["offset"] - start + entity["length"], end)
        if ends > begins:
            kept.append({**entity, "offset": begins, "length": ends - begins})
    return plain, kept


def with_detected(text: str, entities: list[Json]) -> list[Json]:
    """Add the links, mentions and commands that Telegram finds by itself."""
    found = []
    for match in _DETECTED.finditer(text):
        begins = utf16_length(text[: match.start()])
        ends = begins + utf16_length(match.group())
        taken = any(
            entity["type"] in {"code", "pre", "text_link", *_TYPED_BY_PEOPLE}
            and entity["offset"] < ends
            and begins < entity["offset"] + entity["length"]
            for entity in entities
        )
        if not taken:
            found.append({"type": match.lastgroup, "offset": begins, "length": ends - begins})
    return _in_order(entities + found)


def _in_order(entities: list[Json]) -> list[Json]:
    return sorted(entities, key=lambda each: (each["offset"], -each["length"]))


def to_html(text: str, entities: list[Json]) -> str:
    """Render plain text and entities back to the HTML style."""
    units = text.encode("utf-16-le", "surrogatepass")
    shown = [each for each in _in_order(entities) if _tags(each) is not None]
    edges = {0, len(units) // 2}
    for each in shown:
        edges |= {each["offset"], each["offset"] + each["length"]}
    places = sorted(edges)
    result, open_now = [], list[Json]()
    for place, following in zip(places, [*places[1:], places[-1]], strict=True):
        while open_now and open_now[-1]["offset"] + open_now[-1]["length"] <= place:
            result.append((_tags(open_now.pop()) or ("", ""))[1])
        for each in shown:
            if each["offset"] == place:
                result.append((_tags(each) or ("", ""))[0])
                open_now.append(each)
        piece = units[2 * place : 2 * following].decode("utf-16-le", "surrogatepass")
        result.append(html.escape(piece, quote=False))
    return "".join(result)


def _tags(entity: Json) -> tuple[str, str] | None:
    kind = entity["type"]
    if kind == "text_link":
        return f'<a href="{html.escape(entity["url"])}">', "</a>"
    if kind == "text_mention":
        return f'<a href="tg://user?id={entity["user"]["id"]}">', "</a>"
    if kind == "custom_emoji":
        return f'<tg-emoji emoji-id="{entity["custom_emoji_id"]}">', "</tg-emoji>"
    if kind == "expandable_blockquote":
        return "<blockquote expandable>", "</blockquote>"
    if kind == "pre" and "language" in entity:
        return f'<pre><code class="language-{entity["language"]}">', "</code></pre>"
    tag = _TAG_OF_TYPE.get(kind)
    return (f"<{tag}>", f"</{tag}>") if tag else None


def _checked_url(url: str) -> str | None:
    """Return the URL as Telegram would keep it, None when it would refuse it."""
    url = url.strip()
    if url.startswith(("tg://", "ton://", "mailto:", "tel:")):
        return url
    if "://" not in url:
        url = f"http://{url}"
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        parts.port  # noqa: B018  # raises when it is not a number
    except ValueError:
        return None
    # Telegram knows no host without a dot: http://localhost is refused
    if parts.scheme not in {"http", "https"} or "." not in host or " " in host:
        return None
    return url if parts.path or parts.query else f"{url}/"


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message, as a person sees it."""

    label: str
    data: str | None = None
    url: str | None = None


def buttons_of(markup: Json | None) -> tuple[tuple[Button, ...], ...]:
    rows = (markup or {}).get("inline_keyboard", [])
    return tuple(
        tuple(Button(each["text"], each.get("callback_data"), each.get("url")) for each in row)
        for row in rows
    )


_ACTIONS = (
    "url", "callback_data", "web_app", "login_url", "switch_inline_query",
    "switch_inline_query_current_chat", "switch_inline_query_chosen_chat", "copy_text",
    "callback_game", "pay",
)  # fmt: skip


def checked_markup(markup: Json | None, *, private: bool) -> Json | None:
    """Return a reply markup that Telegram would take. Raises 400 for any other."""
    if markup is None or "inline_keyboard" not in markup:
        return markup
    rows = markup["inline_keyboard"]
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request('field "inline_keyboard" must be of type Array')
    if sum(len(row) for row in rows) > 100:
        raise bad_request("reply markup is too long")
    kept = [[_checked_button(button, private=private) for button in row] for row in rows if row]
    return {"inline_keyboard": kept} if kept else None


def _checked_button(button: Any, *, private: bool) -> Json:
    if not isinstance(button, dict) or not isinstance(button.get("text"), str):
        raise bad_request("can't parse inline keyboard button: Can't find field \"text\"")
    if not button["text"].strip():
        raise bad_request("inline keyboard button text must be non-empty")
    actions = [name for name in _ACTIONS if name in button]
    if not actions:
        raise bad_request("text buttons are unallowed in the inline keyboard")
    if "callback_data" in button:
        size = len(str(button["callback_data"]).encode())
        if not 1 <= size <= MAX_CALLBACK_DATA_BYTES:
            raise bad_request("BUTTON_DATA_INVALID")
    if "web_app" in button and not private:
        raise bad_request("BUTTON_TYPE_INVALID")
    if "url" in button:
        url = _checked_url(str(button["url"]))
        if url is None:
            raise bad_request(
                f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL"
            )
        return {**button, "url": url}
    return dict(button)
