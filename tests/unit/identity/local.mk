# SPDX-License-Identifier: MIT

unit_tests += \
	tests/unit/identity/credentials_test \
	tests/unit/identity/identity_source_test \
	tests/unit/identity/pkcs11_login_test \
	tests/unit/identity/pkcs11_token_test
