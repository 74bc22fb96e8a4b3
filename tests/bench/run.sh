#!/usr/bin/env bash
# Benches: tests/bench/run.sh NAME…   NAME: dsp qrs ec57 speed rhythm delineation interpretation net12 codec store formats report reading people spool latency county web modalities narrow uplink outage restart (default: all)
# One JSON object a line on stdout: name, value, unit, baseline (where there is one), commit, cpu.
# Progress goes to stderr. XW_SHORT=1: seconds instead of minutes (for a look, not for a README).
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(dsp qrs ec57 speed rhythm delineation interpretation net12 codec store formats report reading people spool latency county web modalities narrow uplink outage restart)
XW_COMMIT=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
[ -z "$(git status --porcelain 2>/dev/null)" ] || XW_COMMIT=$XW_COMMIT-dirty
XW_CPU=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -1)
export XW_COMMIT XW_CPU
if [ -z "${XW_DATA:-}" ] && [ -x ../shared/data/unpack.sh ]; then
    ../shared/data/unpack.sh build/data >&2
    export XW_DATA=$root/build/data
fi
[ -f build/release/build.ninja ] || cmake --preset release >&2
cmake --build --preset release -j"$(nproc)" >&2

for name in "${names[@]}"; do
    echo "== $name" >&2
    if [ -x "build/release/bench/bench_$name" ]; then
        "build/release/bench/bench_$name" || [ $? = 77 ]
    elif [ -f "tests/bench/$name.mjs" ]; then
        case $name in latency | county | web | modalities | narrow | uplink | outage | restart) deploy/build-web.sh >&2 ;; esac
        node "tests/bench/$name.mjs" || [ $? = 77 ]
    elif [ -x "tests/bench/$name.sh" ]; then
        "tests/bench/$name.sh"
    else
        echo "run.sh: no bench '$name'" >&2
        exit 2
    fi
done
