# Each command sets up .venv by itself; again, it starts at once.

PYTHON ?= python3.13 python3.12 python3.11 python3
SUITS := import ensurepip, sys; sys.exit(sys.version_info[:2] not in [(3, 11), (3, 12), (3, 13)])
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
WORKERS ?= 2
STAMP := .venv/.ready

.DELETE_ON_ERROR:
.PHONY: bench test lint lock data perf fuzz clean

bench: $(STAMP)
	$(BIN)/python -m bench -m +experiment=quickstart method=nnrepair,minimal,refit
	$(BIN)/python -m bench.report --format csv

test: $(STAMP)
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# One version of everything for all supported Pythons and systems, with its hashes.
# Newer versions: make lock ARGS=--upgrade
lock: $(STAMP)
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --generate-hashes \
		--fork-strategy fewest --no-emit-index-url --no-emit-find-links --no-config \
		--custom-compile-command "make lock" --quiet --output-file requirements.lock $(ARGS)

# MNIST and CIFAR-10 into the user's cache, for a machine that will have no network later.
data: $(STAMP)
	$(BIN)/python scripts/data.py

# Seconds, memory and rows a second of minimal repair; against fine-tuning and scipy's linprog.
perf: $(STAMP)
	$(BIN)/python scripts/perf.py $(ARGS)

# Inputs at random for as long; what it finds is printed with the seed that finds it again.
fuzz: $(STAMP)
	$(BIN)/python scripts/fuzz.py $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(ARGS)

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

# The stamp is written last: a set-up cut half way is done again, with what it has already. A .venv
# whose interpreter or pip does not start (moved, half made, its Python gone) is made anew.
# uv took 30 s of CPU time where pip took 180; where uv reaches no index (it reads no pip.conf),
# pip does the same.
$(STAMP): requirements.lock pyproject.toml
	@rm -f $@
	@$(BIN)/python -m pip --version >/dev/null 2>&1 && exit; rm -rf .venv; \
	for python in $(PYTHON); do \
		$$python -c '$(SUITS)' 2>/dev/null || continue; \
		echo "setting up .venv with $$python"; exec $$python -m venv .venv; \
	done; \
	echo "No Python 3.11, 3.12 or 3.13 with venv among: $(PYTHON)."; \
	echo "Install one, or name it: make PYTHON=/path/to/python3.12"; exit 2
	@sed -n '/^uv==/,/# via/p' requirements.lock >.venv/uv.txt
	@$(PIP) --require-hashes -r .venv/uv.txt
	$(BIN)/uv pip install --quiet --no-config --compile-bytecode --python $(BIN)/python --require-hashes \
		-r requirements.lock \
		|| $(PIP) --no-deps --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@
