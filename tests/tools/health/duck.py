"""DuckDB by its C library, the one that the plugins use: what it sees does not go by way of the program."""

import ctypes
import re
import subprocess


class Duck:
    """A database in memory. ask() gives the rows as texts."""

    class Result(ctypes.Structure):
        _fields_ = [("columns", ctypes.c_uint64), ("rows", ctypes.c_uint64), ("changed", ctypes.c_uint64),
                    ("cells", ctypes.c_void_p), ("error", ctypes.c_char_p), ("inside", ctypes.c_void_p)]

    def __init__(self, plugins):
        linked = subprocess.run(["ldd", f"{plugins}/delta_local.so"], capture_output=True, text=True, check=True).stdout
        self.lib = ctypes.CDLL(re.search(r"libduckdb\.so => (\S+)", linked).group(1))
        self.lib.duckdb_value_varchar.restype = ctypes.c_void_p
        self.lib.duckdb_result_error.restype = ctypes.c_char_p
        self.lib.duckdb_column_count.restype = self.lib.duckdb_row_count.restype = ctypes.c_uint64
        self.database, self.connection = ctypes.c_void_p(), ctypes.c_void_p()
        assert self.lib.duckdb_open(None, ctypes.byref(self.database)) == 0
        assert self.lib.duckdb_connect(self.database, ctypes.byref(self.connection)) == 0

    def ask(self, sql):
        result = self.Result()
        failed = self.lib.duckdb_query(self.connection, sql.encode(), ctypes.byref(result))
        if failed:
            raise AssertionError(self.lib.duckdb_result_error(ctypes.byref(result)).decode())
        rows = [[self.cell(result, column, row) for column in range(self.lib.duckdb_column_count(ctypes.byref(result)))]
                for row in range(self.lib.duckdb_row_count(ctypes.byref(result)))]
        self.lib.duckdb_destroy_result(ctypes.byref(result))
        return rows

    def cell(self, result, column, row):
        text = self.lib.duckdb_value_varchar(ctypes.byref(result), ctypes.c_uint64(column), ctypes.c_uint64(row))
        value = ctypes.string_at(text).decode() if text else None
        self.lib.duckdb_free(ctypes.c_void_p(text))
        return value
