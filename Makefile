# make test    what must hold (CI); installs the Debian packages it needs when root
# make build   ./informant
# make fuzz    every fuzz target for FUZZTIME
# make soak-recording   a recording of 5 GB alone: written, sealed, verified, searched in constant memory
# make bench   benchmarks, and the comparisons: the whole program with tshark, recordings with
#              zstd -19, gzip -9 and mitmproxy's flow file (where mitmproxy is installed)
# make soak    the tests of cmd/informant/proof, decode/check, capture/recording and proxy with full counts, then each fuzz
#              target for SOAKTIME (a minute, and there are a score): about an hour

GO       ?= go
TIMEOUT  ?= 40m
FUZZTIME ?= 10s
SOAKTIME ?= 1m

# ./... leaves folders of the name testdata out.
PACKAGES = ./... ./testdata/gen/... ./testdata/mutate/...

.PHONY: test build deps format vet lint unit fuzz bench soak soak-recording clean

test: deps format vet lint unit

build:
	CGO_ENABLED=0 $(GO) build -trimpath -o informant ./cmd/informant

# tshark is the witness of the differential tests, minisign that of signatures,
# curl, openssl and mitmdump are clients of the proxy, nginx is a server behind it,
# apache2 one that asks for Digest;
# without them nothing is tested in silence: make fails.
deps:
	@PATH="$$PATH:/usr/sbin"; for tool in tshark minisign curl openssl nginx mitmdump apache2; do \
	  command -v $$tool >/dev/null && continue; \
	  package=$$tool; [ $$tool = mitmdump ] && package=mitmproxy; [ $$tool = apache2 ] && package=apache2-bin; \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing $$package"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$package >/dev/null || exit 1; \
	  else \
	    echo "$$tool is missing: install it (Debian: apt-get install $$package)" >&2; exit 1; \
	  fi; \
	done

format:
	@files="$$(gofmt -l $$(git ls-files '*.go' 2>/dev/null || find . -name '*.go'))"; \
	if [ -n "$$files" ]; then echo "not formatted (gofmt -w):"; echo "$$files"; exit 1; fi

vet:
	$(GO) vet $(PACKAGES)

lint:
	$(GO) tool staticcheck $(PACKAGES)

unit:
	@echo 'scaled down in this run, in full with make soak: the ways in which cmd/informant/proof cuts, reorders, repeats, shortens'
	@echo 'and loses packets of captures (tests there say how often); the size of its bombs; fuzz targets run their seeds only'
	$(GO) test -timeout $(TIMEOUT) $(PACKAGES)
	@echo 'and once more with the race detector, of the longest tests a sample (-short)'
	$(GO) test -race -short -timeout $(TIMEOUT) $(PACKAGES)

# One target at a time: go test takes one fuzz target of one package.
fuzz:
	@set -e; for dir in $$($(GO) list -f '{{.Dir}}' ./...); do \
	  for target in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$$dir"/*_test.go 2>/dev/null | sed 's/^func //'); do \
	    echo "$$target in $${dir#$(CURDIR)/}"; \
	    $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$dir"; \
	  done; done

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...
	$(GO) run ./cmd/informant/bench
	$(GO) run ./cmd/informant/bench/recordings
	$(GO) run ./cmd/informant/bench/proxy

# Without -race, which make test has: the counts are what takes the time.
soak:
	INFORMANT_SOAK=1 $(GO) test -count=1 -timeout 1h ./cmd/informant/proof ./decode/check ./capture/recording ./proxy ./replay
	$(MAKE) fuzz FUZZTIME=$(SOAKTIME)

soak-recording:
	INFORMANT_SOAK=1 $(GO) test -count=1 -timeout 1h -v -run RecordingOfAnySize ./cmd/informant/proof

clean:
	rm -f informant
