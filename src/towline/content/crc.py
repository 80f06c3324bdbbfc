"""CRC-32C, which EROFS keeps of its superblock.

Of 512 bytes for each layer: a table and a loop are enough.
"""

from __future__ import annotations

_POLYNOMIAL = 0x82F63B78  # Castagnoli's, reflected


def _entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
    return value


_TABLE = tuple(map(_entry, range(256)))


def crc32c(data: bytes) -> int:
    """As the kernel and EROFS write it: begun with ones, and not inverted at the end."""
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value
