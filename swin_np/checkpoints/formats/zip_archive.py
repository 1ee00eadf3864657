"""Zip archives, the container of .pth and .npz: the directory read with every offset checked, nothing inflated yet."""

import struct
import zlib
from dataclasses import dataclass, replace
from itertools import pairwise

from swin_np.errors import CheckpointError

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"         # signatures; the next two are Zip64's
END_64, LOCATOR_64 = b"PK\x06\x06", b"PK\x06\x07"
STORED, DEFLATED = 0, 8
LONGEST_COMMENT = 2**16 - 1


def damaged() -> CheckpointError:
    return CheckpointError("its zip directory is damaged: get the file again")


@dataclass(frozen=True)
class Entry:
    """One file of the archive: its bytes as they stand there, and what the directory says of them."""

    raw: memoryview
    method: int
    size: int                                          # bytes after inflating
    checksum: int | None                               # None: the archive was written without

    def content(self, allow_deflated: bool) -> memoryview:
        """The entry's bytes, a view of the archive if stored; CheckpointError if they do not fit size and checksum."""
        content = self.raw
        if self.method == DEFLATED and allow_deflated:
            inflater = zlib.decompressobj(-zlib.MAX_WBITS)
            try:
                content = memoryview(inflater.decompress(self.raw, self.size + 1))    # one more shows a lie
            except zlib.error:
                raise CheckpointError("its compressed bytes are damaged: get the file again") from None
        elif self.method != STORED:
            raise CheckpointError(f"it holds an entry with the zip method {self.method}: write the file again, "
                                  "without compression")
        if len(content) != self.size or self.checksum not in (None, zlib.crc32(content)):
            raise CheckpointError("it holds an entry that does not fit its checksum: get the file again")
        return content


def unpack(form: str, buffer: memoryview, position: int) -> tuple:
    """struct.unpack_from for a position that the file itself gave."""
    if not 0 <= position <= len(buffer) - struct.calcsize(form):
        raise damaged()
    return struct.unpack_from(form, buffer, position)


def central_directory(buffer: memoryview) -> tuple[int, int]:
    """Where the directory starts, and its number of entries."""
    tail = bytes(buffer[-(22 + LONGEST_COMMENT):])
    end = tail.rfind(END)
    if end < 0:
        raise CheckpointError("it is a zip archive (as PyTorch and NumPy write) without its end: "
                              "it was cut off, get it again")
    end += len(buffer) - len(tail)
    count, _, start, comment = unpack("<HIIH", buffer, end + 10)
    if end + 22 + comment != len(buffer):
        raise damaged()
    if unpack("<4s", buffer, max(end - 20, 0))[0] == LOCATOR_64:
        (end_64,) = unpack("<Q", buffer, end - 12)
        signature, count, _, start = unpack("<4s28xQQQ", buffer, end_64)
        if signature != END_64:
            raise damaged()
    return start, count


def long_sizes(sizes: list[int], extra: memoryview) -> list[int]:
    """The sizes, where 0xFFFFFFFF means that Zip64's extra field (number 1) has the true one, in this order."""
    position = 0
    while position + 4 <= len(extra):
        number, length = unpack("<HH", extra, position)
        position += 4
        if number == 1:
            for i, size in enumerate(sizes):
                if size == 0xFFFFFFFF:
                    (sizes[i],) = unpack("<Q", extra, position)
                    position += 8
            break
        position += length
    return sizes


def read_directory(buffer: memoryview) -> dict[str, Entry]:
    """Every entry of the archive by its name, in the directory's order.

    PyTorch can be told to write no checksums; then all of them are 0.
    CheckpointError for entries that overlap, reach out of the file, share a name or are encrypted.
    """
    directory, count = central_directory(buffer)
    position, entries, regions = directory, {}, []
    for _ in range(count):
        (signature, flags, method, checksum, stored, size, name_length, extra_length, comment_length,
         local) = unpack("<4s4xHH4xIIIHHH8xI", buffer, position)
        name_end = position + 46 + name_length
        extra = buffer[name_end:name_end + extra_length]
        if signature != CENTRAL:
            raise damaged()
        if flags & 1:
            raise CheckpointError("it is an encrypted zip archive: decrypt it first")
        size, stored, local = long_sizes([size, stored, local], extra)
        raw_name = bytes(buffer[position + 46:name_end])
        position = name_end + extra_length + comment_length

        signature, local_name_length, local_extra_length = unpack("<4s22xHH", buffer, local)
        start = local + 30 + local_name_length + local_extra_length
        if signature != LOCAL or start + stored > directory:
            raise damaged()
        if bytes(buffer[local + 30:local + 30 + local_name_length]) != raw_name:
            raise CheckpointError("its zip directory names an entry otherwise than the entry itself: "
                                  "the file was tampered with, get it again")
        try:
            name = raw_name.decode()
        except UnicodeDecodeError:
            raise damaged() from None
        if name in entries:
            raise CheckpointError(f"it holds {name[:200]!r} twice: the file was tampered with, get it again")
        entries[name] = Entry(buffer[start:start + stored], method, size, checksum)
        regions.append((local, start + stored))
    regions.sort()
    if any(end > start for (_, end), (start, _) in pairwise(regions)):
        raise CheckpointError("its zip entries overlap: the file was tampered with, get it again")
    if not any(entry.checksum for entry in entries.values()):
        return {name: replace(entry, checksum=None) for name, entry in entries.items()}
    return entries
