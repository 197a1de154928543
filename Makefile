# wconf. `make help` lists the targets; only `make check` needs more than Go.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
COMMIT  ?= $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
# The modification time of the newest commit, so that builds are reproducible.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

TAGS    := urfave_cli_no_docs
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
BUILD   := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -tags $(TAGS) -ldflags '$(LDFLAGS)'

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.1

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

.PHONY: build
build: ## build bin/wconf for this machine
	$(BUILD) -o bin/wconf ./cmd/wconf

.PHONY: demo
demo: build ## play the main job in a temporary directory, in under a minute
	bin/wconf demo

.PHONY: test
test: ## run the tests that need Go alone, without root, in under five minutes
	@$(GO) run .ci/gotest.go ./...

.PHONY: race
race: ## run the same tests with the race detector
	$(GO) test -race ./...

.PHONY: lint
lint: ## gofmt, go vet, staticcheck
	@test -z "$$(gofmt -l cmd runtime hostfuncs guests examples)" || { gofmt -l cmd runtime hostfuncs guests examples; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
