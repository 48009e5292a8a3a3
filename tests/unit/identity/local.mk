# SPDX-License-Identifier: MIT

unit_tests += \
	tests/unit/identity/credentials_test \
	tests/unit/identity/pkcs11_token_test
