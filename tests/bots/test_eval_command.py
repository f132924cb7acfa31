"""`kankei eval` as a staff member types it: small files, clear words."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bots.cli import command
from bots.cli.evaluate import Interview, interviewed
from core.town import load
from knowledge.answer import Guide
from knowledge.encoders import Tier
from knowledge.evaluate import Fault, Labelled, Said, read_questions

FEE = {
    "id": "fee",
    "lang": "ja",
    "kind": "fee",
    "question": "温泉はいくら?",
    "expected_facts": ["500円"],
}
PRESIDENT = {
    "id": "president",
    "lang": "en",
    "kind": "offtopic",
    "question": "Who is the president of France?",
    "expected_facts": "REFUSE",
}
WRONG = {**FEE, "id": "wrong", "expected_facts": ["9,999円"]}


@dataclass(frozen=True, slots=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def kankei(*words: str, data: Path, language: str = "ja_JP.UTF-8") -> Done:
    """Run the command in this process: starting Python costs more than twenty questions."""
    environment = {"LANG": language, "LC_ALL": "", "KANKEI_DATA_DIR": str(data)}
    done = CliRunner().invoke(command, words, env=environment)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Done(done.exit_code, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def nagi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A town as `kankei new` makes it, with one guide of one fee."""
    folder = tmp_path_factory.mktemp("towns")
    assert kankei("new", "nagi", "--towns", str(folder), data=folder).returncode == 0
    (folder / "nagi" / "guides" / "first.md").write_text(
        "---\ntitle: 水城温泉\nlang: ja\nas_of: '2026-10'\nsource: https://example.org/onsen\n"
        "facility: 水城温泉\n---\n# 水城温泉\n\n"
        "| 項目 | 内容 |\n| --- | --- |\n| 水城温泉の入浴料 | 500円 |\n",
        encoding="utf-8",
    )
    return folder / "nagi"


def written(path: Path, *rows: object) -> str:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return str(path)


def ask(nagi: Path, folder: Path, *words: str, rows: tuple[object, ...], **more: Any) -> Done:
    questions = written(folder / "questions.jsonl", *rows)
    return kankei("eval", str(nagi), questions, "--tier", "words", *words, data=folder, **more)


def test_a_run_tells_what_was_right_and_why_the_rest_was_not(nagi: Path, tmp_path: Path) -> None:
    done = ask(nagi, tmp_path, rows=(FEE, PRESIDENT, WRONG))
    assert done.returncode == 0, done.stderr
    assert "全部で 3 問、正しい答え 2" in done.stdout
    assert "引用した文書にない数字を含む答え：0" in done.stdout
    assert "必要なことが書かれていない（9,999円）" in done.stdout
    assert "・水城温泉の入浴料：500円" in done.stdout
    assert "example.org" in done.stdout


def test_the_next_run_tells_what_was_fixed_and_what_broke(nagi: Path, tmp_path: Path) -> None:
    first = ask(nagi, tmp_path, rows=(FEE, WRONG))
    assert "前回の記録はありません" in first.stdout
    fixed, broken = {**WRONG, "expected_facts": ["500円"]}, {**FEE, "expected_facts": ["1円"]}
    second = ask(nagi, tmp_path, rows=(broken, fixed), language="en_GB.UTF-8")
    assert "Fixed since last time, 1: wrong" in second.stdout
    assert "Broken since last time, 1: fee" in second.stdout


def test_part_of_the_questions_does_not_replace_the_record_of_all(
    nagi: Path, tmp_path: Path
) -> None:
    rows = (FEE, PRESIDENT, WRONG)
    ask(nagi, tmp_path, rows=rows)
    kept = tmp_path / "evaluations" / "nagi-questions.json"
    before = kept.read_bytes()
    for option, value, count in (
        ("--language", "en", 1),
        ("--kind", "fee", 2),
        ("--limit", "2", 2),
    ):
        done = ask(nagi, tmp_path, option, value, rows=rows)
        assert f"全部で {count} 問" in done.stdout
    assert kept.read_bytes() == before
    assert "当てはまる質問がありません" in ask(nagi, tmp_path, "--kind", "x", rows=rows).stderr


def test_a_report_is_a_page_or_a_file_to_compare_with(nagi: Path, tmp_path: Path) -> None:
    page, record = tmp_path / "report.md", tmp_path / "record.json"
    injected = {**WRONG, "question": "温泉<script>はいくら?"}
    ask(nagi, tmp_path, "--report", str(page), rows=(FEE, injected))
    text = page.read_text(encoding="utf-8")
    assert "### wrong" in text
    assert "9,999円" in text
    assert "\\<script\\>" in text
    ask(nagi, tmp_path, "--report", str(record), rows=(WRONG,))
    assert json.loads(record.read_text(encoding="utf-8"))["questions"][0]["right"] is False
    right = {**WRONG, "expected_facts": ["500円"]}
    done = ask(nagi, tmp_path, "--baseline", str(record), rows=(right,))
    assert "前回から直った 1：wrong" in done.stdout


def test_a_floor_fails_a_run_that_stays_below_it(nagi: Path, tmp_path: Path) -> None:
    assert ask(nagi, tmp_path, "--fail-under", "0.5", rows=(FEE, WRONG)).returncode == 0
    below = ask(nagi, tmp_path, "--fail-under", "0.85", rows=(FEE, WRONG))
    assert below.returncode == 1
    assert "正答率 50.0% が、求められた 85.0% を下回りました" in below.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(("--report", "r.pdf"), ".md か .json", id="report"),
        pytest.param(("--baseline", "none.json"), "前回の記録を読めません", id="baseline"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_asked(
    nagi: Path, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    done = ask(nagi, tmp_path, *words, rows=(FEE,))
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_question_file_is_told_with_file_line_and_remedy(
    nagi: Path, tmp_path: Path
) -> None:
    done = ask(nagi, tmp_path, rows=(FEE, {**FEE, "id": "x", "lang": "fr"}))
    assert done.returncode == 1
    assert 'questions.jsonl:2: lang "fr" is not known → one of ja, ja-easy, en' in done.stderr


def test_a_wrong_town_is_told(tmp_path: Path) -> None:
    done = kankei("eval", str(tmp_path), written(tmp_path / "q.jsonl", FEE), data=tmp_path)
    assert done.returncode == 1
    assert "町の設定に直すところがあります" in done.stderr


async def test_an_error_of_the_program_is_a_finding_and_not_the_end_of_the_run(
    nagi: Path, tmp_path: Path
) -> None:
    class Broken(Interview):
        async def ask(self, question: Labelled) -> Said:
            if question.id == "broken":
                raise NotImplementedError("no words for Plan")
            return await super().ask(question)

    guide = Guide.open(nagi / "guides", cache=tmp_path, tier=Tier.WORDS)
    rows = (FEE, {**PRESIDENT, "id": "broken"}, {**FEE, "id": "after"})
    questions = read_questions(Path(written(tmp_path / "q.jsonl", *rows))).questions
    verdicts = await interviewed(Broken(load(nagi), guide, datetime.now(UTC)), questions)
    assert [each.right for each in verdicts] == [True, False, True]
    assert verdicts[1].of(Fault.CRASHED) == ("NotImplementedError('no words for Plan')",)
