# SPDX-License-Identifier: MIT
# Reads and checks signed DER.

library_sources += \
	src/x509/certificate.c src/x509/certificate.h \
	src/x509/certificate_dates.c src/x509/certificate_dates.h \
	src/x509/certificate_input.c src/x509/certificate_input.h \
	src/x509/certificate_list.c src/x509/certificate_list.h \
	src/x509/certificate_text.c \
	src/x509/der.c src/x509/der.h \
	src/x509/distinguished_name.c src/x509/distinguished_name.h \
	src/x509/encoded_input.c src/x509/encoded_input.h \
	src/x509/extensions.c src/x509/extensions.h \
	src/x509/object_identifiers.c src/x509/object_identifiers.h \
	src/x509/login_names.c src/x509/login_names.h \
	src/x509/list_scope.c src/x509/list_scope.h \
	src/x509/ocsp_response.c src/x509/ocsp_response.h \
	src/x509/pem.c src/x509/pem.h \
	src/x509/pss_parameters.c src/x509/pss_parameters.h \
	src/x509/revocation_list.c src/x509/revocation_list.h \
	src/x509/signature.c src/x509/signature.h \
	src/x509/signature_scheme.c src/x509/signature_scheme.h \
	src/x509/signed_object.c src/x509/signed_object.h
