"""What an engine behind SQL statements must do, and what is the same for all of them.

Open engines lack COPY INTO. Here it gets its documented meaning: the files of a folder in a volume that this table has not
loaded yet are appended, and the paths of loaded files are remembered per table. A path counts, not its content: a file that
was changed since is skipped. Dropping or replacing a table forgets. `force` loads everything again.
"""
import fnmatch
import glob
import os
import re
import threading

TYPES = {"TINYINT": "BYTE", "SMALLINT": "SHORT", "INT": "INT", "INTEGER": "INT", "BIGINT": "LONG", "FLOAT": "FLOAT", "DOUBLE": "DOUBLE",
         "STRING": "STRING", "BOOLEAN": "BOOLEAN", "DATE": "DATE", "TIMESTAMP": "TIMESTAMP", "TIMESTAMP_NTZ": "TIMESTAMP", "BINARY": "BINARY",
         "VOID": "NULL"}
COUNTERS = [("num_affected_rows", "BIGINT"), ("num_inserted_rows", "BIGINT"), ("num_skipped_corrupt_files", "BIGINT")]
MAX_FILES = 1000


class SqlError(Exception):
    """A statement that fails: SQLSTATE, error code and message, as the platform shows them."""

    def __init__(self, sqlstate, code, message):
        super().__init__(message)
        self.sqlstate, self.code, self.message = sqlstate, code, message


def type_name(text):
    """The enumeration's name of a type's text."""
    head = re.match(r"[A-Z_]+", text).group()
    return TYPES.get(head, head if head in ("ARRAY", "MAP", "STRUCT", "DECIMAL", "INTERVAL", "CHAR") else "USER_DEFINED_TYPE")


def denied(what):
    return SqlError("42501", "BAD_REQUEST", f"[INSUFFICIENT_PERMISSIONS] Insufficient privileges: {what}. SQLSTATE: 42501")


