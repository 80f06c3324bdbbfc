"""What the processes of a rope must know of one another's work, in memory that outlives each of them.

It is a memfd_create(2) that all of them map: what one has stored there is seen by the others even if
it is killed in the next instant. Only the worker writes, but for the mark that the rope is untied.

    head       how it stands, why it broke, how often a worker began
    layers     how much of each is there
    slots      the questions of readers that were read and not answered yet
    spans      one byte for each span of each layer: 1 when its bytes are in the file, verified

A slot's first bytes are written by the kernel itself when a worker reads a question into it (see
`towline.linux.fanotify`), so no question is ever with a process that could take it to its grave.
The worker adds which layer it is about, which only the descriptor of the question tells.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

SLOTS = 256
"""Questions that are read at once; more wait in the kernel."""
MOST_LAYERS = 160
_EVENT = 48  # bytes that the kernel writes
_STATE, _UNTIED, _STARTS, _STEPS, _LAYERS, _REASON = 0, 4, 8, 16, 24, 32
_MOST_REASON = 1024
_TABLE = 4096
_ROW = struct.Struct("@QQII")  # have, want, first span, spans
_SLOTS_BEGIN = 8192
_SLOT = 64
_SPANS_BEGIN = _SLOTS_BEGIN + SLOTS * _SLOT
_WORD = struct.Struct("@I")  # native, so that each is stored at once, whoever is killed
_LONG = struct.Struct("@Q")


class State(IntEnum):
    """How a rope stands."""

    FILLING = 0
    WHOLE = 1
    BROKEN = 2


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a layer will have when it is whole."""

    packed: int
    """Bytes of it as it is at the registry."""
    spans: int


@dataclass(frozen=True, slots=True)
class Noted:
    """A question that was read and not answered."""

    slot: int
    event: bytes
    layer: int | None
    """None when the process that read it ended before it had looked which file it is about."""


class Journal:
    """The memory that a rope's processes share."""

    def __init__(self, descriptor: int) -> None:
        """One that is there."""
        self.descriptor = descriptor
        self._memory = memoryview(mmap.mmap(descriptor, os.fstat(descriptor).st_size))

    @classmethod
    def make(cls, layers: Sequence[Wanted]) -> Journal:
        """A new one, of which nothing is there yet."""
        if len(layers) > MOST_LAYERS:
            raise ValueError(f"a rope of {len(layers)} layers")
        fd = os.memfd_create("towline-journal", os.MFD_CLOEXEC)
        os.ftruncate(fd, _SPANS_BEGIN + sum(layer.spans for layer in layers))
        journal, first = cls(fd), 0
        for number, layer in enumerate(layers):
            _ROW.pack_into(
                journal._memory, journal._row(number), 0, layer.packed, first, layer.spans
            )
            first += layer.spans
        _WORD.pack_into(journal._memory, _LAYERS, len(layers))
        return journal

    @property
    def state(self) -> State:
        """How the rope stands."""
        return State(self._word(_STATE))

    @property
    def reason(self) -> str:
        """Why it is broken."""
        length = self._word(_REASON)
        begin = _REASON + _WORD.size
        return bytes(self._memory[begin : begin + length]).decode(errors="replace")

    @property
    def untied(self) -> bool:
        """Whether nobody wants it any more."""
        return bool(self._word(_UNTIED))

    def untie(self) -> None:
        """Nobody wants it any more: who is started now goes at once."""
        _WORD.pack_into(self._memory, _UNTIED, 1)

    def finish(self) -> None:
        """All is there, and verified."""
        _WORD.pack_into(self._memory, _STATE, State.WHOLE)

    def break_off(self, reason: str) -> None:
        """It will never be whole; the first reason stays."""
        if self.state is not State.FILLING:
            return
        text = reason.encode()[:_MOST_REASON]
        begin = _REASON + _WORD.size
        self._memory[begin : begin + len(text)] = text
        _WORD.pack_into(self._memory, _REASON, len(text))
        _WORD.pack_into(self._memory, _STATE, State.BROKEN)

    @property
    def layers(self) -> int:
        """How many there are."""
        return self._word(_LAYERS)

    @property
    def starts(self) -> int:
        """How often a worker came so far as to ask what readers want."""
        return self._word(_STARTS)

    def begin(self) -> None:
        """A worker came so far."""
        _WORD.pack_into(self._memory, _STARTS, self.starts + 1)

    @property
    def steps(self) -> int:
        """Questions answered and spans put: it grows while the rope lives."""
        return int(_LONG.unpack_from(self._memory, _STEPS)[0])

    def _step(self) -> None:
        _LONG.pack_into(self._memory, _STEPS, self.steps + 1)

    def place(self, slot: int) -> memoryview:
        """Where the kernel writes a question; see `towline.linux.fanotify.PreContent.read_into`."""
        begin = _SLOTS_BEGIN + slot * _SLOT
        return self._memory[begin : begin + _EVENT]

    def note_layer(self, slot: int, layer: int) -> None:
        """Add which layer a question is about."""
        _WORD.pack_into(self._memory, _SLOTS_BEGIN + slot * _SLOT + _EVENT, layer + 1)

    def clear(self, slot: int) -> None:
        """It is answered. Its descriptor may be closed now, and not before."""
        begin = _SLOTS_BEGIN + slot * _SLOT
        _WORD.pack_into(self._memory, begin + _EVENT, 0)
        _WORD.pack_into(self._memory, begin, 0)  # the event's length: it makes the slot free
        self._step()

    def noted(self) -> Iterator[Noted]:
        """The questions that wait for an answer."""
        for slot in range(SLOTS):
            begin = _SLOTS_BEGIN + slot * _SLOT
            if self._word(begin):
                layer = self._word(begin + _EVENT)
                yield Noted(slot, bytes(self.place(slot)), layer - 1 if layer else None)

    def has(self, layer: int, span: int) -> bool:
        """Whether a span is there."""
        return bool(self._memory[self._span(layer, span)])

    def put(self, layer: int, span: int, packed: int) -> None:
        """A span is there, for which so many bytes had to be fetched."""
        place, row = self._span(layer, span), self._row(layer)
        if not self._memory[place]:
            _LONG.pack_into(self._memory, row, self._have(layer) + packed)
            self._memory[place] = 1
            self._step()

    def recount(self, layer: int, have: int) -> None:
        """So many packed bytes are there, as the spans say."""
        _LONG.pack_into(self._memory, self._row(layer), have)

    def filled(self) -> tuple[tuple[int, int], ...]:
        """Of each layer: how many packed bytes are there, of how many."""
        rows = (_ROW.unpack_from(self._memory, self._row(n)) for n in range(self.layers))
        return tuple((min(have, want), want) for have, want, _, _ in rows)

    def _have(self, layer: int) -> int:
        return int(_LONG.unpack_from(self._memory, self._row(layer))[0])

    def _row(self, layer: int) -> int:
        return _TABLE + layer * _ROW.size

    def _span(self, layer: int, span: int) -> int:
        _, _, first, count = _ROW.unpack_from(self._memory, self._row(layer))
        if not 0 <= span < count:
            raise IndexError(f"layer {layer} has no span {span}")
        return int(_SPANS_BEGIN + first + span)

    def _word(self, place: int) -> int:
        return int(_WORD.unpack_from(self._memory, place)[0])
