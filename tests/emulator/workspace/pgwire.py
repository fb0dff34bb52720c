"""As much of Postgres's protocol as the front needs, and a client for the emulator's own statements."""
import socket
import struct

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST, PROTOCOL_3 = 80877103, 80877104, 80877102, 196608
MAX_MESSAGE = 1 << 20


class ProtocolError(Exception):
    """The other side does not speak the protocol, or is gone."""


class ServerError(Exception):
    def __init__(self, fields):
        super().__init__(fields.get("M", "unknown"))
        self.sqlstate = fields.get("C", "")


def read_exactly(sock, size):
    data = bytearray()
    while len(data) < size:
        part = sock.recv(size - len(data))
        if not part:
            raise ProtocolError("the connection was closed")
        data += part
    return bytes(data)


def read_packet(sock):
    """A packet without a type: length and content, as at the start of a session."""
    size = struct.unpack("!I", read_exactly(sock, 4))[0]
    if not 8 <= size <= 10000:
        raise ProtocolError(f"a start packet of {size} bytes")
    return read_exactly(sock, size - 4)


def read_message(sock):
    head = read_exactly(sock, 5)
    size = struct.unpack("!I", head[1:])[0]
    if not 4 <= size <= MAX_MESSAGE:
        raise ProtocolError(f"a message of {size} bytes")
    return head[:1], read_exactly(sock, size - 4)


def message(kind, content=b""):
    return kind + struct.pack("!I", len(content) + 4) + content


def packet(content):
    return struct.pack("!I", len(content) + 4) + content


def startup_fields(content):
    """The parameters of a start packet, after its version."""
    parts = content[4:].split(b"\0")
    names = [part.decode("utf-8", "replace") for part in parts]
    return {names[i]: names[i + 1] for i in range(0, len(names) - 1, 2) if names[i]}


def startup(user, database, **more):
    fields = {"user": user, "database": database, **more}
    body = b"".join(name.encode() + b"\0" + value.encode() + b"\0" for name, value in fields.items())
    return packet(struct.pack("!I", PROTOCOL_3) + body + b"\0")


def fatal(sqlstate, text):
    fields = {"S": "FATAL", "V": "FATAL", "C": sqlstate, "M": text}
    return message(b"E", b"".join(k.encode() + v.encode() + b"\0" for k, v in fields.items()) + b"\0")


def error_fields(content):
    return {part[:1].decode(): part[1:].decode("utf-8", "replace") for part in content.split(b"\0") if part}


def ident(name):
    """An identifier, quoted."""
    if "\0" in name:
        raise ValueError("an identifier cannot hold a zero byte")
    return '"' + name.replace('"', '""') + '"'


def literal(text):
    """A string, quoted, whatever standard_conforming_strings says."""
    if "\0" in text:
        raise ValueError("a string cannot hold a zero byte")
    return " E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


class Client:
    """A session on a private socket, where the server trusts whoever can reach it."""

    def __init__(self, path, database="postgres", user="postgres", timeout=60):
        self.sock = socket.socket(socket.AF_UNIX)
        try:
            self.sock.settimeout(timeout)
            self.sock.connect(path)
            self.sock.sendall(startup(user, database, application_name="emulator"))
            self._until_ready()
        except BaseException:
            self.sock.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.sock.sendall(message(b"X"))
        except OSError:
            pass
        self.sock.close()

    def _until_ready(self):
        rows, failed = [], None
        while True:
            kind, content = read_message(self.sock)
            if kind == b"D":
                rows.append(row_of(content))
            elif kind == b"E":
                failed = ServerError(error_fields(content))
                if error_fields(content).get("S") in ("FATAL", "PANIC"):
                    raise failed
            elif kind == b"Z":
                if failed:
                    raise failed
                return rows

    def query(self, sql):
        """Runs one statement, or several; answers rows of text."""
        self.sock.sendall(message(b"Q", sql.encode() + b"\0"))
        return self._until_ready()


def row_of(content):
    at, row = 2, []
    for _ in range(struct.unpack("!H", content[:2])[0]):
        size = struct.unpack("!i", content[at:at + 4])[0]
        at += 4
        row.append(None if size < 0 else content[at:at + size].decode("utf-8", "replace"))
        at += max(size, 0)
    return row
