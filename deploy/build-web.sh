#!/usr/bin/env bash
# Builds the pages into web/dist if their sources changed since the last time: build-web.sh [--force | --packages]
# --packages: only installs what the pages and the tests' scripts need.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root/web"
hash_of() { find "$@" -type f ! -path '*/generated/*' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1; }
packages=$(sha256sum package-lock.json | cut -d' ' -f1)
if [ "$(cat node_modules/.xw-packages 2>/dev/null)" != "$packages" ]; then
    npm ci --no-audit --no-fund
    echo "$packages" >node_modules/.xw-packages
fi
[ "${1:-}" != --packages ] || exit 0
sources=$(hash_of src public index.html package.json vite.config.* tsconfig*.json ../proto 2>/dev/null)
if [ "${1:-}" = --force ] || [ "$(cat node_modules/.xw-sources 2>/dev/null)" != "$sources" ]; then
    npm run build
    echo "$sources" >node_modules/.xw-sources
fi
