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


def write_chunks(
    folder: Path, header: Header, kept: list[Checksum], blocks: Iterable[PatternSet]
) -> Header:
    """Compare the kept chunks with the list, write the others, return the header."""
    form.write_checksums(folder, kept)
    running = hashlib.sha256()
    k = 0
    for k, block in enumerate(blocks, 1):
        found = digest(block.packed)
        if k <= len(kept):
            line = kept[k - 1]
            if line.sha256 != found:
                raise InputError(
                    f"chunk {line.chunk} of {folder} (file {line.name}) differs from "
                    "what the matrix gives now: it was altered, or written by another "
                    "version. Remove the store and write it again."
                )
        else:
            data = encode_chunk(block.packed, header)
            line = Checksum(found, len(data), k - 1)
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
