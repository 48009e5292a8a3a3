# SPDX-License-Identifier: MIT

unit_tests += \
	tests/unit/verification/expected_identity_test \
	tests/unit/verification/legitimate_pkis_test \
	tests/unit/verification/name_constraints_test \
	tests/unit/verification/path_test \
	tests/unit/verification/peer_name_test \
	tests/unit/verification/peer_uri_test \
	tests/unit/verification/peer_verification_test \
	tests/unit/verification/remembered_paths_test \
	tests/unit/verification/revocation_path_test \
	tests/unit/verification/revocation_test \
	tests/unit/verification/running_on_test \
	tests/unit/verification/trust_sources_test \
	tests/unit/verification/trust_test \
	tests/unit/verification/wolfssl_opinion_test

# Its time() stands before the C library's.
tests_unit_verification_running_on_test_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
