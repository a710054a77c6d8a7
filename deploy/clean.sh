#!/bin/sh
# Removes what the tools made in this clone, and the demo's data wherever it lives.
set -eu
cd "$(dirname "$0")/.."
data=${DATA_DIR:-.data}
run=${RUN_DIR:-.run}

if [ -x .venv/bin/python ] && [ -d "$run" ]; then
    .venv/bin/python -m shared.running.cli stop
fi
# Below a home that others may not enter, the database lives elsewhere and pg is a link to it.
if [ -L "$data/pg" ]; then
    rm -rf "$(readlink "$data/pg")"
fi
rm -rf "$data" "$run" .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
find . -name __pycache__ -type d -prune -exec rm -rf {} +
echo "clean"
