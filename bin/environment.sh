# Sourced by bin/serve and bin/test: makes .venv and installs a requirements file into it, once for each version of it.
# Sets `python`, the interpreter of that environment.

python=.venv/bin/python

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3.13 python3.12 python3.11 python3; do
        if [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "Jaram needs Python 3.11, 3.12 or 3.13: install one, or name it: PYTHON=/path/to/python3.11 $0" >&2
    return 1
}

# install_requirements FILE: the sums of the files that were installed lie in .venv/installed.
install_requirements() {
    local requirements=$1 wanted interpreter
    if [ ! -x "$python" ]; then
        interpreter=$(find_python)
        echo "Making a virtual environment in .venv …" >&2
        "$interpreter" -m venv .venv
    fi
    wanted=$(cat requirements*.txt constraints.txt | "$python" -c \
        'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')
    if ! grep -qsx "$requirements $wanted" .venv/installed; then
        echo "Installing $requirements: some minutes the first time …" >&2
        "$python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
        echo "$requirements $wanted" >>.venv/installed
    fi
}
