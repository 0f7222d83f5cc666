# The commands of this project. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export LC_ALL := C.UTF-8

PYTHON := .venv/bin/python
LAB := $(PYTHON) -m tests.lab
TIERS := $(PYTHON) -m tests.tiers

.PHONY: help
help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '  make %-18s %s\n' "$$name" "$$text"; done

.PHONY: setup
setup: ## Install what is missing: Debian packages (not with SKIP_PACKAGES=1), and Python packages into .venv
	@[ -n "$(SKIP_PACKAGES)" ] || tests/setup/debian-packages
	@tests/setup/venv .venv tests/requirements.txt
	@tests/setup/collection-link

.PHONY: demo
demo: setup ## Watch Group Chat become Persistent Chat, in the lab
	@$(PYTHON) -m tests.demo

.PHONY: test
test: setup ## Run all tests
	@$(TIERS)

.PHONY: test-unit test-integration test-lab test-scenario sanity units-matrix package lint
test-unit: setup ## Run the unit tests
	@$(TIERS) unit
test-integration: setup ## Run modules, connections and migrations against the lab
	@$(TIERS) modules integration directory
test-lab: setup ## Run the tests of the lab itself
	@$(TIERS) lab
test-scenario: setup ## Run the molecule scenarios
	@$(TIERS) scenario
sanity: setup ## Run ansible-test sanity
	@$(TIERS) sanity
units-matrix: setup ## Run the unit tests on the oldest supported and the newest possible ansible-core
	@$(TIERS) units-matrix
package: setup ## Build the collection, install it elsewhere and read its documentation there
	@$(TIERS) package
lint: setup ## Run the linters
	@$(TIERS) lint

.PHONY: soak bench
soak: setup ## Meet random faults on both transports and check every verdict; N=2000 says how many
	@tests/setup/in-a-lab soak tests.soak -n $(or $(N),2000) $(if $(SEED),--seed $(SEED))
bench: setup ## Count requests and measure times against the lab, side by side with other tools
	@tests/setup/bench-peers || true
	@tests/setup/in-a-lab bench tests.bench --compare --json .cache/bench/bench.json

.PHONY: format
format: setup ## Format the Python code
	@.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format .

.PHONY: build
build: setup ## Build the collection's archive into dist/
	@.venv/bin/ansible-galaxy collection build --force --output-path dist

.PHONY: lab-up lab-down
lab-up: setup ## Start the lab and show its state
	@$(LAB) up
	@$(LAB) status
lab-down: setup ## Stop the lab
	@$(LAB) down

.PHONY: clean
clean: ## Stop the labs of this checkout and remove everything that was made in it
	@tests/setup/clean
