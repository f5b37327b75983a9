#!/bin/sh
# Uploads the W&B runs of a results folder that were tracked offline.
#     scripts/wandb_sync.sh [RESULTS_DIR] [option of `wandb sync` ...]
#     scripts/wandb_sync.sh results/runs --dry-run
# Parts of one run (it was resumed, or written by several nodes) go together, in the order in which they were started.
set -eu

results=${1:-results/runs}
[ $# -gt 0 ] && shift

if [ ! -d "$results/wandb" ]; then
    echo "$results has no folder wandb. Expected a results_dir of runs with wandb.mode=offline." >&2
    exit 2
fi
options=$#
for folder in "$results"/wandb/offline-run-* "$results"/wandb/*-results/*/wandb/offline-run-*; do
    [ -d "$folder" ] && set -- "$@" "$folder"
done
if [ $# -eq $options ]; then
    echo "$results/wandb: no offline runs, nothing to upload."
    exit 0
fi
here=$(cd "$(dirname "$0")/.." && pwd)
wandb=$here/.venv/bin/wandb
[ -x "$wandb" ] || wandb=wandb
exec "$wandb" sync --yes "$@"
