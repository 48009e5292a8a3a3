# SPDX-License-Identifier: MIT

# What several test programs share (.c and .h), and what tests read or run besides.
test_support_sources = \
	tests/support/acting_poll.h \
	tests/support/alternative_names.h \
	tests/support/exact_copy.h \
	tests/support/failing_allocator.h \
	tests/support/fault_vtable.h \
	tests/support/heap_in_use.h \
	tests/support/loopback.h \
	tests/support/plain_socket.h \
	tests/support/broker_version.c tests/support/broker_version.h \
	tests/support/certificate_reading.c tests/support/certificate_reading.h \
	tests/support/client.c tests/support/client.h \
	tests/support/command.c tests/support/command.h \
	tests/support/config_connection.c tests/support/config_connection.h \
	tests/support/connect_proxy.c tests/support/connect_proxy.h \
	tests/support/der_text.c tests/support/der_text.h \
	tests/support/driven_pair.c tests/support/driven_pair.h \
	tests/support/driven_peer.c tests/support/driven_peer.h \
	tests/support/fault_client.c tests/support/fault_client.h \
	tests/support/memory_peer.c tests/support/memory_peer.h \
	tests/support/memory_session.c tests/support/memory_session.h \
	tests/support/minted_chain.c tests/support/minted_chain.h \
	tests/support/minted_certificates.c tests/support/minted_certificates.h \
	tests/support/minted_revocation.c tests/support/minted_revocation.h \
	tests/support/mounted_secret.c tests/support/mounted_secret.h \
	tests/support/open_descriptors.h \
	tests/support/other_user.h \
	tests/support/paths.c tests/support/paths.h \
	tests/support/peer_process.c tests/support/peer_process.h \
	tests/support/peer_thread.c tests/support/peer_thread.h \
	tests/support/private_broker.c tests/support/private_broker.h \
	tests/support/session_cases.c tests/support/session_cases.h \
	tests/support/soft_token.c tests/support/soft_token.h \
	tests/support/temporary_folder.c tests/support/temporary_folder.h \
	tests/support/time_limit.h \
	tests/support/tls_server.c tests/support/tls_server.h \
	tests/support/unsigned_range.h
test_support_files = \
	tests/support/check-deliveries \
	tests/support/check-kubernetes tests/support/kubectl tests/support/kubernetes-schemas.json \
	tests/support/define-internal-names \
	tests/support/mint-certificates \
	tests/support/mint-revocation \
	tests/support/mint-svids \
	tests/support/take-certificates \
	tests/support/interposed_function.c tests/support/runtime_report.c \
	tests/support/configured-builds.sh \
	tests/support/tap.sh \
	tests/support/unmodified_client.sh \
	tests/support/fips_test_double.c tests/support/fips_test_double.h tests/support/fips_test_double_services.h

# What stands between tests and their peers, each built from one file of its name with nothing but the C library.
plain_helper_programs = tests/support/recording_relay tests/support/rewriting_relay
tests_support_recording_relay_CPPFLAGS = -D_GNU_SOURCE $(HARDENING_CPPFLAGS)
tests_support_recording_relay_LDADD =
tests_support_rewriting_relay_CPPFLAGS = -D_GNU_SOURCE $(HARDENING_CPPFLAGS)
tests_support_rewriting_relay_LDADD =

# Talks AMQP without TLS to what is under test, built from one file of its name with rabbitmq-c.
rabbitmq_helper_programs = tests/support/janus_requester
tests_support_janus_requester_CPPFLAGS = $(ssl_client_cppflags)
tests_support_janus_requester_LDADD = $(RABBITMQ_RPATH) $(RABBITMQ_LIBS)

# Built by build_options.sh and fips_options.sh in the builds it makes.
tests_support_show_policy_CPPFLAGS = $(example_cppflags)
tests_support_show_policy_LDADD = $(example_ldadd)

