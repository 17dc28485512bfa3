# dspool: everything that is done to this repository. `make` prints what there is.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.ONESHELL:
MAKEFLAGS += --no-print-directory

GOLANGCI_VERSION := v2.15.0
FUZZTIME ?= 20s
SCALE ?= 3
SOAK ?= 10m
TEST_TIMEOUT ?= 20m
CROSS := linux/amd64 linux/arm64 darwin/arm64

TMP := $(CURDIR)/.tmp
VENV := $(TMP)/venv
PYTHON := $(VENV)/bin/python
READY := $(TMP)/venv.ready
PEERS := $(TMP)/peers.ready
GOLANGCI := $(TMP)/bin/golangci-lint-$(GOLANGCI_VERSION)
STEP := .ci/step

# The race detector needs a C compiler. Without one the tests run all the same.
RACE := $(if $(shell command -v "$$(go env CC)"),-race,)

# Tests of the real tier use the development environment, and fail if it is not
# there instead of being skipped. They never see the user's own settings.
TEST_ENV := env -u DSPOOL_PYTHON -u DSPOOL_CACHE -u DSPOOL_LM -u DSPOOL_LM_BASE \
	DSPOOL_TEST_PYTHON=$(PYTHON) DSPOOL_REQUIRE=python,dspy,userns LITELLM_LOCAL_MODEL_COST_MAP=True

.PHONY: help
help: ## Show what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: build
build: ## Build bin/dspool
	@mkdir -p bin
	go build -trimpath -o bin/dspool ./cmd/dspool

.PHONY: prices
prices: $(READY) ## Write lm/prices.json anew, from the table that the development environment's DSPy carries
	@$(PYTHON) lm/refresh_prices.py

.PHONY: demo
demo: build ## Build, make the Python environment once, and run the demo
	@bin/dspool demo

.PHONY: test
test: ## Everything CI checks; installs what it needs under .tmp
	@begun=$$SECONDS
	$(STEP) "development environment" $(MAKE) $(READY)
	$(STEP) "vet" go vet ./...
	$(STEP) "cross-builds" $(MAKE) cross
	$(STEP) "python: pytest" $(MAKE) pytest
	$(STEP) "python: mypy" $(MAKE) mypy
	$(STEP) "python: ruff" $(MAKE) ruff
	$(STEP) "go: all tiers, examples, fuzz seeds, command line" $(MAKE) gotest
	$(STEP) "golangci-lint" $(MAKE) lint
	echo "all of make test passed ($$((SECONDS - begun)) s)"

.PHONY: gotest
gotest: $(READY) ## Go tests only: unit, wire mock, real, examples, fuzz seeds
	@test -n "$(RACE)" || echo "WARNING: no C compiler, so the race detector is off" >&2
	$(TEST_ENV) go test $(RACE) -parallel 8 -timeout $(TEST_TIMEOUT) ./...

.PHONY: short
short: ## Unit and wire mock only: no Python, no race detector, short storms
	DSPOOL_REQUIRE= DSPOOL_TEST_PYTHON= go test -short -parallel 8 -timeout $(TEST_TIMEOUT) ./...

.PHONY: race
race: $(READY) ## Go tests three times over with the race detector
	$(TEST_ENV) go test -race -count=3 -timeout 3h ./...

.PHONY: slow
slow: $(READY) ## The storms at full length, with the race detector
	DSPOOL_SLOW=1 $(TEST_ENV) go test $(RACE) -count=1 -timeout 1h -run 'Storm' ./...

.PHONY: check
check: lint mypy ruff ## Linters and types, no tests
	go vet ./...

.PHONY: lint
lint: $(GOLANGCI) ## golangci-lint, pinned
	$(GOLANGCI) run ./...

.PHONY: fmt
fmt: $(GOLANGCI) ## Format Go and Python
	$(GOLANGCI) fmt ./...
	$(PYTHON) -m ruff format pyworker

