#!/usr/bin/env bash
# The whole report: detection and labels of beats, delays, episodes, on every database found in
# XW_DATA. usage: tests/bench/ec57/report.sh [OUT_DIR]   (default build/results/ec57)
# Writes report.md and report.json there; progress goes to stderr. Exit 77: no recordings.
# XW_BUILD names the build folder (default build/release).
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
build=${XW_BUILD:-$root/build/release}
out=${1:-$root/build/results/ec57}
data=${XW_DATA:-}
[ -d "$data/mitdb" ] || { echo "report.sh: XW_DATA names no folder with mitdb" >&2; exit 77; }
screen=$build/bin/xinwang-screen
score=$build/bench/xw-ec57
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
md=$work/report.md
json=$work/report.json
DS1=101,106,108,109,112,114,115,116,118,119,122,124,201,203,205,207,208,209,215,220,223,230
DS2=100,103,105,111,113,117,121,123,200,202,210,212,213,214,219,221,222,228,231,232,233,234
VF="[,(VF,(VFL,(VFIB"
DS2_NO_232=${DS2/232,/}
first=1

# screen_all DB STAGE: every record that has a header
screen_all() {
    mkdir -p "$work/$1/$2"
    echo "screening $1 ($2)" >&2
    find "$data/$1" -maxdepth 1 -name '*.hea' | sort | sed 's/\.hea$//' |
        xargs -P "$(nproc)" -I{} "$screen" -r {} -o "$work/$1/$2" --delays --stage "$2"
}

# field NAME JSON: the number of "se" and "ppv" of a rate in a line of JSON
rate() {
    sed -n 's/.*"'"$1"'": {"found": [0-9]*, "missed": \([0-9]*\), "false": \([0-9]*\), "se": \([0-9.nul]*\), "ppv": \([0-9.nul]*\)}.*/\3 | \4 | \1 | \2/p' <<<"$2"
}

delay() {
    sed -n 's/.*"'"$1"'": {"beats": \([0-9]*\), "median_ms": \([0-9]*\), "p99_ms": \([0-9]*\), "max_ms": \([0-9]*\)}.*/\1 | \2 | \3 | \4/p' <<<"$2"
}

keep() { # NAME LINE
    [ "$first" = 1 ] || printf ',\n' >>"$json"
    first=0
    printf ' "%s": %s' "$1" "$2" >>"$json"
}

# row NAME DB STAGE WHICH OPTIONS…: one row of the table in hand
row() {
    local name=$1 db=$2 stage=$3 which=$4 line
    shift 4
    line=$("$score" "$data/$db" "$work/$db/$stage" xw --json "$@")
    keep "$name" "$line"
    printf '| %s | %s |\n' "$name" "$(rate "$which" "$line")" >>"$md"
    last=$line
}

# late_row NAME: of the row in hand, how many beats were late
late_row() {
    printf '| %s: of these late | found %s | | | false %s |\n' "$1" \
        "$(sed -n 's/.*"qrs_late": {"found": \([0-9]*\), "false": \([0-9]*\)}.*/\1/p' <<<"$last")" \
        "$(sed -n 's/.*"qrs_late": {"found": \([0-9]*\), "false": \([0-9]*\)}.*/\2/p' <<<"$last")" >>"$md"
}

# episode_row NAME REF_DIR TEST_DIR SUFFIX OPTIONS…: one row of a table of episodes
episode_row() {
    local name=$1 line
    line=$("$score" "$2" "$3" "$4" --json "${@:5}")
    keep "$name" "$line"
    printf '| %s | %s |\n' "$name" "$(sed -n 's/.*"se": \([0-9.nul]*\), "ppv": \([0-9.nul]*\), "sp": \([0-9.nul]*\), "hours": \([0-9.nul]*\), "episodes": \([0-9]*\), "found": \([0-9]*\).*/\1 | \3 | \2 | \6 of \5/p' <<<"$line")" >>"$md"
}

# run_row NAME WHICH LABEL STAGE OPTIONS…: ventricular runs of at least so many beats, episode by episode
run_row() {
    local line
    line=$("$score" "$data/mitdb" "$work/mitdb/$4" xw --json "${@:5}")
    keep "$1" "$line"
    printf '| %s, %s | %s |\n' "$1" "$3" "$(sed -n 's/.*"'"$2"'": {"all": \([0-9]*\), "found": \([0-9]*\), "said": \([0-9]*\), "right": \([0-9]*\)}.*/\2 of \1 | \4 of \3/p' <<<"$line")" >>"$md"
}

head_row() {
    printf '\n## %s\n\n| what | Se %% | +P %% | missed | false |\n|---|---|---|---|---|\n' "$1" >>"$md"
}

