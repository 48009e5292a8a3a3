# SPDX-License-Identifier: MIT
#
# What librabbitmq-wolfssl can use of wolfSSL and upstream does not build by itself, when it is among WOLFSSL_FEATURES.
# README.md of librabbitmq-wolfssl says what each is for.
FOR_LIBRABBITMQ = "--enable-sni --enable-extended-master --enable-crl --enable-ocsp --enable-ocspstapling \
                   --enable-enckeys --enable-pkcallbacks --enable-sys-ca-certs"
EXTRA_OECONF += "${@bb.utils.contains('WOLFSSL_FEATURES', 'librabbitmq-wolfssl', '${FOR_LIBRABBITMQ}', '', d)}"