.PHONY: mypy
mypy: $(READY) ## Types of the Python side
	cd pyworker && $(PYTHON) -m mypy

.PHONY: ruff
ruff: $(READY) ## Lint and format of the Python side
	cd pyworker
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

.PHONY: pytest
pytest: $(READY) ## Tests of the Python side
	cd pyworker && $(TEST_ENV) $(PYTHON) -m pytest -q

.PHONY: cross
cross: ## Build and vet for every platform that is promised
	@for platform in $(CROSS); do
		export GOOS=$${platform%/*} GOARCH=$${platform#*/} CGO_ENABLED=0
		go vet ./...
		go build -o /dev/null ./cmd/dspool
		echo "$$platform builds"
	done

.PHONY: fuzz
fuzz: ## Fuzz every decoder for FUZZTIME each
	@go test -list '^Fuzz' ./... \
		| awk '/^Fuzz/ {names[n++] = $$1} /^ok/ {for (i = 0; i < n; i++) print $$2, names[i]; n = 0}' \
		| while read -r package name; do
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$package" </dev/null
		done

.PHONY: bench
bench: build $(PEERS) ## Measure the figures on this machine, long; raw values go to bench/results
	@mkdir -p bench/results
	@bin/dspool bench --scale $(SCALE) --peers bench/peers --peers-python $(TMP)/peers/bin/python \
		--out bench/results/$$(date -u +%Y%m%dT%H%M%SZ).json

.PHONY: soak
soak: build $(READY) ## Full load for SOAK=10m; fails if memory, descriptors or threads grow
	@mkdir -p bench/results
	DSPOOL_PYTHON=$(PYTHON) LITELLM_LOCAL_MODEL_COST_MAP=True \
		bin/dspool soak --for $(SOAK) --out bench/results/soak-$$(date -u +%Y%m%dT%H%M%SZ).json

.PHONY: micro
micro: $(READY) ## Every Go benchmark once, so that they keep working
	$(TEST_ENV) go test -run '^$$' -bench . -benchtime 1x ./...

.PHONY: cover
cover: $(READY) ## Coverage of the Go tests, as .tmp/cover.html
	$(TEST_ENV) go test -timeout $(TEST_TIMEOUT) -coverpkg ./... -coverprofile $(TMP)/cover.out ./...
	go tool cover -html $(TMP)/cover.out -o $(TMP)/cover.html
	go tool cover -func $(TMP)/cover.out | tail -1

.PHONY: lock
lock: $(READY) ## Resolve the Python packages again; UPGRADE=--upgrade takes newer ones
	@for name in pyworker/requirements pyworker/requirements-dev bench/peers/requirements; do
		cd $(CURDIR)/$$(dirname $$name)
		$(VENV)/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.10 --no-emit-index-url \
			--no-emit-find-links --custom-compile-command "make lock" $(UPGRADE) $$(basename $$name).in -o $$(basename $$name).lock
	done

.PHONY: clean
clean: ## Remove everything that make has built
	rm -rf bin $(TMP)

# The development environment is made by dspool itself, from the development
# lock, in a cache folder of its own.
$(READY): pyworker/requirements-dev.lock
	@mkdir -p $(TMP)
	python=$$(go run ./cmd/dspool env create --cache $(TMP)/cache --lock pyworker/requirements-dev.lock)
	ln -sfn "$$(dirname "$$(dirname "$$python")")" $(VENV)
	touch $@

# What predictions are compared with has an environment of its own, made the
# same way.
$(PEERS): bench/peers/requirements.lock
	@mkdir -p $(TMP)
	python=$$(go run ./cmd/dspool env create --cache $(TMP)/cache --lock $<)
	ln -sfn "$$(dirname "$$(dirname "$$python")")" $(TMP)/peers
	touch $@

$(GOLANGCI):
	@mkdir -p $(TMP)/bin
	GOBIN=$(TMP)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $(TMP)/bin/golangci-lint $@
