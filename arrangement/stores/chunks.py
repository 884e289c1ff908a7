"""The chunks of one array: write them in order, or compare those that are there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from arrangement.errors import InputError
from arrangement.model import PatternSet
from arrangement.stores import format as form
from arrangement.stores.arrays import digest, encode_chunk, open_array, read_chunk
from arrangement.stores.format import Checksum, Header


def intact_chunks(folder: Path, stored: Header) -> list[Checksum]:
    """Return the checksums of the leading chunks that are whole, read and compared."""
    kept: list[Checksum] = []
    array = open_array(folder)
    for checksum in form.read_checksums(folder)[: stored.chunks]:
        try:
            read_chunk(folder, array, checksum)
        except InputError:
            break
        kept.append(checksum)
    return kept


def write_all(folder: Path, header: Header, blocks: Iterable[PatternSet]) -> Header:
    """Write a list where nobody reads before all is there, return the header.

    All but the header is forced to the disk.
    """
    lines = []
    for k, block in enumerate(blocks):
        line, data = _encoded(block, k, header)
        if data:
            form.write_file(folder / line.name, data)
        lines.append(line)
        header = replace(header, count=header.count + len(block), chunks=k + 1)
    form.write_checksums(folder, lines)
    return replace(header, checksums_sha256=form.digest_lines(lines))


def _encoded(block: PatternSet, chunk: int, header: Header) -> tuple[Checksum, bytes]:
    data = encode_chunk(block.packed, header)
    return Checksum(digest(block.packed), len(data), chunk), data


def write_chunks(
    folder: Path, header: Header, kept: list[Checksum], blocks: Iterable[PatternSet]
) -> Header:
    """Compare the kept chunks with the list, write the others, return the header.

    After each the header says what is there, so that it can be gone on with.
    """
    form.write_checksums(folder, kept)
    running = hashlib.sha256()
    k = 0
    for k, block in enumerate(blocks, 1):
        if k <= len(kept):
            line = kept[k - 1]
            if line.sha256 != digest(block.packed):
                raise InputError(
                    f"chunk {line.chunk} of {folder} (file {line.name}) differs from "
                    "what the matrix gives now: it was altered, or written by another "
                    "version. Remove the store and write it again."
                )
        else:
            line, data = _encoded(block, k - 1, header)
            if data:
                form.replace_file(folder / line.name, data)
            form.append_checksum(folder, line)
        running.update(str(line).encode())
        header = replace(
            header,
            count=header.count + len(block),
            chunks=k,
            checksums_sha256=running.hexdigest(),
        )
        if k > len(kept):
            form.write_header(folder, header)
    if k < len(kept):
        raise InputError(
            f"chunk {k} of {folder} is one too many: the matrix gives {k} chunks. "
            "Remove the store and write it again."
        )
    return header
