# SPDX-License-Identifier: MIT

# Each sees the public header only. For a program NAME add three lines as below; the first may be left out when the one
# file of its name is all.
example_shared = examples/example_connection.c examples/example_connection.h
example_programs = examples/connect examples/http_connect examples/publish_confirm examples/show_connection
examples_connect_CPPFLAGS = $(example_cppflags)
examples_connect_LDADD = $(example_ldadd)
examples_http_connect_CPPFLAGS = $(example_cppflags)
examples_http_connect_LDADD = $(example_ldadd)
examples_publish_confirm_SOURCES = examples/publish_confirm.c $(example_shared)
examples_publish_confirm_CPPFLAGS = $(example_cppflags)
examples_publish_confirm_LDADD = $(example_ldadd)
examples_show_connection_SOURCES = examples/show_connection.c $(example_shared)
examples_show_connection_CPPFLAGS = $(example_cppflags)
examples_show_connection_LDADD = $(example_ldadd)

example_cppflags = -I$(top_srcdir)/include -D_GNU_SOURCE $(HARDENING_CPPFLAGS) $(RABBITMQ_CFLAGS)
example_ldadd = librabbitmq-wolfssl.la $(RABBITMQ_RPATH) $(RABBITMQ_LIBS)

examples: $(example_programs)
.PHONY: examples
