"""What `kubectl logs` gets: the CRI file, read from the end, from a time, in part, or on and on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.cluster.node.log_choice import NoLog, choose
from towline.cluster.node.log_file import LogFile
from towline.cluster.node.log_line import nanoseconds_of, parse
from towline.cluster.node.log_options import BadOptions, LogOptions
from towline.cluster.node.provider import ContainerId

BEGAN = nanoseconds_of("2026-01-02T03:04:05.000000001Z") or 0
SECOND = 1_000_000_000


def line(text: str, second: int = 5, tag: str = "F", zone: str = "+00:00") -> str:
    """A line as conmon writes it."""
    return f"2026-01-02T03:04:{second:02}.000000001{zone} stdout {tag} {text}\n"


def ended() -> bool:
    """A container that has ended."""
    return False


async def text_of(path: Path, options: LogOptions, is_running: Callable[[], bool] = ended) -> str:
    """Everything that a reader gets."""
    pieces = [piece async for piece in LogFile(path, options, is_running).read()]
    return b"".join(pieces).decode()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of five seconds, one line each."""
    path = tmp_path / "0.log"
    path.write_text("".join(line(f"line {second}", second) for second in range(5)))
    return path


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        pytest.param(LogOptions(), range(5), id="all of it"),
        pytest.param(LogOptions(tail_lines=2), (3, 4), id="the end"),
        pytest.param(LogOptions(tail_lines=0), (), id="nothing of the past"),
        pytest.param(LogOptions(tail_lines=100), range(5), id="more than there is"),
        pytest.param(LogOptions(since=BEGAN - 2 * SECOND), (3, 4), id="since a time"),
        pytest.param(LogOptions(since=BEGAN - 2 * SECOND, tail_lines=1), (4,), id="both"),
    ],
)
async def test_a_part_of_a_log(log: Path, options: LogOptions, seconds: range) -> None:
    """Whole lines, in order."""
    text = await text_of(log, options)

    assert text == "".join(f"line {second}\n" for second in seconds)


async def test_times_are_written_in_front_as_go_writes_them(log: Path) -> None:
    """Nine digits, UTC."""
    text = await text_of(log, LogOptions(timestamps=True, tail_lines=1))

    assert text == "2026-01-02T03:04:04.000000001Z line 4\n"


async def test_a_limit_cuts_in_the_middle_of_a_line(log: Path) -> None:
    """Bytes are bytes."""
    assert await text_of(log, LogOptions(limit_bytes=10)) == "line 0\nlin"


async def test_parts_of_a_long_line_are_put_together_again(tmp_path: Path) -> None:
    """The line is one line, with one time in front."""
    path = tmp_path / "0.log"
    path.write_text(line("a", 1, "P") + line("b", 2, "P") + line("c", 3) + line("d", 4))
    text = await text_of(path, LogOptions(timestamps=True))

    assert text == "2026-01-02T03:04:01.000000001Z abc\n2026-01-02T03:04:04.000000001Z d\n"


async def test_a_line_that_is_still_being_written_is_not_shown(tmp_path: Path) -> None:
    """Nor is what is no line of a log."""
    path = tmp_path / "0.log"
    path.write_text("rubbish\n" + line("whole") + line("begun")[:-3])

    assert await text_of(path, LogOptions()) == "whole\n"


async def test_a_log_that_never_was_is_empty(tmp_path: Path) -> None:
    """A container that did not run has said nothing."""
    assert await text_of(tmp_path / "none.log", LogOptions(follow=True)) == ""


@given(
    texts=st.lists(st.text("ab ", max_size=5), max_size=20),
    tail=st.integers(0, 25),
    is_finished=st.booleans(),
)
def test_a_tail_is_as_many_lines_as_were_asked_for(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], tail: int, is_finished: bool
) -> None:
    """Whatever the lines are, and whether the last one is finished or not."""
    path = tmp_path_factory.mktemp("logs") / "0.log"
    begun = "" if is_finished else "2026"
    path.write_text("".join(line(text) for text in texts) + begun)
    got = asyncio.run(text_of(path, LogOptions(tail_lines=tail)))
    wanted = tail if is_finished else max(tail - 1, 0)

    assert got == "".join(f"{text}\n" for text in texts[max(len(texts) - wanted, 0) :])


def rotate(path: Path, text: str) -> None:
    """Another file takes the name."""
    path.rename(path.with_suffix(".old"))
    path.write_text(text)


def cut(path: Path, text: str) -> None:
    """The same file begins anew."""
    path.write_text(text)


class Reader:
    """Somebody who follows a log."""

    def __init__(self, path: Path, options: LogOptions | None = None) -> None:
        self.is_running = True
        options = options or LogOptions(follow=True)
        file = LogFile(path, options, lambda: self.is_running)
        self._pieces: AsyncIterator[bytes] = file.read()

    async def hear(self, wanted: str) -> None:
        """Wait until so much has been said, and nothing else."""
        heard = ""
        async with asyncio.timeout(10):
            while len(heard) < len(wanted):
                heard += (await anext(self._pieces)).decode()

        assert heard == wanted

    async def end(self) -> str:
        """The container ends; what was still to be heard."""
        self.is_running = False
        return b"".join([piece async for piece in self._pieces]).decode()


async def test_a_follower_hears_what_is_said_until_the_container_ends(log: Path) -> None:
    """The last words are not lost."""
    reader = Reader(log, LogOptions(follow=True, tail_lines=1))
    await reader.hear("line 4\n")
    with log.open("a") as file:
        file.write(line("more"))
    await reader.hear("more\n")
    with log.open("a") as file:
        file.write(line("last words"))

    assert await reader.end() == "last words\n"


