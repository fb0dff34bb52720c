"""The HTTP side: requests, routes, faults on the way, and answers written in one piece."""
import http.server
import json
import os
import re
import socket
import socketserver
import ssl
import struct
import urllib.parse
import uuid

from .errors import ApiError, PlainError

MAX_BODY = 256 * 1024 * 1024
IDLE_S = 120


class Request:
    def __init__(self, method, target, headers, body, peer):
        parts = urllib.parse.urlsplit(target)
        self.method, self.raw_path = method, parts.path
        self.path = urllib.parse.unquote(parts.path)
        self.query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        self.headers, self.body, self.peer = headers, body, peer
        self.request_id = str(uuid.uuid4())
        self.principal = None

    def json(self):
        """The body as an object; an empty one is {}."""
        if not self.body.strip():
            return {}
        try:
            value = json.loads(self.body)
        except ValueError:
            raise ApiError(400, "MALFORMED_REQUEST", "Could not parse request object: invalid JSON") from None
        if not isinstance(value, dict):
            raise ApiError(400, "MALFORMED_REQUEST", "Could not parse request object: expected an object")
        return value

    def form(self):
        return dict(urllib.parse.parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def flag(self, name):
        value = self.query.get(name, "false")
        if value not in ("true", "false"):
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"{name} must be true or false, got '{value}'")
        return value == "true"

    def number(self, name, default, low, high):
        text = self.query.get(name)
        if text in (None, ""):
            return default
        if not re.fullmatch(r"-?\d{1,9}", text) or not low <= int(text) <= high:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"{name} must be between {low} and {high}, got '{text}'")
        return int(text)


class Response:
    def __init__(self, status=200, body=b"", headers=None, content_type="application/json"):
        if not isinstance(body, (bytes, bytearray)):
            body = json.dumps(body).encode()
        self.status, self.body = status, bytes(body)
        self.headers = {"Content-Type": content_type, **(headers or {})}
        self.length = None  # what HEAD says without sending it


class Router:
    """Routes in order of registration; `guard` runs before the handler."""

    def __init__(self):
        self.routes = []

    def add(self, methods, pattern, handler, guard=None):
        for method in methods.split():
            self.routes.append((method, re.compile(pattern), handler, guard))

    def find(self, request):
        for method, pattern, handler, guard in self.routes:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                return handler, guard, match.groupdict()
        return None, None, None


def hard_close(sock):
    """Ends the connection with a reset instead of a farewell."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The files made from a socket keep its descriptor open past close(), and a TLS socket would say goodbye.
        os.close(sock.detach())
    except (OSError, ValueError):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_S
    disable_nagle_algorithm = True

    def log_message(self, *_):
        """The workspace keeps a log of its own."""

    def _body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunked()
        text = self.headers.get("Content-Length", "0")
        if not text.isdigit() or int(text) > MAX_BODY:
            raise ApiError(400, "BAD_REQUEST", "Content-Length is not usable")
        return self.rfile.read(int(text))

    def _chunked(self):
        parts, total = [], 0
        while True:
            size = int(self.rfile.readline(64).split(b";")[0].strip() or b"0", 16)
            total += size
            if total > MAX_BODY:
                raise ApiError(400, "BAD_REQUEST", "the body is too large")
            if size == 0:
                while self.rfile.readline(8192).strip():
                    pass
                return b"".join(parts)
            parts.append(self.rfile.read(size))
            self.rfile.readline(8)

    def _serve(self):
        workspace = self.server.workspace
        try:
            body = self._body()
        except (ApiError, ValueError):
            self.close_connection = True
            self._write(Response(400, {"error_code": "MALFORMED_REQUEST", "message": "the body is not readable"}))
            return
        request = Request(self.command, self.path, self.headers, body, self.client_address)
        fault = workspace.faults.take_http(request)
        entry = workspace.requests.begin(request, fault)
        if fault and fault.before(self):
            workspace.requests.end(entry, None)
            return
        response = answer(workspace, request)
        if fault:
            response = fault.change(response)
        # Logged before it is sent: whoever has the answer finds it in the log.
        workspace.requests.end(entry, response, request.principal)
        if fault and fault.after(self, response):
            return
        self._write(response)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve

    def head_of(self, response):
        """Status line and headers, as bytes."""
        lines = [f"HTTP/1.1 {response.status} {self.responses.get(response.status, ('Unknown',))[0]}"]
        length = response.length if response.length is not None else len(response.body)
        headers = {"Content-Length": str(length), "Server": "databricks", **response.headers}
        if self.close_connection:
            headers["Connection"] = "close"
        lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def _write(self, response):
        body = b"" if self.command == "HEAD" else response.body
        try:
            self.wfile.write(self.head_of(response) + body)
        except OSError:
            self.close_connection = True

    def cut(self):
        """Drops the connection without a farewell."""
        self.close_connection = True
        hard_close(self.connection)


def answer(workspace, request):
    """Routes, guards and turns what is raised into an answer."""
    headers = {"x-request-id": request.request_id}
    try:
        handler, guard, names = workspace.router.find(request)
        if handler is None:
            # Who is not known does not learn what exists.
            workspace.auth.require(request)
            raise ApiError(404, "ENDPOINT_NOT_FOUND", f"No API found for '{request.method} {request.path}'")
        if guard:
            guard(request)
        result = handler(request, **names)
    except ApiError as error:
        return Response(error.status, error.body(request.request_id), {**headers, **error.headers})
    except PlainError as error:
        return Response(error.status, error.body, {**headers, **error.headers})
    except Exception as error:  # a defect of the emulator must be seen, and not end the server
        workspace.note(f"{request.method} {request.path}: {type(error).__name__}: {error}", error)
        failed = ApiError(500, "INTERNAL_ERROR", f"emulator: {type(error).__name__}: {error}")
        return Response(500, failed.body(request.request_id), headers)
    response = result if isinstance(result, Response) else Response(200, {} if result is None else result)
    response.headers.update(headers)
    return response


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Threads, because handlers wait: for processes, for clocks, for a test that asked for it."""
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, workspace, host, port, context):
        self.workspace, self.context = workspace, context
        super().__init__((host, port), Handler)

    def finish_request(self, request, client_address):
        # The handshake belongs to the connection's thread: a client that stalls must not hold up the others.
        if self.context:
            request.settimeout(IDLE_S)
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except (OSError, ssl.SSLError):
                return
        try:
            self.RequestHandlerClass(request, client_address, self)
        except OSError:
            pass
        finally:
            try:
                request.close()
            except OSError:
                pass

    def handle_error(self, request, client_address):
        """Connections that end badly are everyday here."""
