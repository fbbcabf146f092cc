#!/usr/bin/env bash
# Installs the programs of others that tests/interop talks to (SIPp, baresip, linphone, pyVoIP, sipvicious, Sippy B2BUA,
# headless Chromium), the relay that bench/relay.py measures beside ours: rtpengine, and the other store: PostgreSQL.
# Idempotent and quick where they already stand. pyVoIP and sipvicious are GPL-3: each gets a venv of its own and runs
# as a process of its own, never imported by ours; pyVoIP needs `audioop`, so a Python before 3.13.
set -euo pipefail
cd "$(dirname "$0")/.."

pyvoip_version=1.6.8
pyvoip_home=.venv/peers/pyvoip
sipvicious_version=0.3.8
sipvicious_home=.venv/peers/sipvicious
sippy_version=2.5.0
sippy_home=.venv/peers/sippy
python="${PYTHON:-.venv/bin/python}"
[ -x "$(command -v "$python")" ] || python=python3

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo -n)

missing=()
command -v sipp >/dev/null || missing+=(sip-tester)
command -v baresip >/dev/null || missing+=(baresip-core)
command -v linphone-daemon >/dev/null || missing+=(linphone-cli)
command -v tshark >/dev/null || missing+=(tshark) # reads capture files only
command -v chromium >/dev/null || missing+=(chromium)
command -v rtpengine >/dev/null || missing+=(rtpengine-daemon)
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || missing+=(postgresql)

# A package must not start its service here: each program is started by the test or benchmark that talks to it, with
# settings of its own. Debian asks /usr/sbin/policy-rc.d; where a machine has none, ours stands for the installation.
policy=/usr/sbin/policy-rc.d
forbid_services() {
    [ -e "$policy" ] && return
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
}

install_debian() {
    # Another installation may hold dpkg's lock for a while; waiting beats failing.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        -o DPkg::Lock::Timeout=300 "$@"
}

if [ "${#missing[@]}" -gt 0 ]; then
    if ! command -v apt-get >/dev/null; then
        echo "peers: no apt-get here; install by hand: ${missing[*]}" >&2
        exit 1
    fi
    echo "peers: installing ${missing[*]}"
    forbid_services
    # The package list is fetched only when the one on disk is absent or no longer matches the archive.
    if ! install_debian "${missing[@]}"; then
        "${as_root[@]}" apt-get update -q -o DPkg::Lock::Timeout=300
        install_debian "${missing[@]}"
    fi
fi

# Each in a venv of its own: what it needs stays out of ours, and what is GPL is never imported by it.
install_alone() {
    local package="$1" version="$2" home="$3"
    "$home/bin/python" -c "
import importlib.metadata as m, sys
sys.exit(m.version('$package') != '$version')" 2>/dev/null && return
    echo "peers: installing $package $version in $home"
    rm -rf "$home"
    "$python" -m venv "$home"
    "$home/bin/python" -m pip install -q --disable-pip-version-check "$package==$version"
}

"$python" -c 'import audioop' 2>/dev/null || {
    echo "peers: $python has no audioop; pyVoIP needs Python 3.11 or 3.12 (set PYTHON)" >&2
    exit 1
}
install_alone pyVoIP "$pyvoip_version" "$pyvoip_home"
install_alone sipvicious "$sipvicious_version" "$sipvicious_home"
install_alone sippy "$sippy_version" "$sippy_home"

echo "peers: sipp $(sipp -v 2>/dev/null | grep -o 'v[0-9][0-9.]*' | head -1 || true)," \
    "baresip $(dpkg-query -W -f '${Version}' baresip-core 2>/dev/null || echo present)," \
    "linphone $(dpkg-query -W -f '${Version}' linphone-cli 2>/dev/null || echo present)," \
    "rtpengine $(dpkg-query -W -f '${Version}' rtpengine-daemon 2>/dev/null || echo present)," \
    "pyVoIP $pyvoip_version, sipvicious $sipvicious_version, Sippy B2BUA $sippy_version"
