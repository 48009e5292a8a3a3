# SPDX-License-Identifier: MIT

# Each sees the public header only. For a program NAME add three lines as below; the first may be left out when the one
# file of its name is all.
example_shared = examples/example_connection.c examples/example_connection.h
example_programs = examples/connect examples/http_connect examples/oauth2_client examples/publish_confirm \
	examples/resilient_consumer examples/resilient_publisher examples/rotating_client examples/show_connection
resilient_shared = examples/resilient_connection.c examples/resilient_connection.h \
	examples/resilient_options.c examples/resilient_options.h
examples_connect_CPPFLAGS = $(example_cppflags)
examples_connect_LDADD = $(example_ldadd)
examples_http_connect_CPPFLAGS = $(example_cppflags)
examples_http_connect_LDADD = $(example_ldadd)
examples_oauth2_client_CPPFLAGS = $(example_cppflags)
examples_oauth2_client_LDADD = $(example_ldadd)
examples_publish_confirm_SOURCES = examples/publish_confirm.c $(example_shared)
examples_publish_confirm_CPPFLAGS = $(example_cppflags)
examples_publish_confirm_LDADD = $(example_ldadd)
examples_resilient_consumer_SOURCES = examples/resilient_consumer.c $(resilient_shared)
examples_resilient_consumer_CPPFLAGS = $(example_cppflags)
examples_resilient_consumer_LDADD = $(example_ldadd)
examples_resilient_publisher_SOURCES = examples/resilient_publisher.c $(resilient_shared)
examples_resilient_publisher_CPPFLAGS = $(example_cppflags)
examples_resilient_publisher_LDADD = $(example_ldadd)
examples_rotating_client_CPPFLAGS = $(example_cppflags)
examples_rotating_client_LDADD = $(example_ldadd)
examples_show_connection_SOURCES = examples/show_connection.c $(example_shared)
examples_show_connection_CPPFLAGS = $(example_cppflags)
examples_show_connection_LDADD = $(example_ldadd)

example_cppflags = -I$(top_srcdir)/include -D_GNU_SOURCE $(HARDENING_CPPFLAGS) $(RABBITMQ_CFLAGS)
example_ldadd = librabbitmq-wolfssl.la $(RABBITMQ_RPATH) $(RABBITMQ_LIBS)

kubernetes_example = examples/kubernetes/Containerfile examples/kubernetes/README.md \
	examples/kubernetes/certificates.yaml examples/kubernetes/client.yaml examples/kubernetes/namespace.yaml \
	examples/kubernetes/network-policy.yaml examples/kubernetes/rabbitmq.yaml examples/kubernetes/user.yaml

examples: $(example_programs)
.PHONY: examples
