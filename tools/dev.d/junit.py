"""Reads ctest's JUnit file: prints each failure with the command that repeats it, then the counts.

usage: junit.py FILE BUILD     standard output: "PASSED FAILED"; failures go to standard error.
A test that was skipped or could not be run counts as failed: a check that did not happen is no pass.
"""
import sys
import xml.etree.ElementTree as ElementTree


def main():
    path, build = sys.argv[1], sys.argv[2]
    passed = failed = 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = case.get("name")
        if case.get("status") == "run" and case.find("failure") is None:
            passed += 1
            continue
        failed += 1
        why = "FAILED" if case.get("status") == "fail" else "NOT RUN"
        print(f"{why}  {name} (build/{build}). Repeat: "
              f"tools/dev test --in {build} -R '^{name}$'", file=sys.stderr)
    print(passed, failed)


if __name__ == "__main__":
    main()
