#!/bin/sh
# Make a virtual environment, or say what is missing for it.
# Usage: tools/make_venv.sh PYTHON FOLDER
set -u
python=$1
folder=$2
here=$(dirname "$0")

fail() {
    echo "make: $1" >&2
    exit 1
}

command -v "$python" >/dev/null 2>&1 ||
    fail "there is no '$python'; install Python 3.11 or newer, or say: make PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$python is $("$python" -V 2>&1), but 3.11 or newer is needed; say: make PYTHON=python3.11"
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then # Debian packs these two apart
    "$here/apt_install.sh" python3-venv
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python cannot make virtual environments; install the package python3-venv"
fi
echo "making $folder with $("$python" -V)"
"$python" -m venv --clear "$folder" || fail "the virtual environment $folder could not be made"
