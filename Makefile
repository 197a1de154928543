# wconf. `make help` lists the targets; only `make check` needs more than Go.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
COMMIT  ?= $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
# The modification time of the newest commit, so that builds are reproducible.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

TAGS    := urfave_cli_no_docs
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
BUILD   := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -tags $(TAGS) -ldflags '$(LDFLAGS)'

# What "make dist" builds for, and where it puts it.
TARGETS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64
DIST    ?= dist
# The authorities that the image trusts; the image has none where this is not.
CA      ?= /etc/ssl/certs/ca-certificates.crt

FUZZTIME ?= 20s
BENCH    ?= .
COUNT    ?= 1

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
	@$(GO) run .ci/gotest.go -timeout 30m ./...

.PHONY: check
check: ## run every test on real parts, as root on Debian 12; installs them
	@.ci/check

.PHONY: generate
generate: ## write anew what is made from the code: reference pages, imports of SDKs, types of scripts, guests
	@$(GO) test ./cmd/wconf -run '^(TestDocs|TestDifferences)$$' -update
	@$(GO) test ./guests -run '^(TestTypes|TestImports)$$' -update
	@$(MAKE) -s -B -C guests
	@find guests -name '*.wasm' -exec chmod 644 {} +

# Guests and the command line have no goroutines to speak of, and compiling
# large guests takes minutes under the race detector.
RACE ?= ./hostfuncs/... ./runtime/...

.PHONY: race
race: ## run the tests of the rooms with the race detector
	@$(GO) run .ci/gotest.go -race -timeout 45m $(RACE)

.PHONY: lint
lint: ## gofmt, go vet, staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

.PHONY: bench
bench: ## measure the program (a quarter of an hour), then its parts; BENCH=<regexp> chooses, COUNT repeats
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime 1x -count $(COUNT) -timeout 2h ./runtime/bench
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) $$($(GO) list ./... | grep -v '/runtime/bench$$')

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (20s)
	@for file in $$(grep -rlE --include='*_test.go' '^func Fuzz' cmd runtime hostfuncs guests); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' $$file); do \
			echo "$$target ./$$(dirname $$file)"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) ./$$(dirname $$file) || exit 1; \
		done; \
	done

.PHONY: dist
dist: ## build static programs, an OCI image layout and SHA256SUMS into dist/
	@rm -rf $(DIST)
	@for target in $(TARGETS); do \
		echo "build $$target"; \
		GOOS=$${target%/*} GOARCH=$${target#*/} $(BUILD) -o $(DIST)/wconf-$${target%/*}-$${target#*/} ./cmd/wconf || exit 1; \
	done
	$(GO) run .ci/pack.go -version $(VERSION) -commit $(COMMIT) -created $(SOURCE_DATE_EPOCH) -ca $(CA) \
		-out $(DIST)/image -sums $(DIST)/SHA256SUMS \
		$(foreach target,$(filter linux/%,$(TARGETS)),$(notdir $(target))=$(DIST)/wconf-$(subst /,-,$(target)))

# The second build has another directory and an empty cache. One target shows
# what all do, in a minute.
.PHONY: reproduce
reproduce: ## build linux/amd64 twice, from two directories, and compare every byte
	@set -e; dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; mkdir "$$dir/again"; \
	git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - | tar -xf - -C "$$dir/again"; \
	$(MAKE) -s dist TARGETS=linux/amd64 DIST="$$dir/first" VERSION=$(VERSION) COMMIT=$(COMMIT) SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH); \
	GOCACHE="$$dir/cache" $(MAKE) -s -C "$$dir/again" dist TARGETS=linux/amd64 VERSION=$(VERSION) COMMIT=$(COMMIT) SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH); \
	cmp "$$dir/first/SHA256SUMS" "$$dir/again/dist/SHA256SUMS"; \
	echo "the same, twice:"; cat "$$dir/first/SHA256SUMS"
