#!/usr/bin/env bash
# Checks reproducibility: a second run does nothing, and running every stage again gives the same bytes.
set -euo pipefail
first=$(mktemp -d)
trap 'rm -rf "$first"' EXIT

dvc repro
cp dvc.lock build/evaluation/metrics.json "$first"

dvc repro | tee "$first/second.log"
if grep -q '^Running stage' "$first/second.log"; then
  echo "error: the second run should do nothing, but it ran a stage (above)" >&2
  exit 1
fi

rm -rf build/last_prepared  # so that every image is prepared again
dvc repro --force --no-run-cache
for file in dvc.lock metrics.json; do
  again=$([ "$file" = dvc.lock ] && echo dvc.lock || echo build/evaluation/metrics.json)
  diff "$first/$file" "$again" || {
    echo "error: $again differs between two runs of the same inputs (above)" >&2
    exit 1
  }
done
echo "reproduced: the second run did nothing, and every stage run again gave the same bytes"
