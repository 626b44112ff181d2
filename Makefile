# Two commands do everything on a fresh Debian machine: `make run` and `make test`.

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null)
BIN     := bin/dlbench
# go-nvml's header marks functions that are still needed as deprecated.
export CGO_CFLAGS := -O2 -Wno-deprecated-declarations
# What tests and linters of the Python room run in.
VENV    := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/dlbench/venv-1
GORELEASER := github.com/goreleaser/goreleaser/v2@v2.16.0
# Tests write and fsync as in real use, and on a disk mostly wait for that: what they write lies in memory if 4 GB are
# free there. Compilers stay on the disk.
SCRATCH := $(shell [ -w /dev/shm ] && [ "$$(df --output=avail /dev/shm 2>/dev/null | tail -1)" -gt 4000000 ] 2>/dev/null && echo TMPDIR=/dev/shm GOTMPDIR=$${TMPDIR:-/tmp})
GO_SOURCES := $(shell find cmd runners workloads metrics reports docker -type f -not -name '*_test.go') go.mod go.sum

.PHONY: run test test-go test-runners host-run host-test host-lint host-cluster unit race python java lint lint-go lint-python snapshot release build install-lint faults cluster bench bench-fidelity bench-gpu requirements echarts clean

run: host-run $(BIN) ## set up what is missing, measure suite smoke, print where the report is
	@$(BIN) setup
	@$(BIN) run --suite smoke

# Before anything is put on the machine, it is said.
host-run:
	@sh .ci/host run engine

host-test:
	@sh .ci/host test engine python browser maven

host-lint:
	@sh .ci/host lint python

host-cluster:
	@sh .ci/host cluster python slurm

build: $(BIN)

$(BIN): $(GO_SOURCES)
	@echo "building $@"
	@go build -trimpath -ldflags "-X main.buildVersion=$(VERSION)" -o $@ ./cmd/dlbench

test: host-test $(BIN) $(VENV)/ready ## everything: setup, unit tests, conformance in containers, a real campaign
	@$(BIN) setup
	$(BIN) images build reference best
	@$(MAKE) --no-print-directory -j2 test-go test-runners

# The packages that take longest come first: the last to end should not have begun last.
test-go:
	$(SCRATCH) DLBENCH_TEST_PYTHON=$(VENV)/bin/python DLBENCH_TEST_CONTAINERS=1 go test -trimpath -timeout 30m \
	 ./cmd/dlbench ./workloads/onnx ./runners/parity ./runners/bench ./reports/html ./runners/images ./...

# Both halves wait as often as they compute, for processes and containers that start. No test looks at a figure of the
# campaign.
test-runners:
	@echo "beside the tests in Go: pytest, the protocol and a campaign of every runner, told in bin/runners.txt and at their end"
	@.ci/runners $(BIN) $(VENV)/bin/python > bin/runners.txt 2>&1 || { cat bin/runners.txt; exit 1; }
	@cat bin/runners.txt

unit: ## the tests that need neither engine nor browser
	$(SCRATCH) go test -short ./...

# A program with the detector sleeps for a second before it exits, unless it is told otherwise; the tests play engines by
# hundreds of them.
race: ## the same under the race detector, which needs a C compiler
	$(SCRATCH) GORACE=atexit_sleep_ms=10 go test -race -short -vet=off -timeout 30m ./...

python: $(VENV)/ready
	$(VENV)/bin/python -m pytest -q -n auto --maxprocesses 4 runners/sdk/python

java: ## the tests of DL4J's runner
	@if command -v mvn > /dev/null; then mvn -q -B -f runners/frameworks/dl4j/pom.xml test > bin/java.txt 2>&1 || { tail -60 bin/java.txt; exit 1; }; fi

$(VENV)/ready: runners/sdk/python/requirements-test.txt | host-lint
	@echo "making $(VENV), for pytest and the linters: about 100 MB to download, 370 MB on disk"
	@python3 -m venv $(VENV)
	@$(VENV)/bin/python -m pip install -q -r runners/sdk/python/requirements-test.txt
	@touch $@

lint: lint-go lint-python ## gofmt, go vet, staticcheck, golangci-lint, actionlint, ruff, mypy

lint-go:
	@test -z "$$(gofmt -l cmd runners workloads metrics reports docker)" || { gofmt -l cmd runners workloads metrics reports docker; exit 1; }
	go vet ./...
	go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...
	go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 run
	go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

lint-python: $(VENV)/ready
	$(VENV)/bin/ruff check runners
	$(VENV)/bin/ruff format --check runners
	cd runners && $(VENV)/bin/mypy

# Containers, small disks and control groups: as root, beside an idle machine's other work.
ENGINES ?= podman,docker,local
faults: $(BIN) $(VENV)/ready ## what is left when jobs are cancelled, disks fill and engines vanish: docs/faults.md
	@$(BIN) setup
	$(BIN) images build reference
	DLBENCH_FAULTS=$(ENGINES) DLBENCH_FAULTS_PROGRAM=$(BIN) DLBENCH_FAULTS_TABLE=docs/faults.md DLBENCH_TEST_PYTHON=$(VENV)/bin/python \
	 go test -count=1 -timeout 60m -parallel 3 ./cmd/faults

# A Slurm of its own on this machine, as root; nothing of it stays.
cluster: host-cluster $(BIN) $(VENV)/ready ## runs on a real Slurm cluster of two nodes, and its faults: docs/cluster.md
	DLBENCH_CLUSTER=1 DLBENCH_CLUSTER_PROGRAM=$(BIN) DLBENCH_CLUSTER_TABLE=docs/cluster.md DLBENCH_TEST_PYTHON=$(VENV)/bin/python \
	 go test -count=1 -timeout 30m ./cmd/cluster

bench: ## what the harness itself costs
	go test -run '^$$' -bench . ./metrics/sample ./workloads/tensors ./reports/html ./reports/compare ./reports/history ./reports/trend

bench-fidelity: $(BIN) ## each runner against a bare loop of its framework, interleaved in one container image
	@$(BIN) setup
	@$(BIN) fidelity

# On a machine with a GPU, PyTorch and JAX, and neither container engine nor network.
ROUNDS ?= 6
DEVICE ?= gpu:0
bench-gpu: $(BIN) ## PyTorch and JAX against their bare loops on a GPU: results/gpu-fidelity.md
	@$(BIN) fidelity --engine local --device $(DEVICE) --suite gpu --runner pytorch,jax --rounds $(ROUNDS) -o results/gpu-fidelity.md

requirements: ## pin the images' Python packages again, by version and hash
	python3 docker/pin.py

echarts: ## fetch the chart library again from the npm registry
	cd reports/html/assets && npm pack --silent echarts@6.1.0 && tar xzf echarts-6.1.0.tgz \
	 && mv package/dist/echarts.common.min.js . && mv package/LICENSE LICENSE.echarts && mv package/NOTICE NOTICE.echarts \
	 && mv package/licenses/LICENSE-d3 LICENSE.d3 && rm -r package echarts-6.1.0.tgz

snapshot: ## build what a release holds into dist/: archives, checksums, lists of components, licences
	go run $(GORELEASER) release --snapshot --clean

release: ## publish what the tag is on
	go run $(GORELEASER) release --clean

clean:
	rm -rf bin dist