async def test_a_follower_goes_on_in_the_file_that_took_the_place(log: Path) -> None:
    """Rotation: another file has the name."""
    reader = Reader(log, LogOptions(follow=True, tail_lines=1))
    await reader.hear("line 4\n")
    with log.open("a") as file:
        file.write(line("before"))
    rotate(log, line("after"))
    await reader.hear("before\nafter\n")

    assert await reader.end() == ""


async def test_a_follower_begins_anew_in_a_file_that_was_cut_short(log: Path) -> None:
    """As some programs rotate."""
    reader = Reader(log, LogOptions(follow=True, tail_lines=1))
    await reader.hear("line 4\n")
    cut(log, line("anew"))
    await reader.hear("anew\n")

    assert await reader.end() == ""


async def test_a_follower_waits_for_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    """The container has just been started."""
    path = tmp_path / "0.log"
    reader = Reader(path)
    async with asyncio.TaskGroup() as tasks:
        hearing = tasks.create_task(reader.hear("hello\n"))
        await asyncio.sleep(0)
        assert not hearing.done()
        path.write_text(line("hello"))


@pytest.mark.parametrize(
    ("query", "options"),
    [
        pytest.param({}, LogOptions(), id="nothing said"),
        pytest.param(
            {"follow": "true", "tailLines": "5", "timestamps": "true", "previous": "false"},
            LogOptions(follow=True, tail_lines=5, timestamps=True),
            id="as kubectl says it",
        ),
        pytest.param({"limitBytes": "7"}, LogOptions(limit_bytes=7), id="a limit"),
        pytest.param({"sinceSeconds": "60"}, LogOptions(since=40 * SECOND), id="seconds"),
        pytest.param(
            {"sinceTime": "2026-01-02T04:04:05.000000001+01:00"},
            LogOptions(since=BEGAN),
            id="a time",
        ),
    ],
)
def test_options_in_a_query(query: dict[str, str], options: LogOptions) -> None:
    """At second 100 of the epoch."""
    assert LogOptions.parse(query, 100.0) == options


@pytest.mark.parametrize(
    ("query", "status"),
    [
        pytest.param({"tailLines": "-1"}, 422, id="a negative tail"),
        pytest.param({"limitBytes": "0"}, 422, id="no bytes"),
        pytest.param({"sinceSeconds": "0"}, 422, id="no seconds"),
        pytest.param(
            {"sinceSeconds": "1", "sinceTime": "2026-01-02T03:04:05Z"}, 422, id="two beginnings"
        ),
        pytest.param({"tailLines": "few"}, 400, id="no number"),
        pytest.param({"sinceTime": "yesterday"}, 400, id="no time"),
    ],
)
def test_options_that_make_no_sense(query: dict[str, str], status: int) -> None:
    """The kubelet's own status codes."""
    with pytest.raises(BadOptions) as raised:
        LogOptions.parse(query, 0.0)

    assert raised.value.status == status


@given(st.binary())
def test_no_line_breaks_the_reader(raw: bytes) -> None:
    """Whatever is in the file."""
    found = parse(raw)

    assert found is None or found.stamp


WEB = {"name": "x", "uid": "u"}
LAST = {"terminated": {"containerID": "towline://u-web-0"}}


def status(state: object, last: object = None) -> dict[str, object]:
    """A pod's status with one container."""
    return {
        "containerStatuses": [
            {
                "name": "web",
                "state": state,
                "lastState": last or {},
                "containerID": "towline://u-web-1",
            }
        ]
    }


@pytest.mark.parametrize(
    ("held", "previous", "attempt"),
    [
        pytest.param(status({"running": {}}), False, 1, id="what runs"),
        pytest.param(status({"running": {}}, LAST), True, 0, id="what ran before"),
        pytest.param(
            status({"terminated": {"containerID": "towline://u-web-1"}}),
            False,
            1,
            id="what ran last",
        ),
        pytest.param(
            status({"waiting": {"reason": "CrashLoopBackOff"}}, LAST), False, 0, id="in back-off"
        ),
    ],
)
def test_which_run_is_shown(held: dict[str, object], previous: bool, attempt: int) -> None:
    """The newest that has run, or the one before."""
    assert choose(held, WEB, "web", previous=previous) == ContainerId("u", "web", attempt)


@pytest.mark.parametrize(
    ("held", "previous", "text"),
    [
        pytest.param(
            status({"waiting": {"reason": "ImagePullBackOff"}}),
            False,
            'container "web" in pod "x" is waiting to start: trying and failing to pull image',
            id="in pull back-off",
        ),
        pytest.param(
            status({"waiting": {"reason": "ErrImagePull"}}),
            False,
            'container "web" in pod "x" is waiting to start: image can\'t be pulled',
            id="pull failed",
        ),
        pytest.param(
            status({"waiting": {"reason": "ContainerCreating"}}),
            False,
            'container "web" in pod "x" is waiting to start: ContainerCreating',
            id="being made",
        ),
        pytest.param(
            status({"running": {}}),
            True,
            'previous terminated container "web" in pod "x" not found',
            id="no run before",
        ),
        pytest.param({}, False, 'container "web" in pod "x" is not available', id="not known"),
    ],
)
def test_what_is_said_when_there_is_no_log(
    held: dict[str, object], previous: bool, text: str
) -> None:
    """The kubelet's words."""
    with pytest.raises(NoLog) as raised:
        choose(held, WEB, "web", previous=previous)

    assert str(raised.value) == text
