# SPDX-License-Identifier: MIT
#
# A librabbitmq without OpenSSL, for an image that may not have it, when librabbitmq-wolfssl is among WOLFSSL_FEATURES.
WITHOUT_OPENSSL = "${@bb.utils.contains('WOLFSSL_FEATURES', 'librabbitmq-wolfssl', '1', '', d)}"
DEPENDS:remove = "${@'openssl' if d.getVar('WITHOUT_OPENSSL') else ''}"
EXTRA_OECMAKE:append = "${@' -DENABLE_SSL_SUPPORT=OFF' if d.getVar('WITHOUT_OPENSSL') else ''}"
