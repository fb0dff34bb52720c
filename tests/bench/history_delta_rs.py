"""delta-rs on the outbox files that the history takes: the same rows, the same codec, as many commits.

usage: history_delta_rs.py OUTBOX_FOLDER TABLE_FOLDER COLUMNS ROWS_A_COMMIT

COLUMNS is a list like name:type,... as `lbops` knows the table. Prints the milliseconds of each commit, its parsing
included; imports are not counted.
"""
import os
import sys
import time

import pyarrow as pa
import pyarrow.compute as compute
import pyarrow.json as json
from deltalake import WriterProperties, write_deltalake

TYPES = {"text": pa.string(), "json": pa.string(), "integer": pa.int64(), "double": pa.float64(), "boolean": pa.bool_(),
         "timestamp": pa.timestamp("us", tz="UTC")}


def batches(folder, rows_a_commit):
    """File contents without their headers, together as long as they make one commit."""
    content, rows = [], 0
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            header, body = file.read().split(b"\n", 1)
        content.append(body)
        rows += int(header.rsplit(b":", 1)[1].rstrip(b"}"))
        if rows >= rows_a_commit:
            yield b"".join(content)
            content, rows = [], 0
    if content:
        yield b"".join(content)


def main():
    folder, table, columns, rows_a_commit = sys.argv[1:]
    schema = pa.schema([(name, TYPES[kind]) for name, kind in (column.split(":") for column in columns.split(","))])
    options = json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    read = json.ReadOptions(block_size=16 << 20)
    properties = WriterProperties(compression="ZSTD")
    source = batches(folder, int(rows_a_commit))
    while True:
        started = time.perf_counter()
        content = next(source, None)
        if content is None:
            return
        rows = json.read_json(pa.BufferReader(content), read, options)
        rows = rows.append_column("date", compute.cast(rows["snapshot_timestamp"], pa.date32()))
        write_deltalake(table, rows, mode="append", partition_by=["date"], writer_properties=properties)
        print(f"{(time.perf_counter() - started) * 1000:.3f}", flush=True)


main()