printf '{\n' >"$json"
{
    echo "# Beats and rhythms against annotations (EC57)"
    echo
    echo "Made by tests/bench/ec57/report.sh with tables $("$screen" --version | sed 's/.*tables //')."
    echo "Beat by beat within 150 ms; ventricular flutter of the reference left out; cold start at 0:00."
    echo "QRS at stage final (nothing revised); labels at both stages. e and j count as S unless said otherwise."
} >"$md"
screen_all mitdb final
screen_all mitdb revised
head_row "QRS, MIT-BIH Arrhythmia Database"
row qrs_mitdb_0 mitdb final qrs
delays=$last
late_row qrs_mitdb_0
row qrs_mitdb_5 mitdb final qrs --start 300
late_row qrs_mitdb_5
row qrs_mitdb_0_without_paced mitdb final qrs --without-paced
row qrs_mitdb_5_without_paced mitdb final qrs --start 300 --without-paced
row qrs_ds1_0 mitdb final qrs --records $DS1
row qrs_ds2_0 mitdb final qrs --records $DS2
for stage in final revised; do
    head_row "Ventricular beats, 5:00, stage $stage"
    row veb_ds2_$stage mitdb $stage veb --start 300 --records $DS2
    row veb_ds1_$stage mitdb $stage veb --start 300 --records $DS1
    row veb_44_$stage mitdb $stage veb --start 300 --without-paced
    row veb_48_0_$stage mitdb $stage veb
    head_row "Supraventricular beats, 5:00, stage $stage"
    row sveb_ds2_$stage mitdb $stage sveb --start 300 --records $DS2
    row sveb_ds2_without_232_$stage mitdb $stage sveb --start 300 --records $DS2_NO_232
    row sveb_ds2_ej_n_$stage mitdb $stage sveb --start 300 --records $DS2 --ej-n
    row sveb_ds1_$stage mitdb $stage sveb --start 300 --records $DS1
done
printf '\n## Ventricular runs by their beats, 5:00, stage revised\n\n| what | found of those there | right of those said |\n|---|---|---|\n' >>"$md"
for set in ds1:$DS1 ds2:$DS2; do
    run_row "runs_${set%%:*}_2" runs2 "two beats and more" revised --start 300 --records "${set#*:}"
    run_row "runs_${set%%:*}_3" runs3 "three and more" revised --start 300 --records "${set#*:}"
done
# What the chain says of the ventricles; noise of the reference counts on neither side.
printf '\n## Fibrillation and tachycardia of the ventricles by duration\n\n| what | Se %% | Sp %% | +P %% | episodes found |\n|---|---|---|---|---|\n' >>"$md"
for stage in final revised; do
    episode_row vf_mitdb_$stage "$data/mitdb" "$work/mitdb/$stage" xw --episodes "$VF"
done
if [ -d "$data/vfdb" ]; then
    for stage in final revised; do
        screen_all vfdb $stage
        episode_row vf_vfdb_$stage "$data/vfdb" "$work/vfdb/$stage" xw --episodes "$VF" --left-out "(NOISE"
        episode_row vf_or_vt_vfdb_$stage "$data/vfdb" "$work/vfdb/$stage" xw --episodes "$VF,(VT" --left-out "(NOISE"
    done
    printf '\nvfdb: what the alarms say, to the second, with the table as compiled in, which was made from these records; shockable by duration, each record judged by a table made without it, and alarms: tests/bench/run.sh rhythm.\n' >>"$md"
fi
# What the chain says of the atria, its own beats; flutter of the reference counts on neither side.
printf '\n## Atrial fibrillation by duration\n\n| what | Se %% | Sp %% | +P %% | episodes found |\n|---|---|---|---|---|\n' >>"$md"
for stage in final revised; do
    episode_row af_mitdb_$stage "$data/mitdb" "$work/mitdb/$stage" xw --episodes "(AFIB" --left-out "(AFL"
done
if [ -d "$data/afdb" ]; then
    for stage in final revised; do
        echo "AF from the beats of afdb ($stage)" >&2
        mkdir -p "$work/afdb/$stage"
        find "$data/afdb" -maxdepth 1 -name '*.qrs' | sort |
            xargs -P "$(nproc)" -I{} "$screen" --beats {} -o "$work/afdb/$stage" --stage "$stage"
        episode_row af_afdb_$stage "$data/afdb" "$work/afdb/$stage" xw --episodes "(AFIB" --left-out "(AFL"
    done
    printf '\nafdb: from its beat annotations, with the table as compiled in, which was made from these records; each record judged by a table made without it: tests/bench/run.sh rhythm.\n' >>"$md"
fi
if [ -d "$data/nstdb" ]; then
    screen_all nstdb final
    head_row "QRS in noise, NSTDB 118, 5:00"
    row qrs_nstdb nstdb final qrs --start 300 --records 118e24,118e18,118e12,118e06,118e00,118e_6
    late_row qrs_nstdb
    for snr in e24 e18 e12 e06 e00 e_6; do
        row "qrs_nstdb_118$snr" nstdb final qrs --start 300 --records "118$snr"
    done
fi
if [ -d "$data/ludb" ]; then
    screen_all ludb final
    echo "screening ludb, lead II" >&2
    mkdir -p "$work/ludb/ii"
    find "$data/ludb" -maxdepth 1 -name '*.hea' | sort | sed 's/\.hea$//' |
        xargs -P "$(nproc)" -I{} "$screen" -r {} -s ii -o "$work/ludb/ii"
    head_row "QRS, LUDB, 10 s from cold, between the first and the last annotated beat"
    row qrs_ludb_12_leads ludb final qrs --ref ii --inside
    late_row qrs_ludb_12_leads
    row qrs_ludb_lead_ii ludb ii qrs --ref ii --inside
fi
{
    printf '\n## Delay of detection in samples consumed (MIT-BIH, all)\n\n'
    printf '| word | beats | median ms | p99 ms | max ms |\n|---|---|---|---|---|\n'
    for which in provisional final late revised; do
        printf '| %s | %s |\n' $which "$(delay $which "$delays")"
    done
    printf '\n## Each record of MIT-BIH: beats found, missed, false; V and S as Se/+P (revised, 0:00)\n\n```\n'
    "$score" "$data/mitdb" "$work/mitdb/revised" xw --per-record
    printf '```\n'
} >>"$md"
printf '\n}\n' >>"$json"
cp "$md" "$json" "$out/"
echo "report.sh: $out/report.md" >&2
