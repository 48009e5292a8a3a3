# SPDX-License-Identifier: MIT

# Each is built from one file of its name, with CMocka, linked with the shared library as a user's program is.
# For a program NAME add two lines:
#   tests_integration_NAME_CPPFLAGS = $(integration_cppflags)
#   tests_integration_NAME_LDADD = $(integration_ldadd)
integration_programs = \
	tests/integration/allocation_test \
	tests/integration/broker_test \
	tests/integration/broker_uri_test \
	tests/integration/byte_boundary_test \
	tests/integration/compat_test \
	tests/integration/data_path_test \
	tests/integration/debug_output_test \
	tests/integration/floods_test \
	tests/integration/forged_anchor_test \
	tests/integration/login_names_test \
	tests/integration/memory_alarm_test \
	tests/integration/open_fd_test \
	tests/integration/pkcs11_test \
	tests/integration/policies_test \
	tests/integration/record_attacks_test \
	tests/integration/revocation_with_servers_test \
	tests/integration/server_identity_test \
	tests/integration/rotation_test \
	tests/integration/servers_test \
	tests/integration/shared_connection_test \
	tests/integration/threads_test \
	tests/integration/vtable_contract_test \
	tests/integration/ways_in_test
tests_integration_allocation_test_SOURCES = tests/integration/allocation_test.c \
	tests/support/numbered_allocations.c tests/support/numbered_allocations.h
tests_integration_allocation_test_CPPFLAGS = $(integration_cppflags)
tests_integration_allocation_test_LDADD = $(integration_ldadd)
tests_integration_broker_test_CPPFLAGS = $(integration_cppflags)
tests_integration_broker_test_LDADD = $(integration_ldadd)
tests_integration_broker_uri_test_CPPFLAGS = $(integration_cppflags)
tests_integration_broker_uri_test_LDADD = $(integration_ldadd)
tests_integration_byte_boundary_test_CPPFLAGS = $(integration_cppflags)
tests_integration_byte_boundary_test_LDADD = $(integration_ldadd)
tests_integration_compat_test_CPPFLAGS = -I$(top_srcdir)/include/compat $(integration_cppflags)
tests_integration_compat_test_LDADD = librabbitmq-wolfssl-compat.la $(integration_ldadd)
tests_integration_data_path_test_CPPFLAGS = $(integration_cppflags)
tests_integration_data_path_test_LDADD = $(integration_ldadd)
tests_integration_debug_output_test_CPPFLAGS = -D_GNU_SOURCE -I$(top_srcdir)/include/compat $(integration_cppflags)
# Its syslog() is to be found by the library.
tests_integration_debug_output_test_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_integration_debug_output_test_LDADD = librabbitmq-wolfssl-compat.la $(integration_ldadd)
tests_integration_floods_test_CPPFLAGS = $(integration_cppflags)
tests_integration_floods_test_LDADD = $(integration_ldadd)
tests_integration_forged_anchor_test_CPPFLAGS = $(integration_cppflags)
tests_integration_forged_anchor_test_LDADD = $(integration_ldadd)
tests_integration_open_fd_test_CPPFLAGS = $(integration_cppflags)
tests_integration_open_fd_test_LDADD = $(integration_ldadd)
tests_integration_login_names_test_CPPFLAGS = $(integration_cppflags)
tests_integration_login_names_test_LDADD = $(integration_ldadd)
tests_integration_memory_alarm_test_CPPFLAGS = $(integration_cppflags)
tests_integration_memory_alarm_test_LDADD = $(integration_ldadd)
tests_integration_policies_test_CPPFLAGS = $(integration_cppflags)
tests_integration_policies_test_LDADD = $(integration_ldadd)
tests_integration_pkcs11_test_CPPFLAGS = $(integration_cppflags) $(P11_KIT_CFLAGS)
tests_integration_pkcs11_test_LDADD = $(integration_ldadd)
tests_integration_record_attacks_test_CPPFLAGS = $(integration_cppflags)
tests_integration_record_attacks_test_LDADD = $(integration_ldadd)
tests_integration_revocation_with_servers_test_CPPFLAGS = $(integration_cppflags)
tests_integration_revocation_with_servers_test_LDADD = $(integration_ldadd)
tests_integration_server_identity_test_CPPFLAGS = $(integration_cppflags)
tests_integration_server_identity_test_LDADD = $(integration_ldadd)
tests_integration_rotation_test_CPPFLAGS = $(integration_cppflags)
tests_integration_rotation_test_LDADD = $(integration_ldadd)
tests_integration_servers_test_CPPFLAGS = $(integration_cppflags)
tests_integration_servers_test_LDADD = $(integration_ldadd)
tests_integration_shared_connection_test_CPPFLAGS = $(integration_cppflags)
tests_integration_shared_connection_test_LDADD = $(integration_ldadd)
tests_integration_threads_test_CPPFLAGS = $(integration_cppflags)
tests_integration_threads_test_LDADD = $(integration_ldadd)
tests_integration_vtable_contract_test_CPPFLAGS = $(integration_cppflags)
tests_integration_vtable_contract_test_LDADD = $(integration_ldadd)
tests_integration_ways_in_test_CPPFLAGS = $(integration_cppflags)
tests_integration_ways_in_test_LDADD = $(integration_ldadd)