# Peers that tests start, each built from one file of its name with OpenSSL, if no SOURCES are given. Left out where
# OpenSSL is missing. For a program NAME add two lines:
#   tests_support_NAME_CPPFLAGS = $(helper_cppflags)
#   tests_support_NAME_LDADD = $(OPENSSL_LIBS)
openssl_helper_programs = tests/support/crafting_server tests/support/flooding_server tests/support/forge_certificate \
	tests/support/mint_chain tests/support/mint_ocsp_response tests/support/tls_proxy
tests_support_crafting_server_SOURCES = \
	tests/support/client_records.c tests/support/client_records.h \
	tests/support/crafting_server.c
tests_support_crafting_server_CPPFLAGS = $(helper_cppflags)
tests_support_crafting_server_LDADD = $(OPENSSL_LIBS)
tests_support_flooding_server_CPPFLAGS = $(helper_cppflags)
tests_support_flooding_server_LDADD = $(OPENSSL_LIBS)
tests_support_forge_certificate_CPPFLAGS = $(helper_cppflags)
tests_support_forge_certificate_LDADD = $(OPENSSL_LIBS)
tests_support_mint_chain_CPPFLAGS = $(helper_cppflags)
tests_support_mint_chain_LDADD = $(OPENSSL_LIBS)
tests_support_mint_ocsp_response_CPPFLAGS = $(helper_cppflags)
tests_support_mint_ocsp_response_LDADD = $(OPENSSL_LIBS)
tests_support_tls_proxy_SOURCES = \
	tests/support/tls_proxy.c \
	tests/support/tls_proxy_connection.h \
	tests/support/tls_proxy_context.c tests/support/tls_proxy_context.h \
	tests/support/tls_proxy_io.c tests/support/tls_proxy_io.h \
	tests/support/tls_proxy_options.c tests/support/tls_proxy_options.h \
	tests/support/tls_proxy_relay.c tests/support/tls_proxy_relay.h \
	tests/support/tls_proxy_report.c tests/support/tls_proxy_report.h \
	tests/support/tls_proxy_server.c tests/support/tls_proxy_server.h \
	tests/support/tls_proxy_tls.c tests/support/tls_proxy_tls.h
tests_support_tls_proxy_CPPFLAGS = $(helper_cppflags)
tests_support_tls_proxy_LDADD = $(OPENSSL_LIBS)

# A program for rabbitmq-c's own TLS socket, from one file: linked with the drop-in library before rabbitmq-c, with
# rabbitmq-c alone, and with archives.
ssl_client_programs = tests/support/ssl_client_relinked
tests_support_ssl_client_relinked_SOURCES = tests/support/ssl_client.c
tests_support_ssl_client_relinked_CPPFLAGS = -I$(top_srcdir)/include/compat $(ssl_client_cppflags)
tests_support_ssl_client_relinked_LDADD = librabbitmq-wolfssl-compat.la librabbitmq-wolfssl.la $(RABBITMQ_RPATH) \
	$(WOLFSSL_RPATH) $(RABBITMQ_LIBS)
tests_support_ssl_client_unmodified_SOURCES = tests/support/ssl_client.c
tests_support_ssl_client_unmodified_CPPFLAGS = $(ssl_client_cppflags)
tests_support_ssl_client_unmodified_LDADD = $(RABBITMQ_RPATH) $(RABBITMQ_LIBS)
tests_support_ssl_client_static_SOURCES = tests/support/ssl_client.c
tests_support_ssl_client_static_CPPFLAGS = -I$(top_srcdir)/include/compat $(ssl_client_cppflags)
# Not through libtool, which would prefer shared libraries.
tests_support_ssl_client_static_LINK = $(CC) $(AM_CFLAGS) $(CFLAGS) $(AM_LDFLAGS) $(LDFLAGS) -o $@
tests_support_ssl_client_static_LDADD = .libs/librabbitmq-wolfssl-compat.a .libs/librabbitmq-wolfssl.a \
	$(STATIC_DEPENDENCIES)
tests_support_ssl_client_static_DEPENDENCIES = $(archives_ready)
if HAVE_RABBITMQ_SSL
ssl_client_programs += tests/support/ssl_client_unmodified
endif
if HAVE_STATIC_DEPENDENCIES
ssl_client_programs += tests/support/ssl_client_static
endif
