#!/usr/bin/env bash
# run.sh BUILD TREE: installs BUILD into a folder of its own, runs the program from elsewhere, and
# builds a project outside the tree with the installed libraries and with the tree itself.
set -euo pipefail
build="$1"
tree="$2"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/prefix" >"$work/install.log"
cp -r "$tree/tests/install/project" "$work/project"

cd /
systole="$work/prefix/bin/systole"
"$systole" machines | grep -q '^tpu_v1 '
"$systole" models | grep -q '^fashion_mlp$'
"$systole" run fashion_mlp --batch 8 --calibrate random 2>/dev/null | grep -q "$work/prefix/share/systole/models/fashion_mlp.onnx"
cycles="$("$systole" run gemm:64,64,64 --json 2>/dev/null | sed -nE 's/^ *"cycles": ([0-9]+),$/\1/p' | head -n 1)"

cmake -G Ninja -S "$work/project" -B "$work/by_package" -DCMAKE_PREFIX_PATH="$work/prefix" >"$work/cmake.log"
cmake --build "$work/by_package" >>"$work/cmake.log" || { cat "$work/cmake.log"; exit 1; }
found="$("$work/by_package/product")"
[[ "$found" == "$cycles" ]] || { echo "the library took $found cycles, the program $cycles"; exit 1; }

cmake -G Ninja -S "$work/project" -B "$work/by_tree" -DSYSTOLE_TREE="$tree" -DSYSTOLE_GPU=OFF >"$work/cmake.log"
cmake --build "$work/by_tree" --target CMakeFiles/product.dir/main.cc.o >>"$work/cmake.log" ||
  { cat "$work/cmake.log"; exit 1; }