class Engine:
    describes = False  # whether it answers DESCRIBE itself

    def __init__(self, workspace):
        self.workspace = workspace
        self.ledger, self.copying = {}, threading.Lock()

    # ---- an engine's own part

    def run(self, statement, text, parameters):
        """Answers columns (name, type's text) and rows of texts; sets statement.interrupt while it can be stopped."""
        raise NotImplementedError

    def load(self, table, source, files):
        """Appends the files (of ours) to a table, as `source`, a CopyInto, says. Answers the rows and the corrupt files."""
        raise NotImplementedError

    def identity(self, table):
        """What changes when a table is dropped or replaced; None when there is no such table."""
        raise NotImplementedError

    def tables(self, catalog, schema):
        """[{name, kind, id, comment, columns: [(name, type's text, type's name, nullable)]}]"""
        raise NotImplementedError

    def create_catalog(self, name):
        raise NotImplementedError

    def drop_catalog(self, name):
        raise NotImplementedError

    def create_schema(self, catalog, name):
        raise NotImplementedError

    def drop_schema(self, catalog, name):
        raise NotImplementedError

    def drop_table(self, catalog, schema, name, is_view):
        raise NotImplementedError

    def stop(self):
        """Ends what was started."""

    # ---- what is the same for all

    def execute(self, statement):
        from . import sqlown, sqltext
        body = statement.body
        parameters = {one["name"]: one for one in body.get("parameters", ())}
        text = sqltext.with_identifiers(body["statement"], parameters)
        if not sqltext.tokens(text):
            raise sqltext.syntax_error("end of input")
        copy = sqltext.copy_into(text)
        if copy:
            return self.copy(statement, copy)
        owned = sqlown.run(self.workspace, statement, text)
        if owned is not None:
            return owned
        if re.search(r"\bsystem`?\s*\.", text, re.I):
            self._allow_system(statement)
            self.refresh_system()
        return self.run(statement, text, parameters)

    def _allow_system(self, statement):
        if not self.workspace.catalogs.may(statement.principal, "schema", "system.billing", "SELECT"):
            raise denied("User does not have USE CATALOG on Catalog 'system'")

    def refresh_system(self):
        """Brings the system tables up to date; an engine that has them overrides this."""
        raise SqlError("42P01", "BAD_REQUEST", "[TABLE_OR_VIEW_NOT_FOUND] this engine has no system tables")

    def full(self, statement, parts):
        """A table's three names, with what the request says where the text says less."""
        body = statement.body
        names = [body.get("catalog") or "main", body.get("schema") or "default", ""]
        if len(parts) > 3:
            raise SqlError("42601", "BAD_REQUEST", f"[PARSE_SYNTAX_ERROR] too many parts in {'.'.join(parts)}")
        return [*names[:3 - len(parts)], *parts]

    def copy(self, statement, source):
        table = [part.lower() for part in self.full(statement, source.table)]
        self._allow_copy(statement, table, source)
        with self.copying:
            identity = self.identity(table)
            if identity is None:
                raise SqlError("42P01", "BAD_REQUEST", "[TABLE_OR_VIEW_NOT_FOUND] The table or view "
                               f"`{'`.`'.join(table)}` cannot be found. SQLSTATE: 42P01")
            found = self._files(source)
            loaded = self.ledger.setdefault(identity, set())
            force = source.copy_options.get("force", "false").lower() == "true"
            fresh = {path: local for path, local in found.items() if force or path not in loaded}
            rows, corrupt = self.load(table, source, list(fresh.values())) if fresh else (0, [])
            loaded.update(path for path, local in fresh.items() if local not in corrupt)
        return COUNTERS, [[str(rows), str(rows), str(len(corrupt))]]

    def _allow_copy(self, statement, table, source):
        catalogs, who = self.workspace.catalogs, statement.principal
        volume = ".".join(source.path.strip("/").split("/")[1:4])
        if not catalogs.may(who, "volume", volume, "READ_VOLUME"):
            raise denied(f"User does not have READ VOLUME on Volume '{volume}'")
        for privilege in ("MODIFY", "SELECT"):
            if not catalogs.may(who, "table", ".".join(table), privilege):
                raise denied(f"User does not have {privilege} on Table '{'.'.join(table)}'")

    def _files(self, source):
        """Paths of the workspace to paths of ours, for all that the source means."""
        base = source.path.rstrip("/")
        local = self.workspace.volumes.local(base)
        if source.files is not None:
            if len(source.files) > MAX_FILES:
                raise SqlError("54000", "BAD_REQUEST", f"FILES has at most {MAX_FILES} names")
            found = {f"{base}/{name}": os.path.join(local, name) for name in source.files}
            for path, place in found.items():
                if ".." in path.split("/") or not os.path.isfile(place):
                    raise SqlError("42K03", "BAD_REQUEST", f"[PATH_NOT_FOUND] Path does not exist: {path}. SQLSTATE: 42K03")
            return found
        names = [local] if os.path.isfile(local) else sorted(
            glob.glob(os.path.join(local, "*")) if os.path.isdir(local) else glob.glob(local))
        root = self.workspace.volumes.root
        found = {"/Volumes" + name[len(root):]: name for name in names if os.path.isfile(name)
                 and not os.path.basename(name).startswith((".", "_"))
                 and (not source.pattern or fnmatch.fnmatch(os.path.basename(name), source.pattern))}
        if not found:
            raise SqlError("42KD9", "BAD_REQUEST", "[COPY_INTO_SOURCE_SCHEMA_INFERENCE_FAILED] The source directory did not contain any "
                           f"parsable files of type {source.format}. Please check the contents of '{source.path}'. SQLSTATE: 42KD9")
        return found

    def bad_columns(self, extra):
        return SqlError("42KDG", "BAD_REQUEST", "[COPY_INTO_SCHEMA_MISMATCH_WITH_TARGET_TABLE] A schema mismatch was detected while copying "
                        f"into the Delta table: {', '.join(extra)} is not there; set mergeSchema to add it. SQLSTATE: 42KDG")
