# What there is to do: `make help`.

SHELL := /bin/bash
CARGO ?= cargo

.DEFAULT_GOAL := help
.PHONY: help build test check fuzz demo demo-clean

help: ## list what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14
	@echo
	@echo 'From the environment: PORT (8080) and SKEP_PORT (8484) for the demo, DOCKER_HOST, DEBIAN_MIRROR.'

build: ## compile skep for release
	$(CARGO) build --release --locked

# The tests of the documentation come first, so that the last summary is that of the tests that matter. Most of these wait for
# an engine, so there are more of them at once than a small machine has processors.
test: ## run every test, on a real engine, which is installed and started if need be
	scripts/tools.sh
	scripts/engine.sh up
	scripts/engine.sh sweep
	scripts/images.sh all
	scripts/newest.sh up
	scripts/sops.sh build
	scripts/linters.sh install
	scripts/gitlab-ci.sh install
	scripts/gitea.sh build
	$(CARGO) test --locked --doc
	RUST_TEST_THREADS=$${RUST_TEST_THREADS:-4} $(CARGO) test --locked --lib --bins --tests --no-fail-fast

check: ## formatting, lints, documentation, licences: what needs no engine
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps --document-private-items
	scripts/deny.sh

fuzz: ## hostile bytes for everything that reads what others wrote: a few minutes
	scripts/fuzz.sh check

demo: ## skep on the local swarm: a push that deploys, and one that is rolled back
	scripts/demo.sh up

demo-clean: ## remove what the demo made
	scripts/demo.sh clean
