#!/usr/bin/env python3
"""How-tos as patches: what docs/reading-order.md says it takes to add something is what it takes.

  tests/howto/run.py             tries every how-to; exits 1 if one does not hold
  tests/howto/run.py NAME...     these alone
  tests/howto/run.py --count     counts the places alone, without building anything

A how-to is `tests/howto/NAME.patch`: something small and real, with its own test and its line in the
docs. It is applied to a copy of the tree, the test programs of HOWTOS are built and run there, and
its places are counted (places.py); docs/reading-order.md says how many they are. SYSTOLE_JOBS bounds
what is compiled at once.
"""
import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
COPY = os.path.join(ROOT, "build/howto")
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)
import places  # noqa: E402

# What each patch must pass: of a test program the tests that these patterns name. Each pattern names at
# least one test, so that the patch's own cannot be missing.
LAWS = ["*Law1*", "*Coverage*", "*Differential*"]
HOWTOS = {
    "instruction": {"isa": ["VerifyInvert*", "*"], "sim": ["VectorUnit.Invert*", "*"], "laws": LAWS},
    "machine_parameter": {"isa": ["Machine*"], "sim": ["Sequencer.AnInterrupt*", "*"],
                          "laws": LAWS + ["*Law3*"], "compiler": ["*Predict*"]},
    "onnx_operator": {"compiler": ["FrontendCenterCropPad*", "FrontendTable*"]},
    "precision": {"isa": ["*"], "sim": ["Int8High*", "*"], "laws": LAWS},
    "tensor_op": {"compiler": ["FrontendDft*", "*Examples*", "FrontendTable*", "*Batch*"],
                  "sim": ["Host*"], "compare": ["*"]},
    "trace_sink": {"traces": ["SumTrace*", "*"]},
    "unit": {"isa": ["*"], "sim": ["MoveUnit*", "*"], "laws": LAWS},
}
SECONDS = 3000  # for one build or program


def stated():
    """{name: places} as docs/reading-order.md has them."""
    with open(os.path.join(ROOT, "docs/reading-order.md"), encoding="utf-8") as file:
        text = file.read()
    found = re.findall(r"`tests/howto/(\w+)\.patch`:\s+(\d+)\s+places?", text)
    return {name: int(number) for name, number in found}


def kept():
    return {name[:-6] for name in os.listdir(HERE) if name.endswith(".patch")}


def text_of(name):
    with open(os.path.join(HERE, name + ".patch"), encoding="utf-8") as file:
        return file.read()


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    return [path for path in listed.stdout.decode().split("\0") if path]


def copy_tree():
    """Makes the copy equal to the tree, touching nothing that is equal: what is built stays built."""
    wanted = set(tracked())
    for path in wanted:
        source, target = os.path.join(ROOT, path), os.path.join(COPY, path)
        if not os.path.isfile(source) or same(source, target):
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(source, target)
    for folder, names, files in os.walk(COPY):
        if folder == COPY and "build" in names:
            names.remove("build")
        for name in files:
            path = os.path.join(folder, name)
            if os.path.relpath(path, COPY) not in wanted:
                os.remove(path)


def same(a, b):
    if not os.path.exists(b):
        return False
    with open(a, "rb") as left, open(b, "rb") as right:
        return left.read() == right.read()


def apply(name):
    # The copy lies within a repository, of which it is no part.
    outside = dict(os.environ, GIT_CEILING_DIRECTORIES=os.path.join(ROOT, "build"))
    command = ["git", "apply", "--whitespace=nowarn", os.path.join(HERE, name + ".patch")]
    done = subprocess.run(command, cwd=COPY, env=outside, capture_output=True, text=True)
    return done.stderr.strip().split("\n")[0] if done.returncode != 0 else ""


def quiet(command):
    """The last lines of what a command says if it fails."""
    try:
        done = subprocess.run(command, cwd=COPY, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"more than {SECONDS} s: {command[0]}"
    return "" if done.returncode == 0 else "\n".join((done.stdout + done.stderr).split("\n")[-30:])


def compiler():
    """The C++ compiler with which the tree itself is built, as an option."""
    for preset in ("check", "dev"):
        cache = os.path.join(ROOT, "build", preset, "CMakeCache.txt")
        if os.path.exists(cache):
            with open(cache, encoding="utf-8") as file:
                found = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", file.read(), re.M)
            return [f"-DCMAKE_CXX_COMPILER={found.group(1)}"] if found else []
    return []


def build(programs):
    if not os.path.exists(os.path.join(COPY, "build/dev/build.ninja")):
        fault = quiet(["cmake", "--preset", "dev", "-DSYSTOLE_RTL=OFF", "-DSYSTOLE_GPU=OFF", *compiler()])
        if fault:
            return fault
    jobs = os.environ.get("SYSTOLE_JOBS", str(os.cpu_count()))
    return quiet(["cmake", "--build", "build/dev", "-j", jobs, "--target", *programs])


def test(programs):
    for program, patterns in programs.items():
        binary = f"build/dev/tests/test_{program}"
        for pattern in patterns:
            listed = subprocess.run([binary, "--gtest_list_tests", f"--gtest_filter={pattern}"], cwd=COPY,
                                    capture_output=True, text=True)
            if "\n  " not in listed.stdout:
                return f"test_{program} has no test {pattern}"
        fault = quiet([binary, "--gtest_brief=1", f"--gtest_filter={':'.join(patterns)}"])
        if fault:
            return fault
    return ""


def count(name):
    """The places of an applied patch."""
    def read(path):
        with open(os.path.join(COPY, path), encoding="utf-8") as file:
            return file.read()
    return places.places(text_of(name), read)


def attempt(name, expected, build_too):
    """What does not hold, or nothing; and the places found."""
    copy_tree()
    fault = apply(name)
    if fault:
        return f"does not apply: {fault}", []
    found = count(name)
    if len(found) != expected:
        return f"{len(found)} places, and docs/reading-order.md says {expected}", found
    if not build_too:
        return "", found
    fault = build(["test_" + program for program in HOWTOS[name]]) or test(HOWTOS[name])
    return fault, found


def main():
    names = [a for a in sys.argv[1:] if not a.startswith("--")] or list(HOWTOS)
    numbers = stated()
    if not kept() == set(HOWTOS) == set(numbers):
        sys.exit(f"patches {sorted(kept())}, run.py {sorted(HOWTOS)}, docs {sorted(numbers)}")
    unknown = [name for name in names if name not in HOWTOS]
    if unknown:
        sys.exit(f"no how-to {unknown[0]}; expected one of {', '.join(HOWTOS)}")
    failed = 0
    for name in names:
        begin = time.monotonic()
        fault, found = attempt(name, numbers[name], "--count" not in sys.argv)
        verdict = "FAILS" if fault else "holds"
        print(f"{name}: {len(found)} places, {verdict} ({time.monotonic() - begin:.0f} s)", flush=True)
        if fault or "--count" in sys.argv:
            print("\n".join("   " + place for place in found))
        if fault:
            print(fault)
        failed += fault != ""
    copy_tree()
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
