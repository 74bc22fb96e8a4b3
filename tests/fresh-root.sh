#!/usr/bin/env bash
# Proves on a Debian 12 that was never touched that the README's commands install all they need:
#   tests/fresh-root.sh [--tests] [--keep]
# Makes a minimal root with debootstrap (as root, a few minutes), puts the committed tree into it,
# runs deploy/demo.sh in it, asks the pages for an answer, starts a second time, stops. --tests runs
# tests/run.sh there as well. The root shares this machine's network and package sources.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
with_tests= keep=
for word; do
    case $word in
    --tests) with_tests=1 ;;
    --keep) keep=1 ;;
    *) echo "usage: tests/fresh-root.sh [--tests] [--keep]" >&2; exit 2 ;;
    esac
done
[ "$(id -u)" -eq 0 ] || { echo "fresh-root.sh: must be root (debootstrap, chroot)" >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "fresh-root.sh: install debootstrap first" >&2; exit 2; }

fresh=$(mktemp -d /var/tmp/xw-fresh.XXXXXX)
cleanup() {
    for dir in dev/shm dev/pts dev proc sys; do
        mountpoint -q "$fresh/$dir" && umount "$fresh/$dir"
    done
    [ -n "$keep" ] || rm -rf --one-file-system "$fresh"
}
trap cleanup EXIT

sources=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources 2>/dev/null || true)
mirror=$(grep -Eo 'https?://[^ ]+/debian/?( |$)' <<<"$sources" | head -1 | tr -d ' ')
echo "making a fresh Debian 12 …"
debootstrap --variant=minbase bookworm "$fresh" ${mirror:+"$mirror"} >"$fresh.log" 2>&1 || { tail -5 "$fresh.log"; exit 1; }
rm -f "$fresh.log"

# Only how packages are reached comes along: sources, proxy and registry settings, certificates.
cp -a /etc/apt/. "$fresh/etc/apt/"
rm -f "$fresh"/etc/apt/sources.list.d/*.list
cp -aL /etc/resolv.conf /etc/hosts "$fresh/etc/" 2>/dev/null || true
mkdir -p "$fresh/etc/ssl" "$fresh/usr/share" "$fresh/root"
cp -a /etc/ssl/certs "$fresh/etc/ssl/"
cp -a /usr/share/ca-certificates /usr/local/share/ca-certificates "$fresh/usr/share/" 2>/dev/null || true
cp -a /usr/share/keyrings/. "$fresh/usr/share/keyrings/" 2>/dev/null || true
[ -f "$HOME/.npmrc" ] && cp "$HOME/.npmrc" "$fresh/root/.npmrc"
mount --bind /dev "$fresh/dev"
mount --bind /dev/pts "$fresh/dev/pts"
mount -t tmpfs tmpfs "$fresh/dev/shm"
mount -t proc proc "$fresh/proc"
mount -t sysfs sysfs "$fresh/sys"

mkdir -p "$fresh/src/xinwang"
git -C "$root" archive HEAD | tar -x -C "$fresh/src/xinwang"
inside() {
    env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
        $(env | grep -iE '^(https?_proxy|no_proxy|npm_config_[a-z_]+|node_extra_ca_certs|ssl_cert_file)=' || true) \
        chroot "$fresh" bash -c "cd /src/xinwang && $1"
}
port=8691
passed=0 failed=0
step() { # name, command
    if inside "$2"; then
        passed=$((passed + 1)); echo "ok - $1"
    else
        failed=$((failed + 1)); echo "NOT OK - $1"
    fi
}
step "deploy/demo.sh installs, builds and starts" "deploy/demo.sh --port $port"
step "the first page answers" "node -e 'fetch(\"http://localhost:$port/\").then(async r => { const t = await r.text(); process.exit(r.ok && t.includes(\"<script\") ? 0 : 1) })'"
step "seven ECGs and two fetal monitors are live, vital signs and a picture beside them" "node -e '
const base = \"http://localhost:$port\";
(async () => {
  const entered = await fetch(base + \"/api/demo/enter\", { method: \"POST\", body: JSON.stringify({ role: \"reader\" }), headers: { \"content-type\": \"application/json\" } });
  const cookie = entered.headers.get(\"set-cookie\").split(\";\")[0];
  for (let i = 0; i < 60; i++) {
    const { streams } = await (await fetch(base + \"/api/streams\", { headers: { cookie } })).json();
    const { beds } = await (await fetch(base + \"/api/beds\", { headers: { cookie } })).json();
    const all = beds.flatMap((bed) => bed.attachments);
    const vitals = await Promise.all(all.filter((a) => a.kind === \"monitor\").map(async (a) => (await (await fetch(base + \"/api/attachments/\" + a.id + \"/observations\", { headers: { cookie } })).json()).observations.length));
    if (streams.filter((s) => s.live).length === 9 && vitals.length === 4 && vitals.every((n) => n > 3) && all.some((a) => a.kind === \"video\" && a.clips_n > 0)) process.exit(0);
    await new Promise((r) => setTimeout(r, 500));
  }
  process.exit(1);
})()'"
step "demo.sh --stop ends it" "deploy/demo.sh --stop"
step "a second start takes seconds" "begin=\$SECONDS; deploy/demo.sh --port $port && [ \$((SECONDS - begin)) -lt 30 ] && deploy/demo.sh --stop"
[ -z "$with_tests" ] || step "tests/run.sh" "tests/run.sh"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
