# Makes the virtual environment that the other scripts use. Source it with the extras to install: `. scripts/setup.sh dev`.
# Nothing is done when the environment is already up to date. ANALOGNAS_PYTHON chooses the interpreter.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
extras=${1:-}
venv=$root/.venv

python=${ANALOGNAS_PYTHON:-}
if [ -z "$python" ]; then
    for candidate in python3.11 python3.12 python3.13 python3; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            python=$candidate
            break
        fi
    done
fi
if [ -z "$python" ]; then
    echo "analognas needs Python 3.11 or newer, none was found; install one or set ANALOGNAS_PYTHON" >&2
    exit 2
fi

stamp=$(cat "$root/pyproject.toml" "$root/scripts/constraints.txt" | cksum | cut -d ' ' -f 1)
done_file=$venv/.installed-${extras:-core}-$stamp
if [ ! -f "$done_file" ]; then
    echo "setting up $venv (once; 2.6 GB on disk, 5.7 GB where pip takes the CUDA build of torch)" >&2
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv" || {
        echo "the virtual environment could not be made; does $python have the venv module?" >&2
        exit 2
    }
    export PIP_DISABLE_PIP_VERSION_CHECK=1
    "$venv/bin/python" -m pip install --quiet --no-compile --constraint "$root/scripts/constraints.txt" \
        --editable "$root${extras:+[$extras]}" || exit 1
    # every core compiles, where pip would use one; where PYTHONDONTWRITEBYTECODE is set, every start pays for what is not
    # compiled now; files for another Python do not compile, and need not
    "$venv/bin/python" -m compileall -qq -j 0 "$venv/lib" >/dev/null || true
    rm -f "$venv"/.installed-"${extras:-core}"-*
    touch "$done_file"
fi
PATH=$venv/bin:$PATH
export PATH
