#!/usr/bin/env bash
# Installs what is missing on a Debian 12 machine: install.sh [build] [run] [test] (default: build run).
# Says first what it will install; needs root (or sudo) only if something is missing.
# An existing Node.js of 18 or later is used as it is; nothing is installed over it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- build run

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing=()
for class; do
    while read -r of name; do
        [ "$of" = "$class" ] || continue
        installed "$name" || missing+=("$name")
    done <"$here/packages.txt"
done

node_major() { node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0; }
if ! command -v node >/dev/null; then
    missing+=(nodejs npm)
elif [ "$(node_major)" -lt 18 ]; then
    echo "install.sh: node $(node --version) is too old (18 or later is needed); please update it" >&2
    exit 1
elif ! command -v npm >/dev/null; then
    echo "install.sh: node is there, npm is not; please install the npm that belongs to it" >&2
    exit 1
fi

[ ${#missing[@]} -gt 0 ] || exit 0
echo "Debian packages to be installed: ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "install.sh: run this once as root, or install the packages above" >&2
        exit 1
    }
    as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
