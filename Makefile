# `make` alone lists what there is. PostgreSQL joins the tests and benchmarks where POSTGRES_URL answers.
POSTGRES_URL ?= postgresql://postgres@127.0.0.1:5432/test
HOST ?= 127.0.0.1
PORT ?= 8000
BENCH ?=
PYTEST_FLAGS ?= -n 4 --dist worksteal
export POSTGRES_URL

PYTHON = .venv/bin/python
PYTHONS = python3.14 python3.13 python3.12 python3 python \
	"$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.1[2-9].*/bin/python
IS_FIT = import ensurepip, sqlite3, ssl, sys, venv; sys.exit(sys.version_info < (3, 12))
COMPILE = uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-emit-index-url
AUDITED = --strict --disable-pip --require-hashes -r requirements/dev.txt
PRODUCTION = DEBUG=false ALLOWED_HOSTS=trilith.example DATABASE_URL="$$POSTGRES_URL" \
	SECRET_KEY="$$($(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(50))')" \
	SECRETS_KEYS="$$($(PYTHON) -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')"

.PHONY: help demo test test-chaos test-fuzz test-faults check audit serve bench soak migrate requirements clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

demo: migrate ## run an example workflow, step by step, in the terminal
	@$(PYTHON) manage.py demo

serve: migrate ## run the server and its executor on HOST:PORT (127.0.0.1:8000)
	@exec $(PYTHON) -m uvicorn config.asgi:application --host $(HOST) --port $(PORT) \
		--lifespan on --timeout-graceful-shutdown 10 --no-server-header

test: check ## check, then run the tests on SQLite, and those that ask a database on PostgreSQL
	DATABASE_URL=sqlite:///db.sqlite3 $(PYTHON) -m pytest $(PYTEST_FLAGS)
	@if $(PYTHON) -c 'import os, psycopg; psycopg.connect(os.environ["POSTGRES_URL"], connect_timeout=3)' 2>/dev/null; \
	then echo 'The same on PostgreSQL:' && DATABASE_URL="$$POSTGRES_URL" $(PYTHON) -m pytest $(PYTEST_FLAGS) -m 'not (pure or looks)'; \
	elif [ "$$CI" = true ]; then echo 'PostgreSQL does not answer at POSTGRES_URL, and CI=true demands it.' >&2; exit 1; \
	else echo 'Skipped the tests on PostgreSQL: nothing answers at POSTGRES_URL.'; fi

test-chaos: .venv/installed ## kill, cut, stop and restart all there is, and say what it cost (LONG=1: for minutes)
	DATABASE_URL=sqlite:///db.sqlite3 $(PYTHON) -m pytest tests/chaos -q

test-faults: .venv/installed ## kill and fail at each named point of the engine, and check every promise after it (RUNS=25)
	@$(PYTHON) -m tests.faults

test-fuzz: .venv/installed ## make up expressions and definitions for 10 minutes (MINUTES=1), and say what broke
	@DATABASE_URL=sqlite:///db.sqlite3 $(PYTHON) -m tests.hostile.fuzz $(or $(MINUTES),10)

check: .venv/installed ## format, lint, types, import contracts, system checks, migrations
	$(PYTHON) -m ruff format --check --quiet .
	$(PYTHON) -m ruff check --quiet .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports
	$(PYTHON) manage.py check
	@$(PRODUCTION) $(PYTHON) manage.py check --deploy --fail-level WARNING
	$(PYTHON) manage.py makemigrations --check --dry-run

audit: ## look for known vulnerabilities in what is pinned (needs pip-audit or uv, and the internet)
	@if pip-audit --version >/dev/null 2>&1; then pip-audit $(AUDITED); \
	elif uv --version >/dev/null 2>&1; then uv tool run pip-audit $(AUDITED); \
	else echo 'Skipped the audit: neither pip-audit nor uv is installed.'; fi

bench: .venv/installed ## run the benchmarks (BENCH=engine for one group)
	@$(PYTHON) -m tests.benchmarks $(BENCH)

soak: .venv/installed ## a server for 20 minutes under 20,000 executions: does it grow, or get slower? (MINUTES, EXECUTIONS)
	@$(PYTHON) -m tests.benchmarks.soak

migrate: .venv/installed ## bring the database up to date
	@$(PYTHON) manage.py migrate --verbosity 0

requirements: ## compile requirements/*.txt anew (needs uv; UPGRADE=--upgrade for newer versions)
	cd requirements && $(COMPILE) $(UPGRADE) base.in -o base.txt
	cd requirements && $(COMPILE) $(UPGRADE) -c base.txt tracing.in -o tracing.txt
	cd requirements && $(COMPILE) $(UPGRADE) dev.in -o dev.txt

clean: ## remove the environment and every cache; db.sqlite3 stays
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache test.sqlite3*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Touched last, so an installation that was interrupted is done again.
.venv/installed: requirements/dev.txt
	@rm -rf .venv
	@if uv --version >/dev/null 2>&1; then \
		uv venv --quiet --python '>=3.12' .venv && \
		uv pip install --quiet --python $(PYTHON) --require-hashes -r requirements/dev.txt; \
	else \
		for python in $(PYTHONS); do \
			if "$$python" -c '$(IS_FIT)' 2>/dev/null; then found=$$python; break; fi; \
		done; \
		if [ -z "$$found" ]; then \
			echo 'Trilith needs Python 3.12 or newer, and none starts here. Install one of these, then try again:' >&2; \
			echo '  uv      https://docs.astral.sh/uv/' >&2; \
			echo '  Python  Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python' >&2; \
			exit 1; \
		fi; \
		echo "Making .venv with $$found"; \
		"$$found" -m venv .venv && \
		$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt; \
	fi
	@touch $@
