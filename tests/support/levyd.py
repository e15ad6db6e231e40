"""levyd under test: a data directory of its own, a free port, start, kill, restart, the admin API.

    with Levyd(build="build/release") as levyd:
        levyd.import_subscribers([{"account": "a", "imsi": "001010000000001", "plan": "data-a",
                                   "wallet": "0.75"}])
        ... connect a gateway to 127.0.0.1:levyd.port ...
        levyd.kill()                       # SIGKILL, as a power cut of the process
        levyd.start()                      # the same directory, the same port
        levyd.subscriber("imsi:001010000000001")["buckets"]
    # left normally: SIGTERM, and the exit code must be 0

`options` is merged into the configuration below, e.g. {"data": {"durability": "relaxed"}}; the keys
are those of config/keys.md. `plans` is a directory or a file of plans; the default is
tests/support/plans. Everything stays inside one temporary directory, which is removed at the end
unless the test failed; then its path is printed.
"""
import http.client
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
READY_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60


class LevydError(Exception):
    """levyd did not do what it is to do; the message carries the end of its log."""


def find_program(build, name):
    """The executable `name` in a build directory."""
    for folder, _, names in os.walk(build):
        path = os.path.join(folder, name)
        if name in names and os.access(path, os.X_OK):
            return path
    raise LevydError(f"no program {name} under {build}: build it first (tools/dev build)")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def merge(base, extra):
    """`extra` over `base`, mapping by mapping."""
    merged = dict(base)
    for key, value in extra.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


class UnixConnection(http.client.HTTPConnection):
    """HTTP over the admin socket."""

    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Levyd:
    def __init__(self, build, plans=None, options=None, start=True):
        self.build = build
        self.program = find_program(build, "levyd")
        self.directory = tempfile.mkdtemp(prefix="levyd-")
        self.port = free_port()
        self.socket = os.path.join(self.directory, "levyd.sock")
        self.log_path = os.path.join(self.directory, "levyd.log")
        self.config_path = os.path.join(self.directory, "levyd.yaml")
        self.process = None
        self.open_files = None  # (soft, hard) RLIMIT_NOFILE of the next start; None: as ours
        plans = plans or os.path.join(HERE, "plans")
        self.configure(merge(self.defaults(os.path.abspath(plans)), options or {}))
        if start:
            self.start()

    def defaults(self, plans):
        return {
            "node": {"name": "test"},
            "diameter": {
                "origin_host": "levy.test", "origin_realm": "test", "accept_unknown": True,
                "realms_served": "any",
                "listeners": [{"address": "127.0.0.1", "port": self.port}]},
            "data": {"directory": "data", "shards": 4, "segment_size": "1 MiB"},
            "plans": plans,
            "capacity": {"accounts_max": 2000, "identities_max": 4000, "buckets_max": 6000,
                         "sessions_max": 2000, "groups_max": 4000, "tombstones_max": 4000},
            "placement": {"mode": "one_core", "idle": "sleep"},
            "admin": {"socket": "levyd.sock", "http": {"enabled": False}},
        }

    def configure(self, options):
        """Writes the configuration; JSON is YAML. Takes effect at the next start."""
        self.options = options
        with open(self.config_path, "w", encoding="utf-8") as file:
            json.dump(options, file, indent=2)
            file.write("\n")

    # -- life -----------------------------------------------------------------------------------
    def start(self):
        """Starts it on its directory and waits until it serves."""
        assert self.process is None, "it runs already"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([self.program, "--config", self.config_path],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=self.open_files and self._limit)
        self._wait_ready()

    def _limit(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, self.open_files)

    def _wait_ready(self):
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            code = self.process.poll()
            if code is not None:
                self.process = None
                raise LevydError(f"levyd ended at its start with code {code}:\n{self.log_end()}")
            try:
                if self._request("GET", "/readyz", None, {})[0] == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.02)
        self.kill()
        raise LevydError(f"levyd is not ready after {READY_TIMEOUT_S} s:\n{self.log_end()}")

    def _end(self, number):
        process, self.process = self.process, None
        process.send_signal(number)
        try:
            return process.wait(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise LevydError(f"levyd ignored signal {number}:\n{self.log_end()}") from None

    def stop(self):
        """SIGTERM; it must end with code 0."""
        code = self._end(signal.SIGTERM)
        if code != 0:
            raise LevydError(f"levyd ended with code {code} on SIGTERM:\n{self.log_end()}")

    def kill(self):
        """SIGKILL."""
        self._end(signal.SIGKILL)

    def restart(self):
        self.stop()
        self.start()

    def running(self):
        return self.process is not None and self.process.poll() is None

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process is not None:
            if kind is None:
                self.stop()
            else:
                self.kill()
        if kind is None:
            shutil.rmtree(self.directory)
        else:
            print(f"levyd's directory is kept: {self.directory}\n{self.log_end()}",
                  file=sys.stderr)

    def log_end(self, lines=40):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-lines:])

    # -- the admin API --------------------------------------------------------------------------
    def _request(self, method, path, body, headers, timeout=30):
        connection = UnixConnection(self.socket, timeout)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def api(self, method, path, body=None):
        """One call; the answer's JSON. A refusal raises LevydError with what levyd says."""
        octets = None if body is None else json.dumps(body).encode()
        status, text = self._request(method, path, octets, {"Content-Type": "application/json"})
        if status >= 300:
            raise LevydError(f"{method} {path}: {status} {text}")
        return json.loads(text) if text.strip() else {}

    def import_subscribers(self, rows):
        """Rows as of config/examples/subscribers.ndjson; each must be taken."""
        octets = "".join(json.dumps(row) + "\n" for row in rows).encode()
        status, text = self._request("POST", "/v1/import?format=ndjson&on_error=stop", octets,
                                     {"Content-Type": "application/x-ndjson"}, timeout=300)
        if status >= 300:
            raise LevydError(f"import: {status} {text}")
        return json.loads(text)

    def subscriber(self, identity):
        return self.api("GET", "/v1/subscribers/" + urllib.parse.quote(identity, safe=":"))

    def wallet(self, identity, currency="EUR"):
        """The main wallet's bucket: texts of free, reserved, credits, spent ..."""
        for bucket in self.subscriber(identity)["buckets"]:
            if bucket["kind"] == "wallet" and bucket["currency"] == currency:
                return bucket
        raise LevydError(f"{identity} has no wallet in {currency}")

    def sessions(self, identity):
        path = "/v1/subscribers/" + urllib.parse.quote(identity, safe=":") + "/sessions"
        return self.api("GET", path)["sessions"]

    def metrics(self):
        return self._request("GET", "/metrics", None, {})[1]

    def ctl(self, *arguments):
        """levyctl with these arguments; its standard output. It must succeed."""
        run = subprocess.run([find_program(self.build, "levyctl"), "--socket", self.socket,
                              *arguments], capture_output=True, text=True, check=False, timeout=300)
        if run.returncode != 0:
            raise LevydError(f"levyctl {' '.join(arguments)}: code {run.returncode}\n"
                             f"{run.stdout}{run.stderr}")
        return run.stdout
