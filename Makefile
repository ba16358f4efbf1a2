# SPDX-FileCopyrightText: The linklab.docker maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Needs Python 3.11 or newer, make and git; everything else is set up on first use. `make help` lists the targets.

SHELL := /bin/bash
# The virtual environment comes first, for Ansible and for every tool that calls Ansible.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# For example: make networks ARGS='-e password=secret -v'
ARGS ?=
BENCH ?= packed network_attach connectivity topology

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev networks links lab grade teardown test lint units integration browser molecule sanity docs release bench test-engines test-faults test-ansible clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make .venv with Ansible and the Docker SDK for Python
	@tools/setup run

setup-dev:
	@tools/setup dev

networks links lab grade teardown: setup
	@tools/play $@ $(ARGS)

networks: ## The lesson: two containers on a network, attached while they run, and the MySQL login
links: ## The lesson: two containers with a legacy link, and the MySQL login
lab: ## A ready lab with three tiers, proven; ARGS='-e lab_file=FILE' takes another, '-e lab_state=validated' only checks it
grade: ## Grade many labs; ARGS='-e grade_folder=FOLDER' takes all lab files in a folder
teardown: ## Remove what the lessons made

test: setup-dev ## Run every check there is; STEPS='ruff units' runs only these
	@tests/tools/run_steps $(STEPS)

lint: setup-dev ## Run the checks that need no engine and no copy
	@tests/tools/run_steps ruff-check ruff-format mypy complexity shellcheck ansible-lint antsibull-docs execution-environment

units: setup-dev ## Run the unit tests
	@tests/tools/run_steps units

integration: setup-dev ## Run the integration tests on the engine; TARGETS='a b' runs only these targets
	@tests/tools/run_steps prepare integration engine-tests

browser: setup-dev ## Open the reports of labs in a headless Chromium
	@tests/tools/run_steps prepare browser

molecule: setup-dev ## Run the Molecule scenarios
	@tests/tools/run_steps prepare molecule

sanity: setup-dev ## Run ansible-test sanity on a copy
	@tests/tools/run_steps sanity

test-engines: setup-dev ## Run the tests that need an engine, and the lessons, on several engines; ENGINES='26 28' for some
	@tests/tools/test_engines $(ENGINES)

test-faults: setup-dev ## Let every request of every module go wrong, and more (see TESTING.md); FAULTS=all for all of it
	@tests/tools/test_images
	@LINKLAB_FAULTS=$(FAULTS) LINKLAB_FAULTS_TABLE=tests/faults/results.md pytest tests/faults $(ARGS)

test-ansible: setup-dev ## Run sanity, the unit tests and a lesson with each supported ansible-core; CORES='2.19' for some
	@tests/tools/test_images
	@tests/tools/test_ansible $(CORES)

docs: setup-dev ## Build the documentation as a site, in .cache/docs/html
	@tests/tools/docs

release: setup-dev ## Build what Galaxy would take, check it, install it elsewhere, and play a lesson from there
	@tests/tools/test_images
	@tests/tools/release

bench: setup-dev ## Measure (see docs/speed.md); BENCH='topology' measures only that
	@tests/tools/test_images
	@for one in $(BENCH); do tests/benchmark/$$one $(ARGS) || exit; done

clean: ## Remove what make has made in this folder
	rm -rf .venv .cache .ansible .mypy_cache .pytest_cache .ruff_cache .coverage *.tar.gz
	find plugins tests -name __pycache__ -type d -prune -exec rm -rf {} +
