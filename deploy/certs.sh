#!/usr/bin/env bash
# An authority for a demo or a test, and certificates that it signs, by xinwang-admin:
#   certs.sh DIR county NAME      server certificate for the county, valid for NAME, localhost, 127.0.0.1, ::1
#   certs.sh DIR gateway ID…      one client certificate for each gateway; the common name is the id
# Files: DIR/authority, DIR/ca.pem, DIR/NAME.pem NAME.key. What exists is kept.
# XW_ADMIN: the program (default: that of the build XW_PRESET, release).
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
dir=${1:?usage: certs.sh DIR county NAME | certs.sh DIR gateway ID...}
what=${2:?county or gateway}
shift 2
admin=${XW_ADMIN:-$root/build/${XW_PRESET:-release}/bin/xinwang-admin}
umask 077
mkdir -p "$dir"
chmod 700 "$dir"

if [ ! -f "$dir/authority/ca.pem" ]; then
    rm -f "$dir"/*.pem "$dir"/*.key # of an authority that is not there any more
    "$admin" authority init "$dir/authority" --name "Xinwang demo"
fi
for name; do
    [ -f "$dir/$name.pem" ] && continue
    case $what in
    county) "$admin" authority server "$dir/authority" "$name" --out "$dir" --hosts localhost,127.0.0.1,::1 ;;
    gateway) "$admin" authority gateway "$dir/authority" "$name" --out "$dir" ;;
    *) echo "certs.sh: county or gateway, not '$what'" >&2; exit 2 ;;
    esac
done
