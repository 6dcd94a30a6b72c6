#!/usr/bin/env bash
# All steps once, without data and without a network connection: simulate, validate, train,
# predict, evaluate.
# usage: demo.sh [FOLDER]
set -euo pipefail
folder=${1:-demo}
export GALAXYCLASS_CACHE="$folder/cache"

say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }

if [ -e "$folder" ] && [ ! -e "$folder/.galaxyclass-demo" ]; then
    echo "error: $folder is there already and is not an earlier demo's; name another folder" >&2
    exit 1
fi
rm -rf "$folder"
mkdir -p "$folder"
touch "$folder/.galaxyclass-demo"

say galaxyclass simulate --count 800 --output "$folder/sky"
say galaxyclass validate --images "$folder/sky/images" --table "$folder/sky/votes.csv"
say galaxyclass train fast --images "$folder/sky/images" --table "$folder/sky/votes.csv" \
    --output "$folder/run"
say galaxyclass predict "$folder/run" --images "$folder/sky/images" \
    --output "$folder/predictions.csv"

cat <<END

Everything is in $folder/:
  sky/                simulated galaxies and their votes
  run/                the training: curves.png, history.csv, the bundle
  predictions.csv     what the model predicts for every galaxy
  scores/             its scores on galaxies that it did not train on (made by the next command)
END

say galaxyclass evaluate "$folder/run" --images "$folder/sky/images" \
    --table "$folder/sky/votes.csv" --output "$folder/scores"
