# Everything is done by bootstrap.py (standard library only); these are its names.
# Works with GNU make 3.81, the one macOS brings.

PYTHON ?= python3
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test check demo bench production lock

help: ## list what can be made
	@grep -E '^[a-z]+:.*## ' Makefile | sed -e 's/:.*## /|/' | awk -F '|' '{ printf "make %-11s %s\n", $$1, $$2 }'

run: ## run the playground here (PORT, DEMO_PORT, PLAYGROUND_DATA override)
	@$(PYTHON) bootstrap.py run $(ARGS)

test: ## run the tests (ARGS="tests/chat -k stop" narrows; REQUIRE_ALL=1 allows nothing to be left out)
	@$(PYTHON) bootstrap.py test $(ARGS)

check: ## format, lint, types, import rules, templates, migrations, deployment check
	@$(PYTHON) bootstrap.py check $(ARGS)

demo: ## run the demo gateway alone, on DEMO_PORT, key demo-key
	@$(PYTHON) bootstrap.py demo $(ARGS)

bench: ## measure, and print ratios to a raw relay
	@$(PYTHON) bootstrap.py bench $(ARGS)

production: ## run the production processes on this machine (needs PostgreSQL and Redis installed)
	@$(PYTHON) bootstrap.py production $(ARGS)

lock: ## compile requirements/*.in anew (needs uv)
	@$(PYTHON) bootstrap.py lock $(ARGS)
