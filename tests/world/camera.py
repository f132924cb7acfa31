"""A phone's camera for Chromium: a film of a QR code held before the lens (YUV4MPEG2)."""

from pathlib import Path

import numpy as np
import segno
from numpy.typing import NDArray

WIDTH, HEIGHT = 640, 480
FRAMES = 6  # Chromium begins again at the end
GREY = bytes([128]) * (WIDTH * HEIGHT // 2)  # both chroma planes of 4:2:0
DESKTOP, SCREEN, INK = 96, 235, 20  # luma of the table, the phone's screen, and the code


def film(path: Path, *texts: str, hold: int = FRAMES, fps: int = 15, scale: int = 7) -> Path:
    """Write a film in which a screen with the code of each of `texts` is held still in turn.

    Each is held for `hold` frames; `scale` is the pixels a module takes. The picture is plain grey
    around the screen.
    """
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{fps}:1 Ip A1:1 C420jpeg\n".encode())
        for text in texts:
            frame = b"FRAME\n" + _frame(text, scale).tobytes() + GREY
            for _ in range(hold):
                file.write(frame)
    return path


def flags(path: Path) -> list[str]:
    """What makes Chromium take the film for its camera, without asking anybody."""
    return [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={path}",
    ]


def _frame(text: str, scale: int) -> NDArray[np.uint8]:
    dark = np.array([list(row) for row in segno.make(text, error="m", micro=False).matrix])
    code = np.where(np.pad(dark, 4) > 0, INK, SCREEN).astype(np.uint8)
    code = np.kron(code, np.ones((scale, scale), np.uint8))
    frame = np.full((HEIGHT, WIDTH), DESKTOP, np.uint8)
    top, left = (HEIGHT - code.shape[0]) // 2, (WIDTH - code.shape[1]) // 2
    if top < 0 or left < 0:
        raise ValueError(f"a code of {code.shape[0]} pixels does not fit {HEIGHT} lines")
    frame[top : top + code.shape[0], left : left + code.shape[1]] = code
    return frame
