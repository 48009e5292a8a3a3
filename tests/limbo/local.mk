# SPDX-License-Identifier: MIT

limbo_files = tests/limbo/expected-differences tests/limbo/run

# The program sees the public header only. Left out where OpenSSL or jansson is missing. -export-dynamic: its time()
# stands before the C library's.
limbo_programs = tests/limbo/handshakes
tests_limbo_handshakes_SOURCES = tests/limbo/cases.c tests/limbo/cases.h tests/limbo/client.c tests/limbo/client.h \
	tests/limbo/clock.c tests/limbo/handshakes.c tests/limbo/server.c tests/limbo/server.h
tests_limbo_handshakes_CPPFLAGS = -iquote $(top_srcdir)/tests/support $(example_cppflags) $(OPENSSL_CFLAGS) \
	$(JANSSON_CFLAGS)
tests_limbo_handshakes_LDADD = $(example_ldadd) $(OPENSSL_LIBS) $(JANSSON_LIBS)
tests_limbo_handshakes_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
