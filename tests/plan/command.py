"""levyctl as a process, on plan files in a directory of the test's own."""
import json
import os
import subprocess
import textwrap

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
EXAMPLES = os.path.join("config", "examples", "plans")  # from ROOT, where levyctl runs


class Files:
    def __init__(self, build, directory):
        self.build = build
        self.levyctl = os.path.join(os.path.abspath(build), "tools", "levyctl", "levyctl")
        self.directory = directory

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(textwrap.dedent(text))
        return path

    def run(self, *arguments):
        """(exit code, standard output, standard error) of `levyctl plan ...`."""
        return self.levyctl_run("plan", *arguments)

    def levyctl_run(self, *arguments):
        """The same of `levyctl ...`."""
        done = subprocess.run([self.levyctl, *arguments], cwd=ROOT, text=True,
                              capture_output=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    def price(self, *arguments, code=0):
        """The JSON answer of `plan price`."""
        got, out, err = self.run("price", "--json", *arguments)
        assert got == code, (arguments, got, out, err)
        return json.loads(out)


def same(got, wanted):
    wanted = textwrap.dedent(wanted)
    assert got == wanted, f"got:\n{got}\nwanted:\n{wanted}"
