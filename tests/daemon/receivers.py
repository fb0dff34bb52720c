"""Receivers of alerts as a test needs them: over HTTP and SMTP, on loopback, which go away and come back."""

import contextlib
import email
import email.policy
import http.server
import json
import socketserver
import threading


class Receiver:
    """A server on a port of its own that stays its own while it is down. taken: what arrived and was answered well."""

    def __init__(self):
        self.taken, self.seen, self.script = [], [], []
        self.server = None
        self.port = 0
        self.up()

    def make(self, port):
        raise NotImplementedError

    def up(self):
        self.server = self.make(self.port)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def down(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        self.server = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.down()


class Web(Receiver):
    """Answers each POST with the next of script, a status or (status, headers, text), and 200 after its end."""

    def make(self, port):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                said = receiver.script.pop(0) if receiver.script else 200
                status, headers, text = said if isinstance(said, tuple) else (said, {}, "ok")
                note = {"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()},
                        "text": body.decode(), "json": json.loads(body)}
                receiver.seen.append(note)
                if status < 300:
                    receiver.taken.append(note)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        http.server.ThreadingHTTPServer.allow_reuse_address = True
        return http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"


class Mail(Receiver):
    """A mail server without TLS. script: answers to the end of the next mails."""

    def make(self, port):
        receiver = self

        class Handler(socketserver.StreamRequestHandler):
            def say(self, text):
                self.wfile.write(text.encode() + b"\r\n")

            def take_mail(self, sender, to):
                self.say("354 go on")
                lines = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line[1:] if line.startswith(b"..") else line)
                answer = receiver.script.pop(0) if receiver.script else "250 taken"
                mail = {"from": sender, "to": to, "raw": b"".join(lines),
                        "mail": email.message_from_bytes(b"".join(lines), policy=email.policy.default)}
                receiver.seen.append(mail)
                if answer.startswith("250"):
                    receiver.taken.append(mail)
                self.say(answer)

            def handle(self):
                sender, to = None, []
                with contextlib.suppress(OSError):
                    self.say("220 here")
                    while line := self.rfile.readline().decode().strip():
                        word = line.split(":")[0].split()[0].upper()
                        if word == "QUIT":
                            self.say("221 bye")
                            return
                        if word == "DATA":
                            self.take_mail(sender, to)
                            continue
                        if word == "MAIL":
                            sender, to = line.split("<")[1].split(">")[0], []
                        elif word == "RCPT":
                            to.append(line.split("<")[1].split(">")[0])
                        self.say("250 fine")

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        server = socketserver.ThreadingTCPServer(("127.0.0.1", port), Handler)
        server.daemon_threads = True
        return server

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.port}"
