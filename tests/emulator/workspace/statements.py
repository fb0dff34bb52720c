"""The SQL Statement Execution API: states, waiting, chunks, cancel; an engine behind it does the work."""
import contextlib
import csv
import io
import json
import re
import secrets
import threading
import time
import uuid

from .clock import stamp
from .engine import SqlError, type_name
from .errors import ApiError, bad_request, invalid, not_found, required
from .http import Response

BASE = "/api/2.0/sql/statements"
TEXT_LIMIT, INLINE_LIMIT, LINK_S, TAGS, PARAMETERS = 16 << 20, 25 << 20, 900, 20, 256
FIELDS = {"warehouse_id", "statement", "catalog", "schema", "parameters", "wait_timeout", "on_wait_timeout", "disposition", "format",
          "row_limit", "byte_limit", "query_tags"}


class Statement:
    def __init__(self, body, principal, now):
        self.ident, self.body, self.principal, self.created = f"01ef-{uuid.uuid4()}", body, principal, now
        self.state, self.error = "PENDING", None
        self.columns, self.chunks, self.truncated, self.finished = [], [], False, None
        self.change, self.canceled = threading.Condition(), threading.Event()
        self.interrupt = None  # the engine's way to stop it
        self.rows = 0
        self.links = {}

    def enter(self, state):
        with self.change:
            self.state = state
            self.change.notify_all()

    @property
    def over(self):
        return self.state not in ("PENDING", "RUNNING")

    def wait(self, seconds):
        with self.change:
            self.change.wait_for(lambda: self.over, seconds)


def cut_times(columns, rows):
    """Points in time as JSON shows them that keeps milliseconds."""
    times = {i for i, (_, kind) in enumerate(columns) if type_name(kind) == "TIMESTAMP"}
    return [[re.sub(r"(\.\d{3})\d+", r"\1", cell) if i in times and cell else cell for i, cell in enumerate(row)] for row in rows]


