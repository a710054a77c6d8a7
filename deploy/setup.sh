#!/bin/sh
# Makes .venv from a hashed lock (first argument); does nothing when that has been done.
# Needs python3 >= 3.11 with venv, or uv.
set -eu
cd "$(dirname "$0")/.."
lock=$1

say() { printf '%s\n' "$*"; }
die() { say "setup: $*" >&2; exit 1; }

find_python() {
    for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
}

# cksum is in POSIX; the hashes that keep packages honest are in the lock itself.
print_of() { cat "$1" deploy/setup.sh | cksum; }
if [ -x .venv/bin/python ] && [ "$(cat ".venv/stamp-$lock" 2>/dev/null)" = "$(print_of "$lock")" ]
then
    exit 0
fi

total=$(grep -c '^[a-zA-Z0-9].*==' "$lock")
say "Setting up $total packages from $lock (once; a minute or two)"

if ! .venv/bin/python -c '' 2>/dev/null; then
    rm -rf .venv
    python=$(find_python)
    if [ -n "$python" ] && "$python" -m venv .venv 2>/dev/null; then
        :
    elif command -v uv >/dev/null; then
        rm -rf .venv
        uv venv --quiet --python '>=3.11' .venv
    else
        rm -rf .venv
        [ -n "$python" ] || die "python3 >= 3.11 is needed (or uv)"
        die "this python has no venv: install it (Debian: apt install python3-venv), or uv"
    fi
fi

# One line that counts instead of two hundred that scroll.
count() {
    awk -v total="$total" '
        /^(Collecting|Processing) / { n++; printf "\r  %3d/%d %-40.40s", n, total, $2; fflush() }
        /^Installing / { printf "\r  installing %-40s", "…"; fflush() }
        END { printf "\r%-60s\r", "" }'
}

if command -v uv >/dev/null; then
    uv pip install --python .venv/bin/python --require-hashes --no-deps -r "$lock" \
        || die "the packages could not be installed"
else
    failed=.venv/failed
    rm -f "$failed"
    { .venv/bin/python -m pip install --disable-pip-version-check --no-input --no-deps \
        --require-hashes -r "$lock" 2>.venv/errors || touch "$failed"; } | count
    if [ -e "$failed" ]; then
        cat .venv/errors >&2
        die "the packages could not be installed"
    fi
fi
rm -f .venv/errors
# The tools' lock holds everything of the run-time lock too.
for done in "$lock" requirements.lock; do
    print_of "$done" > ".venv/stamp-$done"
done
# The tree is run as it stands, so nothing is installed: `soha` only knows where it is.
cat > .venv/bin/soha <<END
#!/bin/sh
PYTHONPATH="$PWD" exec "$PWD/.venv/bin/python" -P -m shared.running.cli "\$@"
END
chmod +x .venv/bin/soha
say "Ready."
