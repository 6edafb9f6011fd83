#!/usr/bin/env python3
"""Mutations: one-line faults in isa, sim and compiler that the tests must notice.

  tests/mutations/mutate.py            tries each row of mutations.txt; exits 1 if more than 3 survive
  tests/mutations/mutate.py N M        rows N to M alone
  tests/mutations/mutate.py --make     draws a new set (seeded) and writes mutations.txt

A row is `file <TAB> line as it stands <TAB> line with the fault`. It is applied to a copy of the
tree, the test programs of kPrograms are built there and run, the nearest first, until one fails.
A mutation that does not compile is caught, too: by the compiler.
"""
import os
import random
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIST = os.path.join(ROOT, "tests/mutations/mutations.txt")
COPY = os.path.join(ROOT, "build/mutations")
SEED, COUNT, ALLOWED = 20, 60, 3
# The test programs that are asked, by the folder of the fault, the nearest first.
PROGRAMS = {
    "isa": ["isa", "laws", "sim", "golden", "compiler"],
    "sim": ["sim", "laws", "golden", "traces"],
    "compiler": ["compiler", "golden", "conformance"],
}
SECONDS = 900  # for one program: an endless loop is a fault that was noticed

# What a fault does to a line: (pattern, replacement). Names of templates and streams are left alone.
FAULTS = [
    (r" < (?!<)", " <= "), (r" <= ", " < "), (r" > (?!>)", " >= "), (r" >= ", " > "),
    (r" == ", " != "), (r" != ", " == "), (r" && ", " || "), (r" \|\| ", " && "),
    (r" \+ ", " - "), (r" - ", " + "), (r" \* ", " + "), (r" / ", " * "), (r" % ", " / "),
    (r"std::min\b", "std::max"), (r"std::max\b", "std::min"), (r"\btrue\b", "false"),
    (r"\bfalse\b", "true"), (r"\+\+", "--"), (r"\b0\b", "1"), (r"\b1\b", "2"),
    (r" \+= ", " -= "), (r" -= ", " += "), (r"\bif \(", "if (!("),
]


def candidates(path):
    """Every (line, fault) of a file that is code of a function."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        lines = file.read().split("\n")
    for line in lines:
        code = line.split("//")[0]
        skipped = ("#", "//", "static_assert", "namespace", "template", "using", "SYSTOLE_CHECK",
                   "[[nodiscard]]", "class", "struct", "enum", "case", "constexpr std::string_view")
        if not line.startswith("  ") or code.strip().startswith(skipped) or '"' in code:
            continue
        for pattern, text in FAULTS:
            for found in re.finditer(pattern, code):
                changed = code[: found.start()] + text + code[found.end():] + line[len(code):]
                if text == "if (!(":
                    if not code.rstrip().endswith(") {") or lines.count(line) > 1:
                        continue
                    changed = changed.replace(") {", ")) {", 1) if changed.count(") {") == 1 else ""
                if changed and lines.count(line) == 1:
                    yield line, changed


def make():
    """Draws the set: as many of each folder as its share of the code."""
    everything = []
    for folder in PROGRAMS:
        for where, _, names in sorted(os.walk(os.path.join(ROOT, folder))):
            for name in sorted(names):
                if name.endswith(".cc"):
                    path = os.path.relpath(os.path.join(where, name), ROOT)
                    everything += [(path, *pair) for pair in candidates(path)]
    random.Random(SEED).shuffle(everything)
    files, rows = {}, []
    for row in everything:  # at most two of a file
        if len(rows) < COUNT and files.get(row[0], 0) < 2:
            files[row[0]] = files.get(row[0], 0) + 1
            rows.append(row)
    with open(LIST, "w", encoding="utf-8") as file:
        for row in rows:
            file.write("\t".join(row) + "\n")


def copy_tree():
    os.makedirs(COPY, exist_ok=True)
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    for path in files.decode().split("\0"):
        source, target = os.path.join(ROOT, path), os.path.join(COPY, path)
        if not path or not os.path.isfile(source):
            continue
        if os.path.exists(target) and os.path.getmtime(target) >= os.path.getmtime(source):
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy2(source, target)
    return build(sorted({p for programs in PROGRAMS.values() for p in programs}))


def build(programs):
    if not os.path.exists(os.path.join(COPY, "build/dev/build.ninja")):
        configure = ["cmake", "--preset", "dev", "-DSYSTOLE_RTL=OFF", "-DSYSTOLE_GPU=OFF"]
        subprocess.run(configure, cwd=COPY, check=True, stdout=subprocess.DEVNULL)
    command = ["cmake", "--build", "build/dev", "-j", str(os.cpu_count()), "--target"]
    done = subprocess.run(command + ["test_" + p for p in programs], cwd=COPY, capture_output=True)
    return done.returncode == 0


def failing(programs):
    """The first program that notices, or None."""
    for program in programs:
        if not build([program]):
            return "the compiler"
        test = [f"build/dev/tests/test_{program}", "--gtest_brief=1", "--gtest_fail_fast"]
        try:
            done = subprocess.run(test, cwd=COPY, capture_output=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return f"test_{program} (runs for ever)"
        if done.returncode != 0:
            return f"test_{program}"
    return None


def attempt(path, line, changed):
    target = os.path.join(COPY, path)
    with open(target, encoding="utf-8") as file:
        text = file.read()
    if text.count("\n" + line + "\n") != 1:
        return "no longer there: draw a new set"
    with open(target, "w", encoding="utf-8") as file:
        file.write(text.replace("\n" + line + "\n", "\n" + changed + "\n"))
    try:
        return failing(PROGRAMS[path.split("/")[0]])
    finally:
        with open(target, "w", encoding="utf-8") as file:
            file.write(text)


def main():
    if sys.argv[1:] == ["--make"]:
        return make()
    with open(LIST, encoding="utf-8") as file:
        rows = [line.split("\t") for line in file.read().splitlines()]
    first, last = (int(a) for a in sys.argv[1:3]) if len(sys.argv) > 2 else (1, len(rows))
    if not copy_tree():
        sys.exit("the tree does not build without a fault")
    survivors = []
    for number, row in enumerate(rows[first - 1:last], first):
        by = attempt(*row)
        print(f"{number:3} {row[0]}: {'SURVIVES' if by is None else by}", flush=True)
        if by is None or by.startswith("no longer"):
            survivors.append(row)
    for path, line, changed in survivors:
        print(f"survives: {path}\n  - {line.strip()}\n  + {changed.strip()}")
    print(f"{last - first + 1 - len(survivors)} of {last - first + 1} mutations caught")
    sys.exit(len(survivors) > ALLOWED)


if __name__ == "__main__":
    main()
