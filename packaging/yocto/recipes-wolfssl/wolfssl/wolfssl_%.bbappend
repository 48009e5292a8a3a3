# SPDX-License-Identifier: MIT
#
# What librabbitmq-wolfssl can use of wolfSSL and upstream does not build by itself, when it is among WOLFSSL_FEATURES.
# README.md of librabbitmq-wolfssl says what each is for. The OpenSSL layer (--enable-opensslextra, for policy cnsa) is left
# out: every other program of the image would get it too.
FOR_LIBRABBITMQ = "--enable-sni --enable-extended-master --enable-crl --enable-ocsp --enable-ocspstapling \
                   --enable-enckeys --enable-pkcallbacks --enable-sys-ca-certs \
                   --enable-curve25519 --enable-ed25519"
EXTRA_OECONF += "${@bb.utils.contains('WOLFSSL_FEATURES', 'librabbitmq-wolfssl', '${FOR_LIBRABBITMQ}', '', d)}"
