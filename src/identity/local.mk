# SPDX-License-Identifier: MIT
# Who we are.

library_sources += \
	src/identity/credentials.c src/identity/credentials.h \
	src/identity/identity_source.c src/identity/identity_source.h \
	src/identity/passphrase.c src/identity/passphrase.h \
	src/identity/pkcs11_login.c src/identity/pkcs11_login.h \
	src/identity/pkcs11_token.c src/identity/pkcs11_token.h \
	src/identity/token_signature.c src/identity/token_signature.h
