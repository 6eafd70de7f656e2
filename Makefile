# make            what there is
# Needs Go, git and make; nothing else.

BIN := bin
GO ?= go
GOTEST ?= $(GO) test
PACKAGES := ./...
export CGO_ENABLED ?= 0

.PHONY: help build image test demo check tidy format vet lint race bench-core bench-apitest bench-bench bench-clusters chaos clean

help:
	@echo "make build          bin/parley and bin/apitest"
	@echo "make image          a container image of one server, parley:latest (wants Docker)"
	@echo "make demo           build, then the whole tour in one command: cluster, services, tests, load, report"
	@echo "make test           every test"
	@echo "make check          what CI runs: tidy, format, vet, lint, tests with the race detector (wants a C compiler)"
	@echo "make bench-core     speed and size, as ratios against a baseline in the same run"
	@echo "make bench-apitest  speed and memory of apitest, against godog's in the same run"
	@echo "make bench-bench    how honest and how light the load generator is (BENCH='--soak 10m' asks for more)"
	@echo "make bench-clusters speed of clusters: until they are up, follow a deployment, fail over"
	@echo "make chaos          faults under load: what is lost, unknown and doubled (CHAOS='--only F1 --set F1=2000' asks for more)"

build:
	$(GO) build -trimpath -ldflags '-s -w' -o $(BIN)/ ./cmd/parley ./cmd/apitest

# The image of one server, with the authorities that this machine trusts.
CERTIFICATES := $(firstword $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem))
image:
	@test -n "$(CERTIFICATES)" || { echo "no file of certificate authorities here (Debian: ca-certificates); name one: make image CERTIFICATES=FILE"; exit 1; }
	rm -rf $(BIN)/image
	mkdir -p $(BIN)/image/data
	chmod 700 $(BIN)/image/data
	cp "$(CERTIFICATES)" $(BIN)/image/ca-certificates.crt
	CGO_ENABLED=0 GOOS=linux $(GO) build -trimpath -ldflags '-s -w' -o $(BIN)/image/parley ./cmd/parley
	docker build --tag parley --file Dockerfile $(BIN)/image

demo: build
	$(BIN)/apitest demo --out out/demo

# Features run against the binaries built just before: a cached pass proves nothing.
test: build
	PARLEY_BIN=$(CURDIR)/$(BIN)/parley $(GOTEST) -timeout=30m $$($(GO) list $(PACKAGES) | grep -v /features$$)
	PARLEY_BIN=$(CURDIR)/$(BIN)/parley $(GOTEST) -timeout=30m -count=1 ./features

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
	CGO_ENABLED=1 PARLEY_BIN=$(CURDIR)/$(BIN)/parley $(GOTEST) -race -timeout=30m $(PACKAGES)

bench-core: build
	$(GO) run ./cmd/bench-core

bench-apitest: build
	$(GO) run ./cmd/bench-apitest

bench-bench:
	$(GO) build -o $(BIN)/ ./cmd/bench-bench
	$(BIN)/bench-bench $(BENCH)

bench-clusters: build
	$(GO) run ./cmd/bench-clusters

chaos: build
	PARLEY_BIN=$(CURDIR)/$(BIN)/parley $(GO) run ./cmd/chaos $(CHAOS)

clean:
	rm -rf $(BIN) out
