"""The door to the databases: TLS, the token as password, and the bytes of the session passed on.

An endpoint has an address of its own (127.x.y.z, port 5432), or a name that the client sends along in TLS. A token counts
at login only; a session that is open goes on.
"""
import random
import select
import socket
import ssl
import struct
import threading

from . import pgwire
from .certs import is_address
from .compute import ComputeError
from .computes import Refused
from .http import hard_close
from .pgwire import ProtocolError, fatal, message, packet, read_message, read_packet, startup_fields

LOGIN_S, CHUNK, CEILING = 60, 65536, 1 << 20
DOMAIN = "database.emulator.localhost"
BAD_PASSWORD = "28P01"


class Addresses:
    """A block of loopback addresses that nobody else uses."""
    SIZE = 1022

    def __init__(self, port):
        self.port, self.lock, self.next = port, threading.Lock(), 1
        for _ in range(200):
            self.base = f"127.{random.randint(2, 250)}.{random.randint(0, 63) * 4}"
            probe = socket.socket()
            try:
                probe.bind((self.address(0), port))
                self.guard = probe  # bound, never listening: it keeps the block ours
                return
            except OSError:
                probe.close()
        raise OSError(f"no loopback address is free on port {port}")

    def address(self, number):
        first, second, third = self.base.split(".")
        return f"{first}.{second}.{int(third) + number // 256}.{number % 256}"

    def all(self):
        return [self.address(number) for number in range(1, self.SIZE + 1)]

    def take(self):
        with self.lock:
            if self.next > self.SIZE:
                raise OSError("the block of addresses is used up")
            self.next += 1
            return self.address(self.next - 1)


class Front:
    def __init__(self, workspace, authority, by_name):
        self.workspace, self.by_name = workspace, by_name
        self.authority = authority
        self.addresses = None if by_name else Addresses(5432)
        hosts = [f"*.{DOMAIN}"] if by_name else self.addresses.all()
        self.context = self._prepared(authority.sign("postgres", hosts))
        self.spoiled, self.lock = {}, threading.Lock()
        self.names, self.listeners, self.open = {}, [], set()
        self.port = 5432
        if by_name:
            self.port = self._listen("127.0.0.1", 0, None)

    def _prepared(self, context):
        context.set_alpn_protocols(["postgresql"])
        context.sni_callback = self._named
        return context

    @staticmethod
    def _named(sock, name, _context):
        sock.server_name = name

    def _listen(self, host, port, target):
        listener = socket.create_server((host, port), backlog=128)
        self.listeners.append(listener)
        threading.Thread(target=self._accept, args=(listener, target), daemon=True).start()
        return listener.getsockname()[1]

    def publish(self, endpoint):
        """Gives an endpoint its hosts."""
        # The pooled host is a host of its own; it does not take OAuth tokens.
        kinds = [("host", False), ("read_write_pooled_host", True)] if endpoint.writes else \
                [("host", False), ("read_only_host", False), ("read_only_pooled_host", True)]
        for kind, pooled in kinds:
            if kind == "read_only_host":
                endpoint.hosts[kind] = endpoint.hosts["host"]
            elif self.by_name:
                endpoint.hosts[kind] = f"{endpoint.uid}{'-pooler' if pooled else ''}.{DOMAIN}"
                self.names[endpoint.hosts[kind]] = (endpoint, pooled)
            else:
                endpoint.hosts[kind] = self.addresses.take()
                self._listen(endpoint.hosts[kind], self.port, (endpoint, pooled))

    def withdraw(self, endpoint):
        for host in endpoint.hosts.values():
            self.names.pop(host, None)
            for listener in [one for one in self.listeners if is_address(host) and listens_on(one, host)]:
                close_listener(listener)
                self.listeners.remove(listener)

    def stop(self):
        for listener in self.listeners:
            close_listener(listener)
        for sock in list(self.open):
            hard_close(sock)

    def _accept(self, listener, target):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._session, args=(client, target), daemon=True).start()

    # ---- one session

    def _session(self, client, target):
        session = Session(self, client, target)
        try:
            session.run()
        except (OSError, ssl.SSLError, ProtocolError, ValueError, struct.error):
            pass
        except Exception as error:  # a defect must be seen
            self.workspace.note(f"front: {error}", error)
        finally:
            session.close()

    def context_for(self, fault):
        if not fault or fault.kind not in ("pg_wrong_host", "pg_expired_certificate"):
            return self.context
        with self.lock:
            if fault.kind not in self.spoiled:
                expired = fault.kind == "pg_expired_certificate"
                hosts = [f"*.{DOMAIN}", "127.0.0.1", *(self.addresses.all() if self.addresses else [])] if expired else \
                        ["somebody-else.example.com"]
                self.spoiled[fault.kind] = self._prepared(self.authority.sign(fault.kind, hosts, expired))
            return self.spoiled[fault.kind]

    def cancel(self, content):
        """A cancel request names a process and its key; the server that knows both acts."""
        for cluster in self.workspace.computes.host.running():
            try:
                with cluster.connect() as sock:
                    sock.sendall(packet(content))
                    sock.settimeout(5)
                    sock.recv(1)
            except OSError:
                continue


