"""A certificate authority for one run, and what it signs. The keys live in the run's private directory."""
import ipaddress
import os
import ssl
import subprocess


class Authority:
    def __init__(self, folder):
        self.folder = folder
        self.ca = os.path.join(folder, "ca.pem")
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                  "-subj", "/CN=Emulated Workspace CA", "-days", "30", "-keyout", self._path("ca.key"), "-out", self.ca,
                  "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        # The authority alone may be read by everyone.
        os.chmod(self.ca, 0o644)

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _run(self, *words):
        done = subprocess.run(["openssl", *words], capture_output=True, text=True, umask=0o077, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {words[0]}: {done.stderr.strip()}")

    def sign(self, name, hosts, expired=False):
        """Makes NAME.key and NAME.pem for the hosts (names and addresses)."""
        sans = ",".join(f"IP:{host}" if is_address(host) else f"DNS:{host}" for host in hosts)
        key, request, cert, extensions = (self._path(f"{name}.{end}") for end in ("key", "csr", "pem", "cnf"))
        with open(extensions, "w", encoding="ascii") as file:
            file.write(f"basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName={sans}\n")
        self._run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                  "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        # A negative life ends before it begins: expired.
        self._run("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._path("ca.key"), "-CAcreateserial",
                  "-days", "-1" if expired else "30", "-extfile", extensions, "-out", cert)
        return self.context(name)

    def context(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._path(f"{name}.pem"), self._path(f"{name}.key"))
        return context


def is_address(host):
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
