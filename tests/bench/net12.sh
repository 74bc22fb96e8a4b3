#!/usr/bin/env bash
# The 12-lead network, cross-validated by patient on PTB-XL (XW_DATA): ptbxl_macro_auc, and of each class area,
# F1, calibration, beside a plain regression and the rules; cost of a call. One core, one and a half minutes.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec build/release/bin/xw-train-twelve --figures