# With the archives in place of the shared libraries. Their dependencies may be shared.
static_archive_program = tests/integration/static_archive_test
static_archives = .libs/librabbitmq-wolfssl-compat.a .libs/librabbitmq-wolfssl.a
tests_integration_static_archive_test_CPPFLAGS = -I$(top_srcdir)/include/compat $(integration_cppflags)
tests_integration_static_archive_test_LDADD = tests/support/libtest_support.la $(static_archives) $(RABBITMQ_RPATH) \
	$(WOLFSSL_RPATH) $(CMOCKA_LIBS) $(RABBITMQ_LIBS) $(WOLFSSL_LIBS) $(P11_KIT_LIBS)
tests_integration_static_archive_test_DEPENDENCIES = tests/support/libtest_support.la $(archives_ready)
tests_integration_static_archive_test_SOURCES = tests/integration/static_archive_test.c
nodist_tests_integration_static_archive_test_SOURCES = tests/integration/internal_names.c
CLEANFILES += tests/integration/internal_names.c
tests/integration/internal_names.c: tests/support/define-internal-names tests/internal-names.expected \
		private_names.stamp
	$(AM_V_GEN)$(MKDIR_P) tests/integration && $(SHELL) $(srcdir)/tests/support/define-internal-names \
	  $(srcdir)/tests/internal-names.expected private_names.h >$@.new && mv $@.new $@
if HAVE_ARCHIVES
integration_programs += $(static_archive_program)
endif

# Shell tests that print TAP (tests/support/tap.sh).
integration_scripts = \
	tests/integration/amqp_tools.sh \
	tests/integration/broker_script.sh \
	tests/integration/build_options.sh \
	tests/integration/failover.sh \
	tests/integration/fips_options.sh \
	tests/integration/instruction_budget.sh \
	tests/integration/janus.sh \
	tests/integration/kubernetes_example.sh \
	tests/integration/limbo.sh \
	tests/integration/mutual_tls_guide.sh \
	tests/integration/oauth2.sh \
	tests/integration/other_wolfssl.sh \
	tests/integration/syslog_ng.sh \
	tests/integration/without_openssl.sh

# For a wolfSSL whose FIPS module is the test double of tests/support/fips_test_double.c, which they steer.
fips_integration_programs = tests/integration/fips_failures_with_servers_test
tests_integration_fips_failures_with_servers_test_CPPFLAGS = $(integration_cppflags)
tests_integration_fips_failures_with_servers_test_LDADD = $(integration_ldadd)

# Of the integration programs, those that valgrind runs too: not the ones that bring an allocator of their own or have
# other programs do the work.
valgrind_integration_programs = \
	tests/integration/broker_test \
	tests/integration/byte_boundary_test \
	tests/integration/data_path_test \
	tests/integration/record_attacks_test \
	tests/integration/servers_test \
	tests/integration/threads_test \
	tests/integration/vtable_contract_test
