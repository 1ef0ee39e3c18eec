# Everything a fresh machine needs is made here: `make run` opens the app, `make test` runs the tests.
PYTHON ?= python3
BIN := .venv/bin
TORCH := torch==2.13.0
WEB := app/editor/web
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: install run test check format bundle browser

install: .venv/installed

# torch goes in first and by its exact version: the plain name may bring gigabytes of another build.
.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[models]'
	touch $@

.venv/test-installed: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

run: install
	$(BIN)/patchloom serve

# The end-to-end tests drive Debian's Chromium.
browser:
	@command -v chromium >/dev/null || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq chromium; }

# Node.js comes with the test requirements (as a wheel), for the test that builds the editor's bundle again.
$(WEB)/node_modules/installed: $(WEB)/package-lock.json .venv/test-installed
	cd $(WEB) && npm ci --silent --no-audit --no-fund --ignore-scripts
	touch $@

# What drives a browser has all cores to itself. The rest: a process a core, but no more than four, since each holds torch.
test: .venv/test-installed browser $(WEB)/node_modules/installed
	@failed=; $(BIN)/python -m pytest tests/e2e || failed="Tests in a browser failed: see above."; \
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist worksteal --ignore tests/e2e && [ -z "$$failed" ] || \
	{ echo "$$failed"; exit 1; }

check: .venv/test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(MAKE) test

format: .venv/test-installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bundle: $(WEB)/node_modules/installed
	cd $(WEB) && node build.mjs