class Statements:
    def __init__(self, workspace, engine):
        self.workspace, self.settings, self.engine = workspace, workspace.settings, engine
        self.lock, self.known = threading.Lock(), {}
        workspace.statements = self

    def routes(self, router, guard):
        router.add("POST", BASE, self.execute, guard)
        router.add("GET", f"{BASE}/(?P<ident>[^/]+)", self.get, guard)
        router.add("GET", f"{BASE}/(?P<ident>[^/]+)/result/chunks/(?P<index>\\d+)", self.chunk, guard)
        router.add("POST", f"{BASE}/(?P<ident>[^/]+)/cancel", self.cancel, guard)
        # A link is its own credential.
        router.add("GET", r"/external-links/(?P<ident>[^/]+)/(?P<index>\d+)/(?P<key>[^/]+)", self.download)

    # ---- requests

    def execute(self, request):
        body = request.json()
        wait, cancel = self._check(body)
        warehouse = self.workspace.warehouses.get(body["warehouse_id"])
        if not warehouse:
            raise invalid(f"{body['warehouse_id']} is not a valid endpoint id.")
        statement = Statement(body, request.principal, self.workspace.clock.now())
        with self.lock:
            self.known[statement.ident] = statement
        threading.Thread(target=self._run, args=(statement,), daemon=True).start()
        if wait == 0:
            # How far it has come by now is for the next look.
            return {"statement_id": statement.ident, "status": {"state": "PENDING"}}
        statement.wait(wait)
        if not statement.over and cancel:
            self._cancel(statement)
            statement.wait(5)
        return self.render(statement)

    def read(self, text, principal):
        """Rows for a service of the workspace itself."""
        return self.ask(text, principal)[1]

    def ask(self, text, principal):
        """The same with the names and types of their columns."""
        return self.engine.execute(Statement({"statement": text}, principal, self.workspace.clock.now()))

    def _check(self, body):
        for name in body:
            if name not in FIELDS:
                raise invalid(f"Unknown field: {name}")
        for name in ("warehouse_id", "statement"):
            if not body.get(name) or not isinstance(body[name], str):
                raise required(name)
        if len(body["statement"].encode()) > TEXT_LIMIT:
            raise invalid("The statement is longer than 16 MiB")
        text = body.get("wait_timeout", "10s")
        match = re.fullmatch(r"(\d+)s", str(text))
        if not match or not (int(match.group(1)) == 0 or 5 <= int(match.group(1)) <= 50):
            raise invalid(f"wait_timeout must be 0s or between 5s and 50s, got '{text}'")
        if body.get("on_wait_timeout", "CONTINUE") not in ("CONTINUE", "CANCEL"):
            raise invalid("on_wait_timeout must be CONTINUE or CANCEL")
        self._check_format(body)
        if len(body.get("query_tags", ())) > TAGS:
            raise invalid(f"at most {TAGS} query tags")
        given = len(body.get("parameters", ()))
        if given > PARAMETERS:
            raise bad_request(f"Parameterized query has too many parameters: {given} parameters were given but the limit is "
                              f"{PARAMETERS}.")
        for parameter in body.get("parameters", ()):
            if not isinstance(parameter, dict) or not parameter.get("name") \
                    or not isinstance(parameter.get("value"), (str, type(None))):
                raise invalid("a parameter needs a name, and a value that is a string or absent")
            if re.match(r"(ARRAY|MAP|STRUCT)\b", str(parameter.get("type", "STRING")), re.I):
                raise invalid(f"parameters of type {parameter['type']} are not supported")
        return int(match.group(1)), body.get("on_wait_timeout") == "CANCEL"

    def _check_format(self, body):
        where, form = body.get("disposition", "INLINE"), body.get("format", "JSON_ARRAY")
        if where not in ("INLINE", "EXTERNAL_LINKS") or form not in ("JSON_ARRAY", "ARROW_STREAM", "CSV"):
            raise invalid("disposition or format is not known")
        if where == "INLINE" and form != "JSON_ARRAY":
            raise invalid("INLINE results are JSON_ARRAY")
        if form == "ARROW_STREAM":
            raise ApiError(501, "NOT_IMPLEMENTED", "the emulator has no Arrow streams; ask for JSON_ARRAY or CSV")

    def find(self, ident):
        with self.lock:
            found = self.known.get(ident)
            age = self.workspace.clock.now() - found.finished if found and found.finished else 0
            if found and age >= 12 * self.settings.statement_keep_s:
                found = self.known.pop(ident) and None
        if not found:
            raise ApiError(404, "NOT_FOUND", f"The statement {ident} was not found.")
        if found.state == "SUCCEEDED" and age >= self.settings.statement_keep_s:
            found.chunks = []
            found.enter("CLOSED")
        return found

    def get(self, _request, ident):
        return self.render(self.find(ident))

    def cancel(self, _request, ident):
        self._cancel(self.find(ident))

    def _cancel(self, statement):
        """Best effort: a statement that is through stays through."""
        statement.canceled.set()
        threading.Thread(target=self._interrupt, args=(statement,), daemon=True).start()

    @staticmethod
    def _interrupt(statement):
        """Until it is over: an engine that has only just been told to begin takes no notice of the first one."""
        while not statement.over:
            interrupt = statement.interrupt
            with contextlib.suppress(Exception):  # it may have ended in this moment
                if interrupt:
                    interrupt()
            time.sleep(0.05)

    # ---- the run

    def _run(self, statement):
        try:
            self._until_warehouse(statement)
            statement.enter("RUNNING")
            if statement.canceled.wait(self.settings.statement_s):
                raise SqlError("HY008", "CANCELLED", "canceled")
            columns, rows = self.engine.execute(statement)
            if statement.canceled.is_set() and statement.interrupt is None:
                raise SqlError("HY008", "CANCELLED", "canceled")
            self._keep(statement, columns, rows if self.settings.exact_times else cut_times(columns, rows))
            state = "SUCCEEDED"
        except SqlError as error:
            state = "CANCELED" if statement.canceled.is_set() else "FAILED"
            statement.error = error
        except ApiError as error:
            state, statement.error = "FAILED", SqlError("42000", "BAD_REQUEST", f"[{error.code}] {error.message}")
        except Exception as error:  # a defect of an engine is that statement's failure, and seen
            self.workspace.note(f"statement {statement.ident}", error)
            state, statement.error = "FAILED", SqlError("XX000", "INTERNAL_ERROR", f"emulator: {type(error).__name__}: {error}")
        statement.finished = self.workspace.clock.now()
        statement.enter(state)

    def _until_warehouse(self, statement):
        """A stopped warehouse is started by the statement, which stays pending meanwhile."""
        ident = statement.body["warehouse_id"]
        while self.workspace.identity.wake(ident).state != "RUNNING":
            if statement.canceled.wait(0.02):
                raise SqlError("HY008", "CANCELLED", "canceled")

    def _keep(self, statement, columns, rows):
        body = statement.body
        limit = body.get("row_limit")
        if limit is not None and len(rows) > limit:
            rows, statement.truncated = rows[:limit], True
        if body.get("disposition", "INLINE") == "INLINE":
            size = sum(len(value) + 3 if value is not None else 5 for row in rows for value in row)
            if size > INLINE_LIMIT:
                raise SqlError("54000", "RESOURCE_EXHAUSTED", "Inline byte limit exceeded. Statements executed with disposition=INLINE "
                               f"can have a result size of at most {INLINE_LIMIT} bytes.")
        size = max(1, self.settings.chunk_rows)
        statement.columns, statement.rows = columns, len(rows)
        statement.chunks = [rows[i:i + size] for i in range(0, len(rows), size)] or [[]]

    # ---- answers

    def render(self, statement):
        status = {"state": statement.state}
        if statement.state == "FAILED":
            status.update(sql_state=statement.error.sqlstate,
                          error={"error_code": statement.error.code, "message": statement.error.message})
        answer = {"statement_id": statement.ident, "status": status}
        if statement.state in ("SUCCEEDED", "CLOSED"):
            answer["manifest"] = self._manifest(statement)
        if statement.state == "SUCCEEDED":
            answer["result"] = self._result(statement, 0)
        return answer

    def _offset(self, statement, index):
        return sum(len(chunk) for chunk in statement.chunks[:index])

    def _manifest(self, statement):
        columns = []
        for position, (name, text) in enumerate(statement.columns):
            column = {"name": name, "position": position, "type_name": type_name(text), "type_text": text}
            scale = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", text)
            if scale:
                column.update(type_precision=int(scale.group(1)), type_scale=int(scale.group(2)))
            columns.append(column)
        chunks = [{"chunk_index": i, "row_offset": self._offset(statement, i), "row_count": len(chunk)}
                  for i, chunk in enumerate(statement.chunks) if chunk]
        return {"format": statement.body.get("format", "JSON_ARRAY"), "truncated": statement.truncated,
                "schema": {"column_count": len(columns), "columns": columns}, "total_chunk_count": len(chunks), "chunks": chunks,
                "total_row_count": statement.rows}

    def _result(self, statement, index):
        chunk = statement.chunks[index]
        part = {"chunk_index": index, "row_offset": self._offset(statement, index), "row_count": len(chunk)}
        following = {}
        if index + 1 < len(statement.chunks):
            link = f"{BASE}/{statement.ident}/result/chunks/{index + 1}"
            following = {"next_chunk_index": index + 1, "next_chunk_internal_link": link}
        if statement.body.get("disposition", "INLINE") == "INLINE":
            return {**part, **following, **({"data_array": chunk} if chunk or index else {})}
        if not chunk:
            return {}
        return {"external_links": [{**part, **following, **self._link(statement, index, chunk)}]}

    def _link(self, statement, index, chunk):
        key, expires = secrets.token_urlsafe(24), self.workspace.clock.now() + LINK_S
        statement.links[key] = (index, expires)
        return {"external_link": f"{self.workspace.url}/external-links/{statement.ident}/{index}/{key}", "expiration": stamp(expires),
                "byte_count": len(self._bytes(statement, chunk)), "http_headers": {"x-emulator-link": statement.ident}}

    def _bytes(self, statement, chunk):
        if statement.body.get("format") == "CSV":
            text = io.StringIO()
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow([name for name, _ in statement.columns])
            writer.writerows(chunk)
            return text.getvalue().encode()
        return json.dumps(chunk).encode()

    def chunk(self, _request, ident, index):
        statement = self.find(ident)
        if statement.state != "SUCCEEDED":
            raise bad_request(f"the statement has no result: it is {statement.state}")
        if int(index) >= len(statement.chunks):
            raise invalid(f"chunk {index} is out of range")
        return self._result(statement, int(index))

    def download(self, request, ident, index, key):
        """Without the workspace's credentials, which must not travel to where results are stored."""
        statement = self.known.get(ident)
        known = statement.links.get(key) if statement else None
        if not known or known[0] != int(index):
            raise not_found("link")
        if request.headers.get("Authorization"):
            raise ApiError(400, "BAD_REQUEST", "only one way to authenticate is allowed: leave the Authorization header out")
        if request.headers.get("x-emulator-link") != ident or self.workspace.clock.now() >= known[1]:
            raise ApiError(403, "PERMISSION_DENIED", "the link has expired, or its headers are missing")
        kind = "text/csv" if statement.body.get("format") == "CSV" else "application/json"
        return Response(200, self._bytes(statement, statement.chunks[int(index)]), {}, kind)

    def stop(self):
        for statement in list(self.known.values()):
            if not statement.over:
                self._cancel(statement)
        self.engine.stop()
