# SPDX-License-Identifier: MIT

# What the library judges, judged by another implementation too. Linked as unit tests are, and with libcrypto.
differential_programs = tests/differential/path_test
tests_differential_path_test_SOURCES = tests/differential/path_test.c
tests_differential_path_test_CPPFLAGS = $(private_cppflags) $(integration_cppflags)
tests_differential_path_test_LDADD = $(LDADD)
if HAVE_OPENSSL
tests_differential_path_test_SOURCES += \
	tests/differential/name_cases.c tests/differential/name_cases.h \
	tests/differential/path_cases.c tests/differential/path_cases.h \
	tests/differential/reference.c tests/differential/reference.h
tests_differential_path_test_CPPFLAGS += -DHAVE_REFERENCE $(OPENSSL_CFLAGS)
tests_differential_path_test_LDADD += $(OPENSSL_LIBS)
endif
