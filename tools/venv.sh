#!/bin/sh
# A fresh .venv, made by $PYTHON (python3 where it is not set), which must be Python 3.11 or newer.
set -eu
python=${PYTHON:-python3}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "firth needs Python 3.11 or newer; '$python' is $("$python" --version 2>&1 || echo 'not there')." >&2
    echo "Name another one: make PYTHON=/path/to/python3.12 …" >&2
    exit 1
fi

# Some distributions split `venv` off; virtualenv, fetched beside the new folder, does the same.
if ! "$python" -m venv --clear .venv 2>/dev/null; then
    rm -rf .venv
    mkdir .venv
    if ! "$python" -m pip install --quiet --disable-pip-version-check --target .venv/virtualenv virtualenv; then
        echo "'$python' can make no virtual environment: install its venv module (python3-venv) or pip." >&2
        rm -rf .venv
        exit 1
    fi
    PYTHONPATH=.venv/virtualenv "$python" -m virtualenv --quiet .venv
fi
