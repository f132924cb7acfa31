"""Suspicious text: sentences that give orders to a machine, and characters that were lost.

A document's words are quoted, never obeyed, so such a sentence does no harm; but nobody at a town
office writes it, and staff should know which file holds it.
"""

import re
from collections.abc import Iterable

from knowledge.documents.remarks import Remarks
from knowledge.passage import Passage, RemarkKind
from knowledge.text import clean

_ORDERS = re.compile(
    r"""
    \b(?:ignore|disregard|forget|override)\b[^.。!\n]{0,40}
    \b(?:instructions?|prompts?|rules|guidelines)\b
  | \b(?:system|developer)\s+prompt\b | <\|?(?:system|im_start|assistant)\b | \[/?INST\]
  | \byou\s+are\s+now\s+(?:a|an|in|the)\b
  | \b(?:reveal|print|repeat)\b[^.\n]{0,20}\byour\s+(?:prompt|instructions)
  | (?:指示|命令|指令|プロンプト|ルール|設定)(?:を|は)?(?:すべて|全て|全部)?(?:無視|忘れ|破棄)
  | システムプロンプト | あなたは(?:今|いま)から | (?:AI|人工知能|アシスタント)への(?:指示|命令)
  | 忽略[^。\n]{0,20}(?:指令|指示|提示|规则) | 忽略[^。\n]{0,20}(?:規則|命令)
  | (?:지시|명령|지침)(?:사항)?(?:를|을)?\s*(?:모두\s*)?무시
    """,
    re.IGNORECASE | re.VERBOSE,
)
_LOST = re.compile(r"\d[時分日月円%人]?\?\s?\d|�")
_AROUND = 30


def look(passages: Iterable[Passage], remarks: Remarks) -> None:
    """Remark on what staff should see in the passages of one file."""
    lost: list[str] = []
    for passage in passages:
        where = " › ".join(passage.headings) or (f"p.{passage.page}" if passage.page else "")
        text = clean(passage.text)
        if found := _ORDERS.search(text):
            remarks.add(RemarkKind.SUSPICIOUS, "orders", 1, where, _around(text, found))
        if found := _LOST.search(text):
            lost.append(_around(text, found))
    if lost:
        remarks.add(RemarkKind.DOUBTFUL, "lost-character", 1, "", lost[0], f"{len(lost):,}")


def _around(text: str, found: re.Match[str]) -> str:
    return text[max(0, found.start() - _AROUND) : found.end() + _AROUND]
