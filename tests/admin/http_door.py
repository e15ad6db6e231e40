"""The HTTP door over TCP: a levyd with tokens and certificates, and what calls it."""
import contextlib
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile

from levyd import find_program, free_port, merge
from operator_world import Answer, World


def make_token(build, name, *options):
    """(token, line of the token file) as `levyctl token` prints them."""
    out = subprocess.run([find_program(build, "levyctl"), "--json", "token", name, *options],
                         capture_output=True, check=True, timeout=60).stdout
    made = json.loads(out)
    return made["token"], made["line"]


def write_private(path, text, mode=0o600):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


class Certificates:
    """A CA made by openssl in `folder`, and certificates of it."""

    def __init__(self, folder, name="ca"):
        self.folder = folder
        self.ca = self._path(name + ".pem")
        self.ca_key = self._path(name + ".key")
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                      "-nodes", "-keyout", self.ca_key, "-out", self.ca, "-days", "2", "-subj",
                      f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE")

    def _path(self, name):
        return os.path.join(self.folder, name)

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)

    def issue(self, file, subject, days="2", server=False):
        """(certificate, key) paths. `days` below zero: it has expired."""
        key, request, cert = (self._path(f"{file}.{end}") for end in ("key", "csr", "pem"))
        extensions = self._path(file + ".ext")
        write_private(extensions, "subjectAltName=IP:127.0.0.1,DNS:localhost\n" if server else
                      "extendedKeyUsage=clientAuth\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-keyout", key, "-out", request, "-subj", subject)
        self._openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.ca_key,
                      "-CAcreateserial", "-out", cert, "-days", days, "-extfile", extensions)
        return cert, key


class HttpWorld(World):
    """A World whose levyd also serves TCP. Tokens: `ada` writes, `bob` reads."""

    def __init__(self, build, http=None, tokens=True, plans=None):
        self.folder = tempfile.mkdtemp(prefix="levy-http-")
        self.http_port = free_port()
        self.token_file = os.path.join(self.folder, "tokens")
        self.ada, ada_line = make_token(build, "ada")
        self.bob, bob_line = make_token(build, "bob", "--read")
        write_private(self.token_file, f"# callers\n{ada_line}\n{bob_line}\n")
        door = {"enabled": True, "port": self.http_port,
                **({"token_file": self.token_file, "writes": True} if tokens else {})}
        super().__init__(build, {"admin": {"http": merge(door, http or {})}}, plans)

    def __exit__(self, *error):
        super().__exit__(*error)
        shutil.rmtree(self.folder)

    def over_tcp(self, method, path, body=None, token=None, headers=None, context=None,
                 begun=None):
        """An answer over TCP; `context`: of TLS; `begun`: an Event for when its head is there."""
        kind = http.client.HTTPSConnection if context else http.client.HTTPConnection
        connection = kind("127.0.0.1", self.http_port, timeout=60,
                          **({"context": context} if context else {}))
        octets = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        with contextlib.closing(connection):
            fields = dict(headers or {})
            if token is not None:
                fields["Authorization"] = "Bearer " + token
            connection.request(method, path, octets, fields)
            answer = connection.getresponse()
            if begun is not None:
                begun.set()
            given = Answer(answer.status, answer.read().decode())
            given.headers = answer.headers
            given.type = (answer.headers.get("Content-Type") or "").split(";")[0]
            return given

    def raw(self, octets, seconds=20):
        """What comes back on a connection that sends these bytes and then no more."""
        with socket.create_connection(("127.0.0.1", self.http_port), timeout=seconds) as one:
            with contextlib.suppress(OSError):
                one.sendall(octets)
                one.shutdown(socket.SHUT_WR)
            parts = []
            with contextlib.suppress(OSError):
                while part := one.recv(65536):
                    parts.append(part)
            return b"".join(parts)

    def ctl_tcp(self, *arguments, scheme="http", given=None):
        """levyctl over TCP."""
        return self.program("levyctl", "--url", f"{scheme}://127.0.0.1:{self.http_port}",
                            *arguments, given=given)

    def refusals(self, reason):
        """The counter of refused requests."""
        name = f'levy_http_refused_total{{reason="{reason}"}}'
        line = next(line for line in self.levyd.metrics().splitlines() if line.startswith(name))
        return int(float(line.split()[1]))


def client_context(ca, cert=None):
    context = ssl.create_default_context(cafile=ca)
    if cert is not None:
        context.load_cert_chain(*cert)
    return context
