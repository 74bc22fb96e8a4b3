#!/usr/bin/env bash
# Makes a certificate authority for a demo or a test, and certificates it signs:
#   certs.sh DIR county NAME      server certificate for the county, valid for NAME, localhost, 127.0.0.1, ::1
#   certs.sh DIR gateway ID…      one client certificate for each gateway; the common name is the id
# Files: DIR/ca.pem ca.key, DIR/NAME.pem NAME.key. What exists is kept.
# A real county makes its authority with xinwang-admin on a machine of its own.
set -euo pipefail
dir=${1:?usage: certs.sh DIR county NAME | certs.sh DIR gateway ID...}
what=${2:?county or gateway}
shift 2
mkdir -p "$dir"
chmod 700 "$dir"
umask 077
days=825

if [ ! -f "$dir/ca.pem" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
        -subj "/CN=Xinwang demo authority" -addext "basicConstraints=critical,CA:TRUE" \
        -addext "keyUsage=critical,keyCertSign,cRLSign" \
        -keyout "$dir/ca.key" -out "$dir/ca.pem" 2>/dev/null
fi

sign() { # name, extensions
    local name=$1 extensions=$2
    [ -f "$dir/$name.pem" ] && return 0
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
        -keyout "$dir/$name.key" -out "$dir/$name.csr" 2>/dev/null
    openssl x509 -req -in "$dir/$name.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" \
        -set_serial "0x$(openssl rand -hex 16)" -days $days \
        -extfile <(printf '%s\n' "$extensions") -out "$dir/$name.pem" 2>/dev/null
    rm -f "$dir/$name.csr"
}

for name; do
    case $what in
    county) sign "$name" "subjectAltName=DNS:$name,DNS:localhost,IP:127.0.0.1,IP:::1
extendedKeyUsage=serverAuth
keyUsage=digitalSignature" ;;
    gateway) sign "$name" "subjectAltName=DNS:$name
extendedKeyUsage=clientAuth
keyUsage=digitalSignature" ;;
    *) echo "certs.sh: county or gateway, not '$what'" >&2; exit 2 ;;
    esac
done
