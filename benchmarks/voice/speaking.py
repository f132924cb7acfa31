"""How soon an answer is heard, how fast voices are, what they cost, and whether there are gaps.

A gap is a piece that is ready more than 0.05 s after what was made before it has been played.

python -m benchmarks.voice.speaking                 # both voices of this machine
python -m benchmarks.voice.speaking --voice mei
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from pathlib import Path

from knowledge.language import Language
from knowledge.voice.choice import VoiceChoice
from knowledge.voice.names import names_of_town
from knowledge.voice.speaking.mouth import SpokenMouth

ROOT = Path(__file__).resolve().parents[2]
ANSWERS = [
    (Language.JA, "秋芳洞の入洞料は、大人1,600円です。市の資料、2026年2月時点です。"),
    (Language.JA, "受付は8:30〜17:30です。休みの日はありません。"),
    (Language.JA, "別府弁天池は、秋芳洞から車で約15分です。駐車場は無料です。"),
    (Language.JA, "はい、秋芳洞は車いすで見学できます。正面入口から約700mが平らな道です。"),
    (Language.JA, "新山口駅から、バスで約40分です。運賃は1,170円です。"),
    (Language.JA, "その質問の答えは、ガイドには書かれていません。観光協会にお尋ねください。"),
    (Language.EN, "Admission to Akiyoshido Cave is 1,600 yen. It opens at 8:30."),
    (Language.EN, "It takes about 40 minutes by bus from Shin-Yamaguchi Station."),
    (Language.ZH_HANS, "秋芳洞的门票是大人1,600日元。资料是2026年2月的。"),
    (Language.ZH_HANT, "開放時間是8:30〜17:30，全年無休。"),
]


def resident(pid: int) -> int:
    """Megabytes of a process."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) // 1024
    return 0


def processor(pid: int) -> float:
    """Seconds of processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def measured(voice: str, spoken: Language, rounds: int) -> dict[str, object]:
    mouth = SpokenMouth(
        names=names_of_town(ROOT / "towns/mine"),
        folder=None,  # nothing comes from the disk
        voice=VoiceChoice(voice),
        endpoint=None,
    )
    began = time.perf_counter()
    await mouth.warm()
    warmed = time.perf_counter() - began
    assert mouth._voices is not None
    assert mouth._voices.pid is not None
    pid = mouth._voices.pid
    before, first, speech, gaps, pieces = processor(pid), [], 0.0, 0, 0
    lengths = []
    wall, written = time.perf_counter(), 0
    for language, text in ANSWERS * rounds:
        if language is not spoken:
            continue
        if not mouth.speaks(language):
            written += 1  # Kokoro is too far behind: visitors would get the written answer
            continue
        began = time.perf_counter()
        heard_until = 0.0
        async for piece in mouth.pieces(text, language=language):
            now = time.perf_counter() - began
            if not heard_until:
                first.append(now)
                lengths.append(piece.seconds)
                heard_until = now
            pieces += 1
            gaps += now > heard_until + 0.05
            heard_until = max(heard_until, now) + piece.seconds
            speech += piece.seconds
    wall = time.perf_counter() - wall
    used = processor(pid) - before
    memory = resident(pid)
    name = mouth.name
    await mouth.close()
    if not first:
        return {"voice": name, "language": str(spoken), "only_written": written}
    first.sort()
    return {
        "voice": name,
        "language": str(spoken),
        "answers": len(first),
        "only_written": written,
        "first_sound_p50_s": round(statistics.median(first), 2),
        "first_sound_p95_s": round(first[int(len(first) * 0.95)], 2),
        "first_piece_p50_s_of_speech": round(statistics.median(lengths), 2),
        "pieces": pieces,
        "cpu_s_per_s_of_speech": round(used / speech, 3),
        "wall_s_per_s_of_speech": round(wall / speech, 3),
        "gaps": gaps,
        "warm_s": round(warmed, 1),
        "resident_mb": memory,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voice", action="append")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    for voice in arguments.voice or ["mei", "kokoro:jf_alpha"]:
        for language in (Language.JA, Language.EN, Language.ZH_HANS, Language.ZH_HANT):
            json.dump(asyncio.run(measured(voice, language, arguments.rounds)), sys.stdout)
            sys.stdout.write("\n")


if __name__ == "__main__":
    main()
