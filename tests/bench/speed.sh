#!/usr/bin/env bash
# The whole ECG chain on one core in multiples of real time, under the names speed_2lead_x and
# speed_12lead_x: the measurement is bench_dsp's. Called by run.sh.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
"$root/build/release/bench/bench_dsp" |
    sed -n 's/"dsp_realtime_x_12lead"/"speed_12lead_x"/p; s/"dsp_realtime_x_2lead"/"speed_2lead_x"/p'
