#!/bin/sh
# Install Debian packages when this user may do so without being asked anything; else say how.
# Usage: tools/apt_install.sh PACKAGE...      Exit code 1: it failed; 2: this user may not.
set -u
hint="sudo apt-get install -y --no-install-recommends $*"

if ! command -v apt-get >/dev/null 2>&1; then
    echo "this system has no apt-get; please install what Debian calls: $*" >&2
    exit 2
fi
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    echo "please install these packages, then run make again:  $hint" >&2
    exit 2
fi

install() {
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "$@" </dev/null
}

echo "installing Debian packages: $*"
if install "$@" >/dev/null 2>&1; then exit 0; fi
$as_root apt-get update -q </dev/null >/dev/null 2>&1 # a fresh image has no package lists
if install "$@"; then exit 0; fi
echo "apt-get could not install them; please try:  $hint" >&2
exit 1
