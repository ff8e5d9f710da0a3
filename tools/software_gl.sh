#!/bin/sh
# See that .mp4 and .png can be drawn without a screen; install Mesa's software OpenGL where possible.
# Usage: tools/software_gl.sh PYTHON      Exit code 1: nothing can be drawn yet (the reason is printed).
set -u
python=$1
here=$(dirname "$0")

can_draw() {
    "$python" -c 'import sys; from motion.render import find_gl; sys.exit(not find_gl().available)'
}

can_draw && exit 0
# The first set is smaller; Debian drops OSMesa after version 13.
"$here/apt_install.sh" libosmesa6 libgl1 libxrender1
tried=$?
can_draw && exit 0
if [ "$tried" != 2 ]; then
    "$here/apt_install.sh" libegl1 libegl-mesa0 libgl1-mesa-dri libgl1 libxrender1 && can_draw && exit 0
fi
"$python" -c 'from motion.render import find_gl; print(find_gl().explain())' >&2
echo "films (.mp4) and stills (.png) are left out, everything else works" >&2
exit 1
