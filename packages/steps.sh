# Shell functions that ./demo and ./check share; sourced from the repository root, never run.

phase_times=()  # "12 build" for each step done

# phase TEXT: announces a step and starts its clock. phase_end prints its seconds.
phase() {
  phase_start=$SECONDS
  phase_name="$1"
  printf '\n== %s\n' "$1"
}
phase_end() {
  local seconds=$((SECONDS - phase_start))
  printf '   %d s\n' "$seconds"
  phase_times+=("$(printf '%5d %s' "$seconds" "$phase_name")")
}

# As many jobs as there are processors, and no more than one for each GB of free memory.
job_count() {
  local cores memory
  cores="$(nproc)"
  memory="$(awk '/^MemAvailable:/ { print int($2 / 1000000) }' /proc/meminfo)"
  ((memory < 1)) && memory=1
  echo "$((cores < memory ? cores : memory))"
}

# configure PRESET [option of cmake...]: sets up build/PRESET, afresh when it was made for another place
# of this tree.
configure() {
  local cache="build/$1/CMakeCache.txt" home
  if [[ -f "$cache" ]]; then
    home="$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$cache")"
    [[ "$home" == "$PWD" ]] || rm -rf "build/$1"
  fi
  mkdir -p build
  cmake --preset "$@" >"build/configure-$1.log" 2>&1 || {
    tail -n 30 "build/configure-$1.log" >&2
    return 1
  }
}
