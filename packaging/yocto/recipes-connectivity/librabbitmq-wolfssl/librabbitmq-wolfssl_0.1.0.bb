# SPDX-License-Identifier: MIT
SUMMARY = "Mutual TLS through wolfSSL for the AMQP client rabbitmq-c"
DESCRIPTION = "A TLS transport for rabbitmq-c: programs built on librabbitmq \
               speak mutual TLS to RabbitMQ through wolfSSL, on the installed \
               librabbitmq, unchanged."
SECTION = "libs"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://LICENSE;md5=75f2693f6f8c5b06affe410707137afc"

# virtual/wolfssl: a FIPS bundle's recipe can take the place of the open one.
DEPENDS = "virtual/wolfssl rabbitmq-c"

# What `make dist` makes, in a folder files/ beside this recipe.
SRC_URI = "file://${BP}.tar.xz"

inherit autotools pkgconfig wolfssl-helper

PACKAGECONFIG ??= ""
PACKAGECONFIG[pkcs11] = "--with-pkcs11=yes,--with-pkcs11=no,p11-kit"
PACKAGECONFIG[fips] = "--with-fips=required,--with-fips=auto"
PACKAGECONFIG[policy-lock] = "--enable-policy-lock,--disable-policy-lock"

# The functions of rabbitmq-c's OpenSSL transport; only programs written for them need it.
PACKAGE_BEFORE_PN = "${PN}-compat"
SUMMARY:${PN}-compat = "The functions of rabbitmq-c's OpenSSL transport over wolfSSL"
FILES:${PN}-compat = "${libdir}/librabbitmq-wolfssl-compat${SOLIBS}"
