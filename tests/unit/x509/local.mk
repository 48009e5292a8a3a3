# SPDX-License-Identifier: MIT

unit_tests += \
	tests/unit/x509/certificate_dates_test \
	tests/unit/x509/certificate_input_test \
	tests/unit/x509/certificate_list_test \
	tests/unit/x509/certificate_structure_test \
	tests/unit/x509/certificate_test \
	tests/unit/x509/certificate_text_test \
	tests/unit/x509/der_test \
	tests/unit/x509/distinguished_name_test \
	tests/unit/x509/extensions_test \
	tests/unit/x509/list_scope_test \
	tests/unit/x509/login_names_test \
	tests/unit/x509/object_identifiers_test \
	tests/unit/x509/ocsp_response_test \
	tests/unit/x509/pem_test \
	tests/unit/x509/revocation_list_test \
	tests/unit/x509/signed_object_test
