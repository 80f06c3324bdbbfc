"""Which signal asks a container to end, as image configs spell it."""

from __future__ import annotations

import re
import signal

_REALTIME = re.compile(r"RT(MIN|MAX)(?:([+-])(\d+))?")


def stop_signal(text: str) -> int:
    """`SIGQUIT`, `QUIT`, `3` and `SIGRTMIN+3`; SIGTERM for what is none."""
    name = text.strip().upper().removeprefix("SIG")
    if name.isdecimal():
        number = int(name)
    elif match := _REALTIME.fullmatch(name):
        base = signal.SIGRTMIN if match[1] == "MIN" else signal.SIGRTMAX
        number = base + int(f"{match[2] or '+'}{match[3] or 0}")
    else:
        number = getattr(signal, f"SIG{name}", 0) if name.isalnum() else 0
    return int(number) if 0 < number < signal.NSIG else int(signal.SIGTERM)
