#!/usr/bin/env python3
"""Adds up what the test programs wrote: summary.py FOLDER_OF_XML.

Prints the slowest tests and the reason of each skipped one, then "PASSED FAILED" as its last line.
"""
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def tests_of(folder):
    """Yields (name, element) of each test that ran or was skipped."""
    for file in sorted(pathlib.Path(folder).glob("*.xml")):
        program = file.name.split(".")[0]
        for case in ElementTree.parse(file).iter("testcase"):
            if case.get("status") == "run" or case.find("skipped") is not None:
                yield f'{program}.{case.get("classname")}.{case.get("name")}', case


def main():
    cases = list(tests_of(sys.argv[1]))
    print("   the slowest tests, in seconds:")
    for name, case in sorted(cases, key=lambda one: -float(one[1].get("time")))[:10]:
        print(f'   {float(case.get("time")):8.2f} {name}')
    for name, case in cases:
        skipped = case.find("skipped")
        if skipped is not None:
            reason = " ".join((skipped.get("message") or "").split("\n")[1:]).strip()
            print(f"   skipped: {name}: {reason or 'no reason given'}")
    failed = [name for name, case in cases if case.find("failure") is not None]
    for name in failed:
        print(f"   FAILED: {name}")
    print(len(cases) - len(failed), len(failed))


main()
