#!/usr/bin/env bash
# Builds the environment of a peer, or of all of them: bash benchmarks/build.sh all
#
#   bash benchmarks/build.sh PEER [FOLDER]     PEER: keras, zoobot, hyrax, lightning, all
#
# FOLDER (benchmarks/.environments unless told otherwise) gets one virtual environment a peer.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
wanted=${1:?"which peer? keras, zoobot, hyrax, lightning or all"}
folder=${2:-$here/.environments}
[ "$wanted" = all ] && wanted="keras zoobot hyrax lightning"

for peer in $wanted; do
    requirements=$here/environments/$peer.txt
    [ -f "$requirements" ] || { echo "no such peer: $peer ($requirements)" >&2; exit 1; }
    "${PYTHON:-python3}" -m venv "$folder/$peer"
    "$folder/$peer/bin/pip" install --quiet --requirement "$requirements"
    "$folder/$peer/bin/pip" freeze > "$folder/$peer/installed.txt"
    echo "$peer: $folder/$peer"
done
