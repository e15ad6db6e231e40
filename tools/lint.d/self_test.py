"""Proves that every rule of tools/lint can fail, and that a clean tree passes.

Plants one fault at a time in a small tree of its own and expects exactly the finding named.
"""
import os
import subprocess
import tempfile

OPENING = "// A thing.\n// Core: any. Allocates: never. Blocks: never. Clock: none.\n"

CLEAN = {
    "rating/README.md": "# rating\n",
    "rating/charge.hpp": OPENING + '#include <array>\n#include "engine/base/ids.hpp"\n'
                                   "struct Charge {\n  int units{};\n  int f() const { return 1; }\n"
                                   "};\n",
    "rating/plan_source.hpp": OPENING + "#include <string>\n",
    "engine/base/README.md": "# base\n",
    "engine/base/ids.hpp": OPENING + "#include <vector>\n",
    "engine/base/ring.hpp": OPENING + "#include <boost/lockfree/spsc_queue.hpp>\n",
    "engine/README.md": "# engine\n",
    "engine/daemon.cpp": OPENING + '#include <thread>\n#include "rating/charge.hpp"\n',
    "config/README.md": "# config\n",
    "config/load.cpp": OPENING + '#include <yaml-cpp/yaml.h>\n#include "rating/plan_source.hpp"\n',
    "diameter/README.md": "# diameter\n",
    "diameter/codec/README.md": "# codec\n",
    "diameter/codec/print.cpp": OPENING + "#include <ostream>\n",
    "tools/README.md": "# tools\n",
}


def long_function(head, lines):
    return OPENING + head + " {\n" + "  call(1'000, '{', \"}\");  // }\n" * lines + "}\n"


def long_python(lines):
    return "class A:\n    def f(self):\n" + "        call()\n" * lines


# (name of the case, file, its text, what the finding must contain)
FAULTS = [
    ("pure zone, clock", "rating/a.cpp", OPENING + "#include <chrono>\n", "<chrono> in the pure"),
    ("pure zone, allocation", "rating/a.cpp", OPENING + "#include <vector>\n", "<vector> in the"),
    ("pure zone, neighbour", "rating/a.cpp", OPENING + '#include "engine/shard/shard.hpp"\n',
     "rating/ includes engine/shard/shard.hpp"),
    ("rating knows no diameter", "rating/a.cpp", OPENING + '#include "diameter/codec/avp.hpp"\n',
     "rating/ includes diameter/codec/avp.hpp"),
    ("codec knows no business", "diameter/codec/a.cpp", OPENING + '#include "rating/charge.hpp"\n',
     "diameter/codec/ includes rating/charge.hpp"),
    ("exception of one file", "diameter/codec/a.cpp", OPENING + "#include <ostream>\n",
     "<ostream> in the pure zone"),
    ("roof used from below", "config/a.cpp", OPENING + '#include "engine/daemon.hpp"\n',
     "config/ includes engine/daemon.hpp"),
    ("product includes a test", "engine/a.cpp", OPENING + '#include "support/levyd.hpp"\n',
     "written from the root"),
    ("boost beside its door", "engine/base/a.hpp", OPENING + "#include <boost/container/map.hpp>\n",
     "each foreign library has one door"),
    ("yaml beside its door", "config/a.cpp", OPENING + "#include <yaml-cpp/yaml.h>\n",
     "each foreign library has one door"),
    ("uring beside its door", "engine/journal/a.cpp", OPENING + "#include <liburing.h>\n",
     "each foreign library has one door"),
    ("json beside its door", "engine/base/a.cpp", OPENING + "#include <nlohmann/json.hpp>\n",
     "each foreign library has one door"),
    ("thread beside its door", "engine/pipeline/a.cpp", OPENING + "#include <thread>\n",
     "speak to the operating system or make threads"),
    ("OS beside its door", "engine/feed.cpp", OPENING + "#include <sys/socket.h>\n",
     "speak to the operating system or make threads"),
    ("long file", "engine/a.cpp", OPENING + "int a;\n" * 600, "file of 602 lines"),
    ("long line", "engine/a.cpp", OPENING + "int " + "a" * 97 + ";\n", "line of 102 columns"),
    ("long function", "engine/a.cpp", long_function("int Shard::apply(int a) const", 69),
     "function Shard::apply of 71 lines"),
    ("long constructor", "engine/a.cpp",
     long_function("Shard::Shard(int a) noexcept : a_{a}, b_(a)", 69), "function"),
    ("long method", "engine/a.cpp",
     long_function("namespace x {\nclass Y : public Z {\n public:\n  void f() override", 69)
     + "};\n}\n", "function f of 71 lines"),
    ("long Python file", "engine/a.py", "a = 1\n" * 601, "file of 601 lines"),
    ("long Python function", "engine/a.py", long_python(70), "function f of 71 lines"),
    ("long function of a tool", "tools/a", "#!/usr/bin/env python3\n" + long_python(70),
     "function f of 71 lines"),
    ("Python that is none", "engine/a.py", "def f(:\n", "no Python"),
    ("no opening", "engine/a.cpp", "int a;\n", "opens without a comment"),
    ("no Core line", "engine/a.cpp", "// A thing.\nint a;\n", "without the Core line"),
    ("folder without README", "engine/feed/a.cpp", OPENING, "folder without README.md"),
    ("README too long", "engine/README.md", "a\n" * 81, "README of 82 lines"),
    ("file name", "engine/peer_manager.cpp", OPENING, "says `manager`"),
    ("folder name", "engine/utils/README.md", "# a\n", "folder name utils says `utils`"),
    ("type name", "engine/a.cpp", OPENING + "class SessionHelper {};\n", "says `helper`"),
    ("alias name", "engine/a.cpp", OPENING + "using RowData = int;\n", "says `data`"),
]

