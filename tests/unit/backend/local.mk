# SPDX-License-Identifier: MIT

unit_tests += \
	tests/unit/backend/aes_hardware_test \
	tests/unit/backend/build_info_test \
	tests/unit/backend/fips_module_test \
	tests/unit/backend/fips_version_test \
	tests/unit/backend/wolfssl_error_test \
	tests/unit/backend/wolfssl_origin_test

# For a wolfSSL whose FIPS module is the test double of tests/support/fips_test_double.c, which they steer.
fips_unit_tests = tests/unit/backend/fips_failures_test
