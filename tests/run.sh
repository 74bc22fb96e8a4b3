#!/usr/bin/env bash
# All tests: tests/run.sh [STAGE…]. Ends with a line "N passed, N failed, N skipped".
# Stages: style release asan tsan fuzz web scenario browser (default: all of them, in this order).
# Recordings: XW_DATA, else those beside the checkout, unpacked into build/data; without them the
# tests that need them are skipped and counted as skipped.
# XW_FUZZ_S seconds a fuzz target (default 10), XW_ROUNDS rounds of the fault scenario (default 12), XW_VIDEO_ROUNDS
# kills and cuts of a recording gateway (default 8),
# XW_SEED the seed of everything seeded (default: one that stays, so that a run can be repeated and a landing is no
# lottery; other seeds are for the campaigns: XW_SEED=$(date +%Y%m%d) tests/run.sh, tests/scenario/campaign.mjs).
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
stages=("$@")
[ ${#stages[@]} -gt 0 ] || stages=(style release asan tsan fuzz web scenario browser)
export XW_SEED=${XW_SEED:-20261123} XW_VIDEO_ROUNDS=${XW_VIDEO_ROUNDS:-8}
results=build/results
mkdir -p "$results"
passed=0 failed=0 skipped=0 failures=() tidy_later=

say() { printf '\n== %s\n' "$*"; }
count() { # name, passed, failed, skipped
    passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
    [ "$3" -eq 0 ] || failures+=("$1")
    printf '%s: %d passed, %d failed, %d skipped\n' "$1" "$2" "$3" "$4"
}
# Runs a command whose last line counts its tests; a command that dies without one has failed.
counted() { # name, command…
    local name=$1 log="$results/$1.log" line
    shift
    "$@" 2>&1 | tee "$log"
    local status=${PIPESTATUS[0]}
    line=$(grep -Eo '[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped' "$log" | tail -1)
    if [ -n "$line" ]; then
        read -r p _ f _ s _ <<<"${line//,/}"
        [ "$status" -eq 0 ] || [ "$f" -gt 0 ] || f=1
        count "$name" "$p" "$f" "$s"
    else
        count "$name" 0 1 0
    fi
}
again() { # status, output: of a command that has run already
    cat "$2"
    return "$1"
}
once() { # name, command…: one test
    local name=$1
    shift
    if "$@" >"$results/$name.log" 2>&1; then
        count "$name" 1 0 0
    else
        tail -40 "$results/$name.log"
        count "$name" 0 1 0
    fi
}

build() { # preset
    cmake --preset "$1" >"$results/configure-$1.log" 2>&1 &&
        cmake --build --preset "$1" -j"$(nproc)" >"$results/build-$1.log" 2>&1 || {
        grep -E 'error|FAILED|Error' "$results/build-$1.log" "$results/configure-$1.log" | head -20
        count "build-$1" 0 1 0
        return 1
    }
    count "build-$1" 1 0 0
}
run_ctest() { # preset, name, ctest arguments…
    local preset=$1 name=$2 report="$root/$results/ctest-$2.xml"
    shift 2
    rm -f "$report"
    ctest --test-dir "build/$preset" --output-on-failure --output-junit "$report" -j3 "$@" |
        grep -Ev '^ *(Start|Test project)' | tail -200
    # The attributes of the report's first element: tests, failures, disabled, skipped.
    local head p f s
    head=$(tr '\n' ' ' <"$report" | grep -o '<testsuite [^>]*>' | head -1)
    attribute() { sed -n "s/.*[ \t]$1=\"\([0-9]*\)\".*/\1/p" <<<"$head"; }
    f=$(attribute failures) s=$(attribute skipped)
    p=$(($(attribute tests) - f - s - $(attribute disabled)))
    count "ctest-$name" "$p" "$f" "$s"
}

stage_style() {
    say "style"
    once clang-format cmake --build build/release --target format-check
    build release || return # the analysers want what protobuf-c generates
    once cppcheck cmake --build build/release --target cppcheck
    # It takes as long as the scenarios, which mostly wait: with those it runs beside them, behind everything.
    [[ " ${stages[*]} " != *" scenario "* ]] || { tidy_later=1; return; }
    once clang-tidy cmake --build build/release --target tidy
}
stage_release() {
    say "release: units, protocols, golden files, corpora"
    build release && run_ctest release release
}
stage_asan() {
    say "address and undefined-behaviour sanitizers"
    build asan && ASAN_OPTIONS=detect_leaks=1 run_ctest asan asan
}
stage_tsan() {
    say "thread sanitizer: everything that has threads; without GStreamer, no suppressions"
    # libxwdsp and the figures made with it know no threads: asan and release run them.
    build tsan && TSAN_OPTIONS=halt_on_error=1 run_ctest tsan tsan -LE gst -E '^(test_dsp|test_codec|test_ec|ec57|bench|edge_adopt)' &&
        if [ -n "$(ctest --test-dir build/tsan -N -L gst | grep 'Test *#')" ]; then # grep -q would end ctest early
            TSAN_OPTIONS=halt_on_error=1:ignore_noninstrumented_modules=1 run_ctest tsan tsan-gst -L gst
        fi
}
stage_fuzz() {
    say "fuzz: ${XW_FUZZ_S:-10} s a target, seed $XW_SEED"
    build fuzz || return
    local target name corpus
    local pids=() names=()
    settle() { # the results of those that run
        local i
        for i in "${!pids[@]}"; do
            if wait "${pids[$i]}"; then
                count "${names[$i]}" 1 0 0
            else
                tail -40 "$results/${names[$i]}.log"
                count "${names[$i]}" 0 1 0
            fi
        done
        pids=() names=()
    }
    for target in build/fuzz/fuzz/fuzz_*; do
        [ -x "$target" ] || continue
        name=$(basename "$target")
        corpus=$results/corpus/$name
        mkdir -p "$corpus" "$results/crashes"
        "$target" -max_total_time="${XW_FUZZ_S:-10}" -seed="$XW_SEED" -max_len=65536 -rss_limit_mb=2048 -timeout=10 \
            -artifact_prefix="$results/crashes/$name-" "$corpus" "tests/fuzz/corpus/$name" >"$results/$name.log" 2>&1 &
        pids+=($!) names+=("$name")
        [ ${#pids[@]} -lt "$(nproc)" ] || settle
    done
    settle
}
stage_web() {
    say "web: types, units"
    once web-build deploy/build-web.sh
    (cd web && npx --no-install tsc --noEmit) >"$results/web-types.log" 2>&1 &&
        count web-types 1 0 0 || { tail -20 "$results/web-types.log"; count web-types 0 1 0; }
    (cd web && npx --no-install vitest run --reporter=json --outputFile="$root/$results/vitest.json") \
        >"$results/vitest.log" 2>&1 || tail -40 "$results/vitest.log"
    if [ -s "$results/vitest.json" ]; then
        read -r p f s < <(node -p 'const r=JSON.parse(require("fs").readFileSync(process.argv[1]));
            `${r.numPassedTests} ${r.numFailedTests + (r.success || r.numFailedTests ? 0 : 1)} ${r.numPendingTests}`' "$results/vitest.json")
        count vitest "$p" "$f" "$s"
    else
        count vitest 0 1 0
    fi
}
stage_scenario() {
    say "scenarios: real processes, faults, seed $XW_SEED"
    [ -x build/release/bin/xinwang-center ] || build release || return
    # These two mostly wait (six minutes and three); they go one after the other beside the rest.
    local script name started beside=(diskfull video)
    aside() {
        local name
        for name in "${beside[@]}"; do
            node "tests/scenario/$name.test.mjs" >"$results/$name.out" 2>&1
            echo $? >"$results/$name.status"
        done
    }
    for name in "${beside[@]}"; do
        rm -f "$results/$name.out" "$results/$name.status"
    done
    aside &
    local others=$! tidy=
    if [ -n "$tidy_later" ]; then
        nice -n 19 cmake --build build/release --target tidy >"$results/tidy.out" 2>&1 &
        tidy=$!
    fi
    for script in tests/scenario/*.test.mjs; do
        name=$(basename "$script" .test.mjs) started=$SECONDS
        [[ " ${beside[*]} " != *" $name "* ]] || continue
        counted "$name" node "$script"
        printf '(%s: %d s)\n' "$name" $((SECONDS - started))
    done
    wait "$others"
    for name in "${beside[@]}"; do
        counted "$name" again "$(cat "$results/$name.status")" "$results/$name.out"
    done
    if [ -n "$tidy" ]; then
        wait "$tidy"
        once clang-tidy again $? "$results/tidy.out"
    fi
}
stage_browser() {
    say "browser: pages in Chromium, read back from pixels"
    once web-build-browser deploy/build-web.sh
    counted browser node tests/web/run.mjs
}

deploy/install.sh build run test || exit 1
deploy/build-web.sh --packages || exit 1 # scenarios of every preset speak WebSocket through these
if [ -z "${XW_DATA:-}" ] && [ -x ../shared/data/unpack.sh ]; then
    ../shared/data/unpack.sh build/data && export XW_DATA=$root/build/data
fi
[ -n "${XW_DATA:-}" ] || echo "No recordings (XW_DATA is not set): tests that need them are skipped."
cmake --preset release >"$results/configure-release.log" 2>&1 # again: tools may have come since the last time

for stage in "${stages[@]}"; do
    declare -F "stage_$stage" >/dev/null || { echo "run.sh: no stage '$stage'" >&2; exit 2; }
    begin=$SECONDS
    "stage_$stage"
    printf '(%s: %d s)\n' "$stage" $((SECONDS - begin))
done

# What failed is said again at the end, with the lines that tell why: a log is often seen from its end only.
why() { # name of a log
    local log="$results/$1.log"
    [ -s "$log" ] || return
    if grep -qiE '^not ok' "$log"; then
        grep -iE -A8 '^not ok' "$log" | grep -viE '^(ok|skipped) ' | head -40
    else
        tail -12 "$log"
    fi | cut -c1-400
}
if [ ${#failures[@]} -gt 0 ]; then
    for name in "${failures[@]}"; do
        say "why $name failed"
        case $name in
        ctest-*) sed -n '/<testcase[^>]*status="fail"/,/<\/testcase>/p' "$results/$name.xml" | head -60 | cut -c1-400 ;;
        build-*) grep -hE 'error|FAILED' "$results/$name.log" | head -20 ;;
        fuzz_*)
            grep -E 'ERROR|SUMMARY|Test unit|Base64|assert|^ +#[0-9]+ ' "$results/$name.log" | head -24 | cut -c1-600
            ;;
        *) why "$name" ;;
        esac
    done
fi
echo
[ ${#failures[@]} -eq 0 ] || printf 'failed: %s\n' "${failures[@]}"
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
