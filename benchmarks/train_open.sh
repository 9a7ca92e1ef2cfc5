#!/usr/bin/env bash
# Train config/open.yaml for some minutes, from a state and into one: for machines with a GPU that are there for minutes.
#     benchmarks/train_open.sh MINUTES IN OUT
# IN has what an earlier call left in OUT; the first one has an empty or no folder there. Files in OUT have 15 MiB at
# most. The training goes on where it was, whatever the machine; the same code is needed, for another trains anew.
set -euo pipefail
minutes=$1 in=$2 out=$3
cd "$(dirname "$0")/.."
read -ra config <<<"${CONFIG:-config/open.yaml}" # one file or several
results=${RESULTS:-results/open}
# A GPU takes patches faster than two processes draw them: one for each other core.
drawing=$(mktemp --suffix=.yaml)
trap 'rm -f "$drawing"' EXIT
echo "compute: {workers: $(($(nproc) > 2 ? $(nproc) - 1 : 2))}" >"$drawing"
config+=("$drawing")
snakemake=.venv/bin/snakemake
[ -x "$snakemake" ] || snakemake=snakemake
mkdir -p "$results"/{models,records,logs/train} "$out"
if compgen -G "$in/state.tar.*" >/dev/null; then
    cat "$in"/state.tar.* | tar --extract --directory "$results"
fi
# SIGTERM goes to all processes: a training saves its state after the mini-batch, and ends.
timeout --signal=TERM "$(awk "BEGIN {print 60 * $minutes}")" \
    "$snakemake" --cores all --rerun-incomplete --configfile "${config[@]}" -- \
    "$results"/models/{coarse,liver,lesion}/open.safetensors || ended=$?
"$snakemake" --unlock --configfile "${config[@]}" >/dev/null 2>&1 || true
rm -f "$out"/state.tar.*
tar --create --directory "$results" models records logs | split --bytes=15M - "$out/state.tar."
find "$results"/logs/train -name '*.log' -exec tail -n 2 {} +
case ${ended:-0} in
0) echo "All three networks are trained." ;;
124) echo "Not finished: go on with IN=$out." ;; # the time was over
*) echo "Snakemake failed; see above." && exit "$ended" ;;
esac
