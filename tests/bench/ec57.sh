#!/usr/bin/env bash
# Figures of detection and labels on the recordings of XW_DATA, one line of JSON each; the whole
# report is left in build/results/ec57 (tests/bench/ec57/report.sh). Called by run.sh.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
out=$root/build/results/ec57
"$root/tests/bench/ec57/report.sh" "$out" || { [ $? = 77 ] && exit 0; exit 1; }
python3 - "$out/report.json" <<'PY'
import json, os, sys
r = json.load(open(sys.argv[1]))
def say(name, value, unit, baseline=None):
    line = {"name": name, "value": round(value, 3), "unit": unit}
    if baseline:
        line["baseline_name"], line["baseline"] = baseline
    line["commit"] = os.environ.get("XW_COMMIT", "unknown")
    line["cpu"] = os.environ.get("XW_CPU", "")
    print(json.dumps(line))
errors = lambda row: r[row]["qrs"]["missed"] + r[row]["qrs"]["false"]
say("qrs_mitdb_0_errors", errors("qrs_mitdb_0"), "beats", ("gqrs with gqpost", 511))
say("qrs_mitdb_5_errors", errors("qrs_mitdb_5"), "beats", ("OSEA", 395))
for kind, base in (("veb", (95.72, 96.76)), ("sveb", None)):
    row = r[kind + "_ds2_revised"][kind]
    say(kind + "_ds2_se", row["se"], "%", base and ("OSEA", base[0]))
    say(kind + "_ds2_ppv", row["ppv"], "%", base and ("OSEA", base[1]))
if "qrs_nstdb" in r:
    say("nstdb_qrs_se", r["qrs_nstdb"]["qrs"]["se"], "%", ("PanTompkins++", 94.66))
    say("nstdb_qrs_ppv", r["qrs_nstdb"]["qrs"]["ppv"], "%", ("PanTompkins++", 86.62))
PY
