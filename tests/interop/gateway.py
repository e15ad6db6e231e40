"""The freeDiameter gateway (gateway.cpp) as a Python object, driven through a pipe.

The directory tests/support must be in sys.path, for levyd.py.
"""
import queue
import subprocess
import threading

from levyd import LevydError, find_program

ANSWER_TIMEOUT_S = 30  # of the gateway, for each answer: a machine that others load may stall
LINE_TIMEOUT_S = 2 * ANSWER_TIMEOUT_S


class Gateway:
    """Plays lines of gateway.cpp's script; a failed expectation raises LevydError."""

    def __init__(self, build, port, *arguments, show=True):  # port 0: Levy connects to --listen
        self.show = show  # print the gateway's account as it comes
        self.process = subprocess.Popen(
            [find_program(build, "gateway"), "--port", str(port), "--timeout",
             str(ANSWER_TIMEOUT_S), *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.marks = 0

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def play(self, script):
        """Plays the lines and returns the gateway's account of them."""
        self.marks += 1
        mark = f"@{self.marks}"
        self.process.stdin.write(script.strip() + f"\necho {mark}\n")
        account = []
        while True:
            line = self.lines.get(timeout=LINE_TIMEOUT_S)
            if line is None:
                raise LevydError(f"the gateway ended with code {self.process.wait()}")
            if line == mark:
                break
            if self.show:
                print(line, flush=True)
            account.append(line)
        failed = [line for line in account if line.startswith("line ")]
        if failed:
            raise LevydError("the gateway expected something else:\n" + "\n".join(failed))
        return account

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.stdin.close()
        try:
            code = self.process.wait(timeout=LINE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise LevydError("the gateway did not end") from None
        if kind is None and code != 0:
            raise LevydError(f"the gateway ended with code {code}")
