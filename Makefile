# Bare make lists what there is. Nothing here needs more than Go, but where it says so.

VERSION     ?= $(shell git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null || echo 0.1.0)
FUZZTIME    ?= 15s
BENCH       ?= .
SEED        ?= 1
N           ?= 300
PAYLOADS    ?= 100000
BENCH_FLAGS ?= -records 400000 -search 5000000 -append 500ms -rounds 5
SCALE_FLAGS ?=
FAULT_FLAGS ?= -least 4000 -errors 1700 -pairs 600 -storm 5s -seed $(SEED)
MUTANTS     ?= 20000
CRASH_TIMES ?= 8
# NO_SKIPS=1 makes a skipped test a failure, as CI does.
NO_SKIPS    ?=

TOOL      := go tool -modfile=tools.mod
TESTRUN   := go run ./internal/testrun $(if $(NO_SKIPS),-no-skips) --
# The sweeps with file systems of their own are a module of their own, for Linux alone. What a machine has no
# device, tool or kernel for is skipped there, which with NO_SKIPS is a failure of theirs, too.
REALFS := internal/faults/realfs
ROUNDUP := go run ./roundup -root $(CURDIR) -seed $(SEED) $(if $(NO_SKIPS),-no-skips)
INREAL := $(if $(filter linux,$(shell go env GOOS)),cd $(REALFS) &&,@echo "only on Linux:")
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64

.PHONY: help build demo test check bench peers scale microbench corpus fuzz faults faults-long crash mutants conformance fmt format vet lint deadcode modules cross race clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## bin/opscontext: static, trimmed paths, version stamped
	CGO_ENABLED=0 go build -trimpath -tags urfave_cli_no_docs -ldflags "-X main.release=$(VERSION:v%=%)" -o bin/opscontext ./cmd/opscontext

demo: build ## a five-year log: verified, then a tampered and a rolled-back copy caught
	go run ./internal/demo -bin bin/opscontext

test: ## all tests; those that want node or another tool say that they are skipped
	$(TESTRUN) ./...
	go build -o bin/testrun ./internal/testrun
	$(INREAL) $(CURDIR)/bin/testrun -- ./...

check: format vet modules lint deadcode cross race build demo conformance fuzz faults ## everything CI runs (needs node, gcc, linux/amd64)

bench: build ## cost of each operation, with goals, into bench/RESULTS.md: minutes (zstd, rg; BENCH_FLAGS)
	@mkdir -p bench
	go run ./internal/bench -bin bin/opscontext -results bench/RESULTS.md $(BENCH_FLAGS)

peers: # the module that appends to the logs of others; CI does not build it: it is large, and no part of the program
	cd internal/bench/peers && go mod tidy -diff && go vet ./...

scale: build ## how cost grows up to 50 million records: an hour and 24 GB of disk (SCALE_FLAGS)
	go run ./internal/bench/scale -bin bin/opscontext -markdown bench/SCALE.md -chart docs/scale.svg $(SCALE_FLAGS)

microbench: ## the benchmarks of the packages (BENCH=REGEXP)
	go test -run '^$$' -bench '$(BENCH)' -benchmem ./...

corpus: ## write the damaged logs of testdata/corrupt anew, as their generator makes them
	go test ./internal/corpus -run 'TestCorpus$$' -update -count=1

fuzz: ## every fuzz target for FUZZTIME, as many at a time as there are processors
	scripts/fuzz $(FUZZTIME)

faults: build mutants crash ## kills, power cuts, bad and full disks, under each command, and bugs that they have to find; tables at the end (linux, root)
	$(INREAL) $(ROUNDUP) -kill "$(FAULT_FLAGS)"

faults-long: build ## the same at every point there is: a night
	$(MAKE) mutants MUTANTS=0
	$(MAKE) crash CRASH_TIMES=400
	go test ./segment -run A14ArchiveSwapped -count=1 -swap.for 60s
	$(INREAL) $(ROUNDUP) -kill "-storm 1h -seed $(SEED)" -long

crash: ## what a power cut leaves in memory: CRASH_TIMES as many states as the tests have, drawn with SEED
	scripts/crash $(CRASH_TIMES) $(SEED) 50000

mutants: ## judge a log with MUTANTS bytes changed, one at a time (0: each byte), and with each change of its structure
	go test ./internal/verify -run MutantsOf -count=1 -v -timeout 3h -mutants $(MUTANTS)

conformance: build ## compare with an independent implementation (node; SEED, N, PAYLOADS)
	node testdata/conformance/diff.mjs --bin bin/opscontext --seed $(SEED) --n $(N) --payloads $(PAYLOADS) --vectors testdata/vectors --exit-codes

fmt: ## rewrite Go files as gofmt has them
	gofmt -w .

format: # fails where fmt would change something
	@bad=$$(gofmt -l .); [ -z "$$bad" ] || { echo "not as gofmt has it, run make fmt:"; echo "$$bad"; exit 1; }

vet: ## go vet
	go vet ./...
	$(INREAL) go vet ./...

modules: # go.mod and go.sum say what is imported, no more
	go mod verify
	go mod tidy -diff
	$(INREAL) go mod verify
	$(INREAL) go mod tidy -diff

lint: ## the linters of .golangci.yml, pinned in tools.mod (first run builds them: minutes)
	$(TOOL) golangci-lint run
	$(INREAL) go tool -modfile=$(CURDIR)/tools.mod golangci-lint run

deadcode: # functions that neither a program nor a test reaches
	@dead=$$($(TOOL) deadcode -test ./...); [ -z "$$dead" ] || { echo "never called:"; echo "$$dead"; exit 1; }
	$(INREAL) dead=$$(go tool -modfile=$(CURDIR)/tools.mod deadcode -test ./...); [ -z "$$dead" ] || { echo "never called:"; echo "$$dead"; exit 1; }

cross: ## compile everything, tests too, for every supported platform
	@for p in $(PLATFORMS); do \
		echo "compile for $$p"; \
		CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} go vet ./... || exit 1; \
		CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} go build -o /dev/null ./cmd/opscontext || exit 1; \
	done

race: # all tests under the race detector
	$(TESTRUN) -race ./...
	go build -o bin/testrun ./internal/testrun
	$(INREAL) $(CURDIR)/bin/testrun -- ./... # not -race: nearly all of it is other processes

clean: ## remove what the targets above built
	rm -rf bin
