#!/usr/bin/env python3
"""Wall time of two builds of systole, side by side: alternating runs, the fastest of each.

    bench/side_by_side.py BEFORE AFTER [--runs N] [--only WORD]

BEFORE and AFTER are systole programs. A ratio above 1 says that AFTER is slower.
"""
import argparse
import math
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Values, timing alone, each engine, the compiler: a second or less each.
COMMANDS = [
    "run gemm:1000,2048,2048",
    "run gemm:200,2048,2048 --engine func",
    "run gemm:200,300,130 --machine edge_64 --engine register",
    "run conv:4,64,28,28,64,3,3,1,1",
    "run vadd:1000000",
    "run fashion_cnn --calibrate random --batch 100 --no-float",
    "run resnet50 --timing-only --batch 8",
    "run cnn1 --timing-only --batch 4 --schedule paper2015",
    "run lstm0 --timing-only --batch 64",
    "run mlp0 --timing-only --batch 200 --batches 16",
    "run models/scalesim/mobilenet_v1.csv --machine scale_sim_ws",
    "compile mobilenet_v2 --timing-only --explain",
]


def seconds(program, command):
    begin = time.perf_counter()
    done = subprocess.run([program] + command.split(), cwd=ROOT, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True)
    taken = time.perf_counter() - begin
    if done.returncode != 0:
        sys.exit(f"{program} {command}: {done.stderr.strip()}")
    return taken


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--runs", type=int, default=7, help="of each build (default 7)")
    parser.add_argument("--only", default="", help="commands that contain this")
    options = parser.parse_args()
    programs = [os.path.abspath(options.before), os.path.abspath(options.after)]
    commands = [c for c in COMMANDS if options.only in c]
    if not commands or options.runs < 1:
        sys.exit("nothing to run")
    print(f"{'before s':>9} {'after s':>9} {'ratio':>6}  command")
    logs = []
    for command in commands:
        best = [math.inf, math.inf]
        for run in range(options.runs):
            for which in ((0, 1) if run % 2 == 0 else (1, 0)):
                best[which] = min(best[which], seconds(programs[which], command))
        logs.append(math.log(best[1] / best[0]))
        print(f"{best[0]:9.3f} {best[1]:9.3f} {best[1] / best[0]:6.3f}  {command}", flush=True)
    print(f"geometric mean of the ratios: {math.exp(sum(logs) / len(logs)):.3f}")


if __name__ == "__main__":
    main()
