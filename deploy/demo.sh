#!/usr/bin/env bash
# The demo county on this machine: installs what is missing, builds, starts, prints one address.
# See usage() below, or deploy/demo.sh --help.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
state=${XW_DEMO_DIR:-$root/build/demo}
port=${XW_DEMO_PORT:-8600}
bin=$root/build/release/bin

usage() {
    cat <<TEXT
usage: deploy/demo.sh [--data DIR] [--port PORT]   install what is missing, build, start
       deploy/demo.sh --stop                       end it; what was stored stays
       deploy/demo.sh --reset                      end it and delete what the demo stored
       deploy/demo.sh --status                     is it running, and where
       deploy/demo.sh cut|heal|slow GATEWAY        the radio link of a site
       deploy/demo.sh power_off|power_on GATEWAY   the power of a site's gateway
Without --data the patients are synthetic; with it WFDB recordings below DIR are replayed.
TEXT
}
say() { printf '%s\n' "$*"; }
die() { printf 'demo.sh: %s\n' "$*" >&2; exit 1; }

supervisor_pid() {
    local pid
    pid=$(cat "$state/run/supervisor.pid" 2>/dev/null) || return 1
    # The pid may have been given to another process since: it must be our supervisor.
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q -- "--state $state " || return 1
    printf '%s' "$pid"
}

stop() {
    local pid
    if pid=$(supervisor_pid); then
        kill -TERM "$pid"
        for _ in $(seq 200); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -0 "$pid" 2>/dev/null && die "the demo (process $pid) does not end"
        say "The demo has ended; what it stored stays in ${state#"$root"/}."
    else
        say "The demo is not running."
    fi
    rm -f "$state/run/supervisor.pid"
}

control() { # action target
    supervisor_pid >/dev/null || die "the demo is not running (start it: deploy/demo.sh)"
    node "$root/deploy/demo/control.mjs" "$state/run/control.sock" "$1" "$2"
}

build() {
    if [ ! -f "$root/build/release/build.ninja" ]; then
        (cd "$root" && cmake --preset release >"$state/logs/configure.log" 2>&1) ||
            { tail -20 "$state/logs/configure.log" >&2; die "configuring failed: $state/logs/configure.log"; }
    fi
    (cd "$root" && cmake --build --preset release -j"$(nproc)" >"$state/logs/build.log" 2>&1) ||
        { tail -30 "$state/logs/build.log" >&2; die "the build failed: $state/logs/build.log"; }
    "$root/deploy/build-web.sh" >"$state/logs/web.log" 2>&1 ||
        { tail -30 "$state/logs/web.log" >&2; die "building the pages failed: $state/logs/web.log"; }
}

data=
action=start
while [ $# -gt 0 ]; do
    case $1 in
    --data) [ $# -ge 2 ] || die "--data needs a folder"; data=$2; shift ;;
    --port) [ $# -ge 2 ] || die "--port needs a number"; port=$2; shift ;;
    --stop | --reset | --status) action=${1#--} ;;
    --help | -h) usage; exit 0 ;;
    cut | heal | slow | power_off | power_on)
        [ $# -eq 2 ] || die "$1 needs the id of a gateway"
        control "$1" "$2"
        exit ;;
    *) usage >&2; die "unknown argument '$1'" ;;
    esac
    shift
done
[[ $port =~ ^[0-9]+$ ]] && [ "$port" -ge 1024 ] && [ "$port" -le 65535 ] || die "--port: 1024 to 65535, not '$port'"
[ -z "$data" ] || [ -d "$data" ] || die "--data: no folder '$data'"
[ -z "$data" ] || data=$(cd "$data" && pwd)

case $action in
stop) stop; exit ;;
reset) stop; rm -rf "$state"; say "What the demo stored is deleted."; exit ;;
status)
    pid=$(supervisor_pid) || { say "The demo is not running."; exit 1; }
    say "The demo is running: $(cat "$state/run/address")"
    exit ;;
esac

if pid=$(supervisor_pid); then
    say "The demo is running already: $(cat "$state/run/address")"
    exit
fi
mkdir -p "$state/logs" "$state/run"
chmod 700 "$state"
"$root/deploy/install.sh" build run
say "Building (the first time takes a few minutes) …"
build
"$root/deploy/certs.sh" "$state/certs" county county
"$root/deploy/certs.sh" "$state/certs" gateway gw-dongzhen gw-xizhen gw-beicun

(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && die "port $port is in use; choose another: --port PORT"
say "Starting …"
setsid nohup node "$root/deploy/demo/supervisor.mjs" --bin "$bin" --web "$root/web/dist" --port "$port" \
    ${data:+--data "$data"} --state "$state" -- >"$state/logs/supervisor.log" 2>&1 </dev/null &
echo $! >"$state/run/supervisor.pid"
printf 'http://localhost:%s' "$port" >"$state/run/address"
for _ in $(seq 300); do
    grep -q 'demo county is up' "$state/logs/supervisor.log" && break
    supervisor_pid >/dev/null || { tail -20 "$state/logs/supervisor.log" >&2; die "the demo did not start"; }
    sleep 0.1
done
grep -q 'demo county is up' "$state/logs/supervisor.log" || { tail -20 "$state/logs/supervisor.log" >&2; die "the demo did not come up in 30 s"; }
say "心网 Xinwang is running:  http://localhost:$port"
say "End it with deploy/demo.sh --stop"
