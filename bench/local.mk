# SPDX-License-Identifier: MIT

bench_files = bench/run bench/measure-instructions bench/instruction-budget

# The programs see the public header only, but for what measures wolfSSL by itself. -no-install: the real programs, not
# libtool's scripts, for strace and callgrind.
bench_programs = bench/client bench/sink bench/raw_aes_gcm
bench_client_SOURCES = bench/aes_gcm.c bench/aes_gcm.h bench/client.c bench/connection.c bench/connection.h \
	bench/floor.c bench/floor.h bench/meter.c bench/meter.h \
	bench/workload.c bench/workload.h
bench_client_CPPFLAGS = $(example_cppflags) $(WOLFSSL_CFLAGS) $(OPENSSL_CFLAGS) $(JANSSON_CFLAGS)
bench_client_LDADD = $(example_ldadd) $(WOLFSSL_RPATH) $(WOLFSSL_LIBS) $(OPENSSL_LIBS) $(JANSSON_LIBS)
bench_client_LDFLAGS = $(AM_LDFLAGS) -no-install
bench_sink_SOURCES = bench/sink.c
bench_sink_CPPFLAGS = $(helper_cppflags)
bench_sink_LDADD = $(OPENSSL_LIBS) -lpthread
bench_raw_aes_gcm_SOURCES = bench/aes_gcm.c bench/aes_gcm.h bench/raw_aes_gcm.c bench/meter.c bench/meter.h
bench_raw_aes_gcm_CPPFLAGS = -D_GNU_SOURCE $(HARDENING_CPPFLAGS) $(WOLFSSL_CFLAGS) $(JANSSON_CFLAGS)
bench_raw_aes_gcm_LDADD = $(WOLFSSL_RPATH) $(WOLFSSL_LIBS) $(JANSSON_LIBS)
bench_raw_aes_gcm_LDFLAGS = $(AM_LDFLAGS) -no-install

# Settings of a run: `make bench BENCH_OPTIONS=--quick`. $PRIVATE_WOLFSSL_PREFIX: a wolfSSL with AES instructions,
# when one is there already.
BENCH_OPTIONS =
bench_folder = $(abs_top_builddir)/bench/private

if HAVE_BENCH
bench-programs: $(bench_programs)

# From a copy, as `make dist` makes it: a source tree that was configured can't be configured again elsewhere.
bench: $(bench_programs)
	prefix='$(PRIVATE_WOLFSSL_PREFIX)'; \
	if test -z "$$prefix"; then \
	  prefix='$(bench_folder)/wolfssl'; \
	  test -f "$$prefix/share/built-by-build-wolfssl" || \
	    $(SHELL) $(top_srcdir)/scripts/build-wolfssl --private --prefix "$$prefix" || exit 1; \
	fi; \
	$(MKDIR_P) '$(bench_folder)/build' && \
	$(MAKE) $(AM_MAKEFLAGS) distdir distdir='bench/private/source' && \
	cd '$(bench_folder)/build' && \
	../source/configure --quiet $(DISTCHECK_PREFIXES) --with-wolfssl="$$prefix" CC='$(CC)' CFLAGS='$(CFLAGS)' && \
	$(MAKE) $(AM_MAKEFLAGS) bench-programs
	$(top_srcdir)/bench/run --build system='$(abs_top_builddir)/bench' --build private='$(bench_folder)/build/bench' \
	  --json '$(abs_top_builddir)/bench/result.json' $(BENCH_OPTIONS)
else
bench bench-programs:
	@echo 'OpenSSL, jansson or the OpenSSL transport of librabbitmq is missing: apt-get install libssl-dev' \
	  'libjansson-dev librabbitmq-dev, then configure again' >&2
	@exit 1
endif
.PHONY: bench bench-programs

clean-local:
	-chmod -R u+w '$(bench_folder)' 2>/dev/null
	-rm -rf '$(bench_folder)'
