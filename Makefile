# The front door. Each target says what it does in `make help`; the work is in the folders' own scripts.
SHELL := /bin/bash
.DELETE_ON_ERROR:
# One after the other, in the order of the lists: each step uses all processors itself.
.NOTPARALLEL:
.PHONY: help setup build sanitized upstream images up demo test unit integration compat tsan fuzz e2e crds down clean
FUZZ_SECONDS ?= 60

NESTOR := build/release/nestor

help: ## This list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install the Debian packages that are missing
	@tools/step "packages" tools/setup

upstream: setup ## Build upstream's programs (cached by content)
	@tools/step "upstream programs" upstream/build

build: setup ## Build build/release/nestor
	@tools/step "nestor" tools/build release nestor

sanitized: setup ## Build nestor and its tests under the address and undefined-behaviour sanitizers
	@tools/step "build with sanitizers" tools/build asan

images: upstream build ## Make the container and worker images (cached by content)
	@tools/step "images" images/build

up: images ## Start the management cluster on this machine, with Nestor in it
	@$(NESTOR) up

demo: up ## From nothing to a pod that answers in a tenant cluster
	@test/e2e/demo.sh

test: unit integration ## Unit, integration and end-to-end tests
	@test/e2e/run node crash

unit: sanitized ## Unit tests
	@ctest --preset asan -L 'unit|fuzz' -j2

integration: sanitized images ## Tests on a real kube-apiserver, etcd and QEMU
	@images/qemu
	@NESTOR_QEMU_FOLDER=$(CURDIR)/build/assets/qemu ctest --preset asan -L integration

compat: sanitized images ## Against upstream's other ends
	@ctest --preset asan -L compat

tsan: setup ## What uses several threads, under the thread sanitizer
	@tools/step "build with the thread sanitizer" tools/build tsan concurrent
	@ctest --preset tsan -L concurrent

fuzz: setup ## Each fuzz target for FUZZ_SECONDS (60)
	@tools/step "build fuzz targets" tools/build fuzz fuzz
	@test/fuzz/run $(FUZZ_SECONDS)

e2e: images ## All end-to-end tests, also those that `test` leaves out for their time
	@test/e2e/run

crds: build ## Write the CRDs of the API types into the chart, and their reference into docs/
	@$(NESTOR) crds > charts/nestor/crds/nestor.yaml
	@$(NESTOR) crds --markdown > docs/reference/api.md

down: ## Stop the management cluster and remove what `up` made
	@$(NESTOR) down

clean: ## Remove build/ (caches stay in the user's cache directory)
	@rm -rf build