def listens_on(listener, host):
    try:
        return listener.getsockname()[0] == host
    except OSError:
        return False


def close_listener(listener):
    try:
        # Wakes the thread that waits in accept.
        listener.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    listener.close()


class Session:
    def __init__(self, front, client, target):
        self.front, self.client, self.target = front, client, target
        self.workspace = front.workspace
        self.endpoint, self.server, self.fault = None, None, None
        client.settimeout(LOGIN_S)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        front.open.add(client)

    def close(self):
        self.front.open.discard(self.client)
        for sock in (self.client, self.server):
            if sock:
                try:
                    sock.close()
                except OSError:
                    pass
        if self.endpoint:
            self.workspace.computes.leave(self.endpoint)

    def refuse(self, sqlstate, text):
        self.client.sendall(fatal(sqlstate, text))

    def run(self):
        if self.target:
            self._look_for_fault()
        start = self._until_start()
        if start is None:
            return
        if self.target is None or self.target[0].name is None:
            self.refuse("08004", "the endpoint of this host could not be found")
            return
        fields = startup_fields(start)
        if not isinstance(self.client, ssl.SSLSocket):
            self.refuse("28000", "connection is insecure (try using sslmode=require)")
        elif self.fault and self.fault.kind == "pg_starting":
            self.refuse("57P03", "the database system is starting up")
        else:
            self._log_in(start, fields)

    def _look_for_fault(self):
        self.fault = self.workspace.faults.take_postgres(self.target[0].name)
        if self.fault and self.fault.kind == "pg_refuse":
            hard_close(self.client)
            raise ProtocolError("refused on purpose")
        if self.fault and self.fault.kind == "pg_silent":
            self.client.settimeout(float(self.fault.rule.get("seconds", 600)))
            while self.client.recv(CHUNK):
                pass
            raise ProtocolError("silent on purpose")

    def _until_start(self):
        """The start packet, after TLS if the client wants it; None when this was no session."""
        if self.client.recv(1, socket.MSG_PEEK) == b"\x16":
            self._encrypt()
        while True:
            content = read_packet(self.client)
            code = struct.unpack("!I", content[:4])[0]
            if code == pgwire.CANCEL_REQUEST:
                self.front.cancel(content)
                return None
            if code == pgwire.SSL_REQUEST and not isinstance(self.client, ssl.SSLSocket):
                if self.fault and self.fault.kind == "pg_no_tls":
                    self.client.sendall(b"N")
                    continue
                self.client.sendall(b"S")
                self._encrypt()
            elif code == pgwire.GSS_REQUEST:
                self.client.sendall(b"N")
            elif code == pgwire.PROTOCOL_3:
                return content
            elif code >> 16 == 3:
                # A newer minor version: this side speaks 3.0, and says so.
                self.client.sendall(message(b"v", struct.pack("!II", 0, 0)))
                return struct.pack("!I", pgwire.PROTOCOL_3) + content[4:]
            else:
                self.refuse("08P01", "unsupported frontend protocol")
                return None

    def _encrypt(self):
        self.front.open.discard(self.client)
        self.client = self.front.context_for(self.fault).wrap_socket(self.client, server_side=True)
        self.front.open.add(self.client)
        if self.target is None:
            self.target = self.front.names.get(getattr(self.client, "server_name", None) or "")
            if self.target:
                self._look_for_fault()

    def _log_in(self, start, fields):
        endpoint, pooled = self.target
        user = fields.get("user", "")
        with self.workspace.lock:
            role = next((r for r in endpoint.parent.roles.values() if r.login == user), None)
            kind = role.auth if role else "LAKEBASE_OAUTH_V1"
        if kind == "LAKEBASE_OAUTH_V1":
            if pooled:
                self.refuse(BAD_PASSWORD, f"SASL authentication failed for user \"{user}\"")
                return
            self.client.sendall(message(b"R", struct.pack("!I", 3)))
            tag, content = read_message(self.client)
            token = content.rstrip(b"\0").decode("utf-8", "replace")
            if tag != b"p" or role is None or not self.workspace.auth.database_login(token, endpoint.parent.uid, user):
                self.refuse(BAD_PASSWORD, f"password authentication failed for user \"{user}\"")
                return
        elif kind == "NO_LOGIN":
            self.refuse("28000", f"role \"{user}\" is not permitted to log in")
            return
        try:
            cluster = self.workspace.computes.admit(endpoint)
        except Refused as refusal:
            self.refuse(refusal.sqlstate, str(refusal))
            return
        except ComputeError as error:
            self.workspace.note(f"{endpoint.name} does not wake: {error}")
            self.refuse("57P03", "the compute could not be started")
            return
        self.endpoint = endpoint
        self.server = cluster.connect()
        # A role with a password of its own proves it to the server itself; we only pass that on.
        self.server.sendall(packet(start))
        self.client.settimeout(None)
        self._relay()

    def _relay(self):
        budget = self.fault.rule.get("bytes", 1000) if self.fault and self.fault.kind == "pg_cut" else None
        for sock in (self.client, self.server):
            sock.setblocking(False)
        to_server, to_client, is_open = bytearray(), bytearray(), True
        passed = 0
        while is_open or to_client:
            if is_open and len(to_server) < CEILING:
                is_open = drain(self.client, to_server)
            if is_open and len(to_client) < CEILING:
                is_open = drain(self.server, to_client)
            if budget is not None and passed + len(to_client) >= budget:
                del to_client[max(0, budget - passed):]
                push(self.client, to_client)
                hard_close(self.client)
                return
            passed += push(self.client, to_client)
            push(self.server, to_server)
            if not is_open and not to_client:
                return
            self._wait(to_server, to_client)

    def _wait(self, to_server, to_client):
        if self.client.pending() and len(to_server) < CEILING:
            return
        poll = select.poll()
        for sock, incoming, outgoing in ((self.client, to_server, to_client), (self.server, to_client, to_server)):
            wanted = (select.POLLIN if len(incoming) < CEILING else 0) | (select.POLLOUT if outgoing else 0)
            poll.register(sock, wanted)
        poll.poll(60000)


def drain(sock, into):
    """Reads what is there; False at the end."""
    try:
        part = sock.recv(CHUNK)
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
        return True
    into += part
    return bool(part)


def push(sock, waiting):
    """Writes what goes; answers how much that was."""
    if not waiting:
        return 0
    try:
        size = sock.send(waiting)
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
        return 0
    del waiting[:size]
    return size
