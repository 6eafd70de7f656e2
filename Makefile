# make            what there is
# Needs Go, git and make; nothing else.

BIN := bin
GO ?= go
PACKAGES := ./...
export CGO_ENABLED ?= 0

.PHONY: help build test demo check tidy format vet lint race bench-core bench-apitest clean

help:
	@echo "make build          bin/parley and bin/apitest"
	@echo "make demo           build, then the whole tour in one command: cluster, services, tests, load, report"
	@echo "make test           every test"
	@echo "make check          what CI runs: tidy, format, vet, lint, tests with the race detector (wants a C compiler)"
	@echo "make bench-core     speed and size, as ratios against a baseline in the same run"
	@echo "make bench-apitest  speed and memory of apitest, against godog's in the same run"

build:
	$(GO) build -trimpath -ldflags '-s -w' -o $(BIN)/ ./cmd/parley ./cmd/apitest

demo: build
	$(BIN)/apitest demo --out out/demo

# Features run against the binaries built just before: a cached pass proves nothing.
test: build
	PARLEY_BIN=$(CURDIR)/$(BIN)/parley $(GO) test $$($(GO) list $(PACKAGES) | grep -v /features$$)
	PARLEY_BIN=$(CURDIR)/$(BIN)/parley $(GO) test -count=1 ./features

check: tidy format vet lint race

tidy:
	$(GO) mod tidy -diff

format:
	cd tools && $(GO) build -o ../$(BIN)/gofumpt mvdan.cc/gofumpt
	@out=$$($(BIN)/gofumpt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "not formatted (run bin/gofumpt -w .):"; echo "$$out"; exit 1; }

vet:
	$(GO) vet $(PACKAGES)

lint:
	cd tools && $(GO) build -o ../$(BIN)/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	$(BIN)/golangci-lint run

race: build
	CGO_ENABLED=1 PARLEY_BIN=$(CURDIR)/$(BIN)/parley $(GO) test -race $(PACKAGES)

bench-core: build
	$(GO) run ./cmd/bench-core

bench-apitest: build
	$(GO) run ./cmd/bench-apitest

clean:
	rm -rf $(BIN) out