# A function of exactly the limit, and long things that are no functions, are no findings.
ALLOWED = [
    ("function at the limit", "engine/a.cpp", long_function("int f(int a)", 68)),
    ("Python at the limit", "tests/a.py", long_python(69)),
    ("long Python class", "tests/a.py", "class A:\n" + "    b = 1\n" * 90),
    ("long table", "engine/a.cpp", long_function("constexpr int table[] =", 90)),
    ("long class", "engine/a.cpp", long_function("class alignas(64) X final : public Y<Z>", 90)),
    ("long namespace", "engine/a.cpp", long_function("namespace levy::x", 90)),
    ("any header in a test", "tests/unit/a.cpp", "#include <thread>\n#include <gtest/gtest.h>\n"),
]


def write_tree(root, tree):
    for path, text in tree.items():
        os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as file:
            file.write(text)


def findings_of(lint, tree, build=None):
    with tempfile.TemporaryDirectory() as root:
        write_tree(root, tree)
        return [text for _, _, text in lint(root).run(build)]


def symbol_findings(lint, source, member="a.cpp.o"):
    """Findings on a real archive libLEVY_rating.a made of one C source."""
    with tempfile.TemporaryDirectory() as build:
        with open(os.path.join(build, "a.c"), "w", encoding="utf-8") as file:
            file.write(source)
        subprocess.run(["cc", "-O0", "-c", "a.c", "-o", member], cwd=build, check=True)
        subprocess.run(["ar", "rc", "liblevy_rating.a", member], cwd=build, check=True)
        return findings_of(lint, CLEAN, build)


SYMBOL_FAULTS = [
    ("malloc", "void *malloc(unsigned long); void *f(void) { return malloc(8); }", "allocates"),
    ("clock", "int clock_gettime(int, void *); int f(void) { return clock_gettime(0, 0); }",
     "reads the clock"),
    ("lock", "int pthread_mutex_lock(void *); int f(void *m) { return pthread_mutex_lock(m); }",
     "starts nor joins threads"),
    ("write", "long write(int, const void *, long); long f(void) { return write(1, 0, 0); }",
     "does I/O"),
    ("throw", "void __cxa_throw(void *, void *, void *); void f(void) { __cxa_throw(0, 0, 0); }",
     "throws"),
    ("chance", "int rand(void); int f(void) { return rand(); }", "draws chance"),
]


def run(lint, words):
    failures = []

    def expect(name, found, wanted):
        if len(found) != 1 or wanted not in found[0]:
            failures.append(f"{name}: wanted one finding with `{wanted}`, got {found or 'none'}")

    clean = findings_of(lint, CLEAN)
    if clean:
        failures.append(f"the clean tree has findings: {clean}")
    readmes = {"engine/feed/a.cpp": "engine/feed", "engine/journal/a.cpp": "engine/journal",
               "engine/pipeline/a.cpp": "engine/pipeline"}
    count = 0
    for name, path, text, wanted in FAULTS:
        count += 1
        tree = {**CLEAN, path: text}
        if path in readmes and wanted != "folder without README.md":
            tree[readmes[path] + "/README.md"] = "# a\n"
        expect(name, findings_of(lint, tree), wanted)
    for name, path, text in ALLOWED:
        count += 1
        found = findings_of(lint, {**CLEAN, "tests/README.md": "# a\n", path: text})
        if found:
            failures.append(f"{name}: is allowed, got {found}")
    for word in words:
        for path in ("engine/README.md", "engine/daemon.cpp", "tools/dev"):
            count += 1
            text = (OPENING if path.endswith(".cpp") else "") + f"// {word} later\n"
            expect(f"word {word[:2]}.. in {path}", findings_of(lint, {**CLEAN, path: text}),
                   "unfinished work")
    for name, source, wanted in SYMBOL_FAULTS:
        count += 1
        expect(f"symbol {name}", symbol_findings(lint, source), wanted)
    count += 1
    if symbol_findings(lint, SYMBOL_FAULTS[3][1], "print.cpp.o"):
        failures.append("symbol exception: print.cpp.o may write")
    for failure in failures:
        print(f"tools/lint --self-test: {failure}")
    print(f"tools/lint --self-test: {count} planted cases, {len(failures)} wrong")
    return 1 if failures else 0
