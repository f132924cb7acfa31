"""A wrong setting is a sentence in the terminal's language: its name, what to write, no value."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from bots import texts
from bots.cli.terminal import read_settings
from bots.cli.wrong_settings import SENTENCES

Refused = Callable[..., str]

WHOLE = "整数で書いてください。"
NUMBER = "数で書いてください。"
LENGTH = "時間の長さは 00:10:00（10分）か PT10M のように書いてください。"
LIST = '{"137": ["https://…"]} のように、番号ごとにアドレスの一覧を書いてください。'
JSON = '{"137": ["https://…"]} のような JSON で書いてください。'
CASES = (
    ("PORT", "80a", WHOLE),
    ("PORT", "80.5", WHOLE),
    ("PORT", "9" * 5_000, WHOLE),
    ("PORT", "", WHOLE),
    ("PORT", "-1", "0以上にしてください。"),
    ("PORT", "65536", "65535以下にしてください。"),
    ("TELEGRAM_RATE", "fast", NUMBER),
    ("TELEGRAM_RATE", "0", "0より大きくしてください。"),
    ("TELEGRAM_RATE", "nan", "1000以下にしてください。"),
    ("TELEGRAM_RATE", "31", "Telegram が無料で許すのは1秒に30通までです。"),
    ("RECHECK_EVERY", "10 minutes", LENGTH),
    ("RECHECK_EVERY", "600", LENGTH),
    ("INDEX_EVERY", "00:00:00", "0秒より大きくしてください。"),
    ("TELEGRAM_WEBHOOK", "perhaps", "true か false で書いてください。"),
    ("LOG_LEVEL", "loud", "DEBUG、INFO、WARNING、ERROR のどれかを書いてください。"),
    ("CHAIN_ENDPOINTS", "{137: https://secret.invalid}", JSON),
    ("CHAIN_ENDPOINTS", "[]", LIST),
    ("CHAIN_ENDPOINTS", '{"secret.invalid": ["https://secret.invalid"]}', LIST),
    ("PUBLIC_URL", "secret.invalid", "https://town.example のように、"),
    ("IPFS_GATEWAY", "ipfs.secret.invalid", "https:// から始まるアドレスを書いてください。"),
    ("STAFF", "secret.invalid", "telegram:123=hana,discord:456 のように書いてください。"),
    ("TELEGRAM_TOKN", "secret.invalid", "この名前の設定はありません。"),
)


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """What a command says of these variables before it ends with 1."""
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")

    def said(env_file: Path | None = None, **variables: str) -> str:
        for name, value in variables.items():
            monkeypatch.setenv(f"KANKEI_{name}", value)
        with pytest.raises(typer.Exit) as ended:
            read_settings(_env_file=env_file)
        assert ended.value.exit_code == 1
        return capsys.readouterr().err

    return said


@pytest.mark.parametrize(("name", "value", "sentence"), CASES)
def test_a_wrong_setting_is_named_in_japanese_with_what_to_write(
    refused: Refused, name: str, value: str, sentence: str
) -> None:
    said = refused(**{name: value})
    assert f"  KANKEI_{name}：{sentence}" in said
    assert "secret.invalid" not in said
    assert re.search(r"Input|should|valid|error", said) is None


@pytest.mark.parametrize(("name", "value"), [case[:2] for case in CASES])
def test_the_same_is_said_in_english(
    monkeypatch: pytest.MonkeyPatch, refused: Refused, name: str, value: str
) -> None:
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    said = refused(**{name: value})
    assert f"  KANKEI_{name}: " in said
    assert "secret.invalid" not in said
    assert re.search(r"[ぁ-ヿ㐀-鿿]", said) is None


def test_a_part_of_a_setting_is_found_by_its_number(refused: Refused) -> None:
    assert f"KANKEI_CHAIN_ENDPOINTS の 137：{LIST}" in refused(CHAIN_ENDPOINTS='{"137": "x"}')
    quoted = "KANKEI_CHAIN_ENDPOINTS の 137：文字列を"
    assert quoted in refused(CHAIN_ENDPOINTS='{"137": [1]}')


def test_every_wrong_line_of_the_file_is_named_as_it_stands_there(
    tmp_path: Path, refused: Refused
) -> None:
    file = tmp_path / "settings"
    file.write_text("KANKEI_TELEGRM_TOKEN=secret.invalid\nKANKEI_PORT=x\nBAR=secret.invalid\n")
    said = refused(file)
    for name in ("KANKEI_TELEGRM_TOKEN", "BAR"):
        assert f"  {name}：この名前の設定はありません。つづりを確かめるか、.env から" in said
    assert f"  KANKEI_PORT：{WHOLE}" in said
    assert "secret.invalid" not in said


def test_every_kind_of_error_has_its_sentence() -> None:
    for each in {*SENTENCES.values(), "missing", "json", "other"}:
        assert texts.knows(f"settings.fault.{each}"), each
